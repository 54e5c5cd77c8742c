package otlp

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// Tags of the three outer levels, which are the same in all export requests.
const (
	requestBatches protobuf.Tag = 1<<3 | protobuf.Bytes

	batchResource  protobuf.Tag = 1<<3 | protobuf.Bytes
	batchScopes    protobuf.Tag = 2<<3 | protobuf.Bytes
	batchSchemaURL protobuf.Tag = 3<<3 | protobuf.Bytes

	scopedScope     protobuf.Tag = 1<<3 | protobuf.Bytes
	scopedRecords   protobuf.Tag = 2<<3 | protobuf.Bytes
	scopedSchemaURL protobuf.Tag = 3<<3 | protobuf.Bytes
)

// recordFunc reads the message of a span or log record. What the record belongs to may be
// filled in later, since protobuf lets fields come in any order.
type recordFunc func(record protobuf.Fields, r *plait.Resource, s *plait.Scope) error

// request walks an export request and hands its records over.
func (d *decoder) request(record recordFunc) error {
	f := protobuf.Of(d.body)
	d.batch = -1
	for f.Next() {
		if f.Tag != requestBatches {
			continue
		}
		d.batch++
		if err := d.resourceBatch(f.Message(), record); err != nil {
			return inItem(err, d.batches, d.batch)
		}
	}
	return asMalformed(f.Err)
}

func (d *decoder) resourceBatch(f protobuf.Fields, record recordFunc) error {
	r := &plait.Resource{}
	d.place.scope = -1
	for f.Next() {
		switch f.Tag {
		case batchResource:
			if err := d.resource(r, f.Message()); err != nil {
				return in(err, "resource")
			}
		case batchScopes:
			d.place.scope++
			if err := d.scopeBatch(f.Message(), r, record); err != nil {
				return inItem(err, d.scopes, d.place.scope)
			}
		case batchSchemaURL:
			r.SchemaURL = f.Text()
		}
	}
	return f.Err
}

func (d *decoder) scopeBatch(f protobuf.Fields, r *plait.Resource, record recordFunc) error {
	s := &plait.Scope{}
	d.record = -1
	for f.Next() {
		switch f.Tag {
		case scopedScope:
			if err := d.scope(s, f.Message()); err != nil {
				return in(err, "scope")
			}
		case scopedRecords:
			d.record++
			if err := record(f.Message(), r, s); err != nil {
				return inItem(err, d.records, d.record)
			}
		case scopedSchemaURL:
			s.SchemaURL = f.Text()
		}
	}
	return f.Err
}

// count returns how many records there are, up to where the request is malformed.
func (d *decoder) count() int {
	n := 0
	request := protobuf.Of(d.body)
	for request.Next() {
		if request.Tag != requestBatches {
			continue
		}
		batch := request.Message()
		for batch.Next() {
			if batch.Tag != batchScopes {
				continue
			}
			scoped := batch.Message()
			for scoped.Next() {
				if scoped.Tag == scopedRecords {
					n++
				}
			}
		}
	}
	return n
}

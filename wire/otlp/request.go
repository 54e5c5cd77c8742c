package otlp

import "github.com/plaithq/plait"

// Tags of the three outer levels, which are the same in all export requests.
const (
	requestBatches tag = 1<<3 | wireBytes

	batchResource  tag = 1<<3 | wireBytes
	batchScopes    tag = 2<<3 | wireBytes
	batchSchemaURL tag = 3<<3 | wireBytes

	scopedScope     tag = 1<<3 | wireBytes
	scopedRecords   tag = 2<<3 | wireBytes
	scopedSchemaURL tag = 3<<3 | wireBytes
)

// recordFunc reads the message of a span or log record. What the record belongs to may be
// filled in later, since protobuf lets fields come in any order.
type recordFunc func(record fields, r *plait.Resource, s *plait.Scope) error

// request walks an export request and hands its records over.
func (d *decoder) request(record recordFunc) error {
	f := fields{body: d.body, end: len(d.body)}
	d.batch = -1
	for f.next() {
		if f.tag != requestBatches {
			continue
		}
		d.batch++
		if err := d.resourceBatch(f.message(), record); err != nil {
			return inItem(err, d.batches, d.batch)
		}
	}
	return f.err
}

func (d *decoder) resourceBatch(f fields, record recordFunc) error {
	r := &plait.Resource{}
	d.place.scope = -1
	for f.next() {
		switch f.tag {
		case batchResource:
			if err := d.resource(r, f.message()); err != nil {
				return in(err, "resource")
			}
		case batchScopes:
			d.place.scope++
			if err := d.scopeBatch(f.message(), r, record); err != nil {
				return inItem(err, d.scopes, d.place.scope)
			}
		case batchSchemaURL:
			r.SchemaURL = f.text()
		}
	}
	return f.err
}

func (d *decoder) scopeBatch(f fields, r *plait.Resource, record recordFunc) error {
	s := &plait.Scope{}
	d.record = -1
	for f.next() {
		switch f.tag {
		case scopedScope:
			if err := d.scope(s, f.message()); err != nil {
				return in(err, "scope")
			}
		case scopedRecords:
			d.record++
			if err := record(f.message(), r, s); err != nil {
				return inItem(err, d.records, d.record)
			}
		case scopedSchemaURL:
			s.SchemaURL = f.text()
		}
	}
	return f.err
}

// count returns how many records there are, up to where the request is malformed.
func (d *decoder) count() int {
	n := 0
	request := fields{body: d.body, end: len(d.body)}
	for request.next() {
		if request.tag != requestBatches {
			continue
		}
		batch := request.message()
		for batch.next() {
			if batch.tag != batchScopes {
				continue
			}
			scoped := batch.message()
			for scoped.next() {
				if scoped.tag == scopedRecords {
					n++
				}
			}
		}
	}
	return n
}

package otlp

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

const attributeBytes = int(unsafe.Sizeof(plait.Attribute{}))

// jsonDecoder reads one request in OTLP/JSON: protobuf's JSON with ids in hexadecimal. Names of fields
// are lowerCamelCase or as in the .proto files; unknown ones are ignored.
type jsonDecoder struct {
	findings
	place
	r          jsonReader
	attributes arena[plait.Attribute]
	nested     nested
}

func newJSONDecoder(body []byte, names place, claim func(int64) error) jsonDecoder {
	return jsonDecoder{
		r:          newJSONReader(body, claim),
		place:      names,
		attributes: newArena[plait.Attribute](len(body) / 100),
	}
}

// guess returns about how many records there are, from how often a key occurs that most have
// once. There are no more of them than objects.
func (d *jsonDecoder) guess(key string) int {
	return min(strings.Count(d.r.Text, key), strings.Count(d.r.Text, "{"))
}

// maxGuess bounds the records that are made room for before they are read.
const maxGuess = 8192

// request walks an export request whose three repeated fields are named in place, or as snake is.
func (d *jsonDecoder) request(snake place, record func(*plait.Resource, *plait.Scope)) error {
	for o := (jsontext.Object{}); d.r.field(&o); {
		if o.Key != d.batches && o.Key != snake.batches {
			d.r.Skip()
			continue
		}
		for a := (jsontext.Array{}); d.r.Item(&a); {
			d.batch = a.Index
			d.resourceBatch(snake, record)
		}
	}
	d.r.End()
	return d.r.failure()
}

func (d *jsonDecoder) resourceBatch(snake place, record func(*plait.Resource, *plait.Scope)) {
	d.r.account(int(unsafe.Sizeof(plait.Resource{})))
	r := &plait.Resource{}
	for o := (jsontext.Object{}); d.r.field(&o); {
		switch o.Key {
		case "resource":
			d.resource(r)
		case d.scopes, snake.scopes:
			for a := (jsontext.Array{}); d.r.Item(&a); {
				d.place.scope = a.Index
				d.scopeBatch(snake, r, record)
			}
		case "schemaUrl", "schema_url":
			r.SchemaURL = d.r.str()
		default:
			d.r.Skip()
		}
	}
}

func (d *jsonDecoder) scopeBatch(snake place, r *plait.Resource, record func(*plait.Resource, *plait.Scope)) {
	d.r.account(int(unsafe.Sizeof(plait.Scope{})))
	s := &plait.Scope{}
	for o := (jsontext.Object{}); d.r.field(&o); {
		switch o.Key {
		case "scope":
			d.scope(s)
		case d.records, snake.records:
			for a := (jsontext.Array{}); d.r.Item(&a); {
				d.record = a.Index
				record(r, s)
			}
		case "schemaUrl", "schema_url":
			s.SchemaURL = d.r.str()
		default:
			d.r.Skip()
		}
	}
}

// misread says why the record that begins at a place could not be read, empty where it was read. The reading goes on behind
// it, unless what is wrong is no value but the JSON itself.
func (d *jsonDecoder) misread(start int) (kind, why string) {
	wrong := d.r.Err
	if wrong == nil || d.r.refused != nil {
		return "", ""
	}
	d.r.Err, d.r.Pos = nil, start
	if d.r.Skip(); d.r.Err != nil {
		d.r.Err, d.r.Pos = wrong, len(d.r.Text)
		return "", ""
	}
	if why = wrong.What; len(wrong.Path) > 0 {
		why = joinedPath(wrong.Path) + ": " + why
	}
	return wrong.What, why
}

func (d *jsonDecoder) resource(r *plait.Resource) {
	for o := (jsontext.Object{}); d.r.field(&o); {
		switch o.Key {
		case "attributes":
			r.Attributes = d.attributeList(r.Attributes)
		case "droppedAttributesCount", "dropped_attributes_count":
			r.DroppedAttributes = d.r.count()
		default:
			d.r.Skip()
		}
	}
}

func (d *jsonDecoder) scope(s *plait.Scope) {
	for o := (jsontext.Object{}); d.r.field(&o); {
		switch o.Key {
		case "name":
			s.Name = d.r.str()
		case "version":
			s.Version = d.r.str()
		case "attributes":
			s.Attributes = d.attributeList(s.Attributes)
		case "droppedAttributesCount", "dropped_attributes_count":
			s.DroppedAttributes = d.r.count()
		default:
			d.r.Skip()
		}
	}
}

// attributeList reads an array of attributes and adds them to a list.
func (d *jsonDecoder) attributeList(list plait.Attributes) plait.Attributes {
	run := d.attributes.open()
	for a := (jsontext.Array{}); d.r.Item(&a); {
		d.r.account(2 * attributeBytes)
		run = d.attributes.extend(run)
		attribute := &run[len(run)-1]
		for o := (jsontext.Object{}); d.r.field(&o); {
			switch o.Key {
			case "key":
				attribute.Key = d.r.str()
			case "value":
				attribute.Value = d.value()
			default:
				d.r.Skip()
			}
		}
	}
	if len(run) == 0 {
		return list
	}
	return d.attributes.close(list, run)
}

// value reads an AnyValue.
func (d *jsonDecoder) value() (v plait.Value) {
	for o := (jsontext.Object{}); d.r.field(&o); {
		mark := len(d.nested.text)
		switch o.Key {
		case "arrayValue", "array_value":
			d.appendArray(1)
			d.r.account(3 * (len(d.nested.text) - mark))
			v = plait.ArrayValue(d.nested.take(mark))
		case "kvlistValue", "kvlist_value":
			d.appendMap(1)
			d.r.account(3 * (len(d.nested.text) - mark))
			v = plait.MapValue(d.nested.take(mark))
		default:
			if scalar, ok := d.scalar(o.Key); ok {
				v = scalar
			}
		}
	}
	return v
}

// scalar reads a member of an AnyValue. ok is false for what is no member.
func (d *jsonDecoder) scalar(member string) (v plait.Value, ok bool) {
	switch member {
	case "stringValue", "string_value":
		return plait.StringValue(d.r.str()), true
	case "boolValue", "bool_value":
		return plait.BoolValue(d.r.boolean()), true
	case "intValue", "int_value":
		return plait.IntValue(d.r.integer()), true
	case "doubleValue", "double_value":
		return plait.DoubleValue(d.r.double()), true
	case "bytesValue", "bytes_value":
		return plait.BytesValue(d.r.binary()), true
	}
	d.r.Skip()
	return plait.Value{}, false
}

// appendValue writes the AnyValue that lies at a depth: inside of so many arrays and maps.
func (d *jsonDecoder) appendValue(depth int) {
	mark := len(d.nested.text)
	d.nested.scalar(plait.Value{})
	for o := (jsontext.Object{}); d.r.field(&o); {
		switch o.Key {
		case "arrayValue", "array_value":
			d.nested.text = d.nested.text[:mark]
			d.appendList(depth, d.appendArray)
		case "kvlistValue", "kvlist_value":
			d.nested.text = d.nested.text[:mark]
			d.appendList(depth, d.appendMap)
		default:
			if v, ok := d.scalar(o.Key); ok {
				d.nested.text = d.nested.text[:mark]
				d.nested.scalar(v)
			}
		}
	}
}

// appendList reads an array or map that lies at a depth, unless that is too deep.
func (d *jsonDecoder) appendList(depth int, list func(depth int)) {
	if depth == maxDepth {
		d.r.Skip()
		d.nested.deep()
		return
	}
	list(depth + 1)
}

// appendArray reads an ArrayValue whose items lie at a depth.
func (d *jsonDecoder) appendArray(depth int) {
	d.nested.text = append(d.nested.text, '[')
	for o := (jsontext.Object{}); d.r.field(&o); {
		if o.Key != "values" {
			d.r.Skip()
			continue
		}
		for a := (jsontext.Array{}); d.r.Item(&a); {
			d.appendValue(depth)
			d.nested.text = append(d.nested.text, ',')
		}
	}
	d.nested.closeWith(']')
}

// appendMap reads a KeyValueList whose values lie at a depth.
func (d *jsonDecoder) appendMap(depth int) {
	mark := len(d.nested.entries)
	d.nested.text = append(d.nested.text, '{')
	for o := (jsontext.Object{}); d.r.field(&o); {
		if o.Key != "values" {
			d.r.Skip()
			continue
		}
		for a := (jsontext.Array{}); d.r.Item(&a); {
			d.appendEntry(depth)
		}
	}
	d.nested.closeMap(mark)
}

// appendEntry reads one KeyValue of a map. In the text the key comes first, wherever it was.
func (d *jsonDecoder) appendEntry(depth int) {
	n := &d.nested
	start, written := len(n.text), false
	var key string
	e := entry{start: start}
	for o := (jsontext.Object{}); d.r.field(&o); {
		switch o.Key {
		case "key":
			key = d.r.str()
			if written {
				value := string(n.text[e.keyEnd+1:])
				n.text = n.text[:start]
				e = n.key(key)
				n.text = append(n.text, value...)
			}
		case "value":
			n.text = n.text[:start]
			e, written = n.key(key), true
			d.appendValue(depth)
		default:
			d.r.Skip()
		}
	}
	if !written {
		e = n.key(key)
		n.scalar(plait.Value{})
	}
	n.endEntry(e)
}

// readHex reads an id in hexadecimal. An empty one is absent.
func (b *badID) readHex(id []byte, text, field string) {
	clear(id)
	switch {
	case text == "":
		return
	case len(text) == 2*len(id):
		_, err := hex.Decode(id, []byte(text))
		if err == nil {
			return
		}
		clear(id)
		if b.field == "" {
			*b = badID{field, "is not hexadecimal"}
		}
	case b.field == "":
		*b = badID{field, fmt.Sprintf("has %d characters, want %d hexadecimal digits", len(text), 2*len(id))}
	}
}

// unknown notes the name of an enumeration that OTLP does not define. Taking it for the default would
// make an error a success.
func (b *badID) unknown(field, name string) {
	if name != "" && b.field == "" {
		*b = badID{field, fmt.Sprintf("is %.32q, which OTLP does not define", name)}
	}
}

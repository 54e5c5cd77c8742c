package otlp

import (
	"math"

	"github.com/plaithq/plait"
)

// Tags of opentelemetry.proto.common.v1 and resource.v1.
const (
	keyValueKey   tag = 1<<3 | wireBytes
	keyValueValue tag = 2<<3 | wireBytes

	anyString   tag = 1<<3 | wireBytes
	anyBool     tag = 2<<3 | wireVarint
	anyInt      tag = 3<<3 | wireVarint
	anyDouble   tag = 4<<3 | wireFixed64
	anyArray    tag = 5<<3 | wireBytes
	anyMap      tag = 6<<3 | wireBytes
	anyBytes    tag = 7<<3 | wireBytes
	anyStrindex tag = 8<<3 | wireVarint

	listValues tag = 1<<3 | wireBytes // of ArrayValue and of KeyValueList

	scopeName       tag = 1<<3 | wireBytes
	scopeVersion    tag = 2<<3 | wireBytes
	scopeAttributes tag = 3<<3 | wireBytes
	scopeDropped    tag = 4<<3 | wireVarint

	resourceAttributes tag = 1<<3 | wireBytes
	resourceDropped    tag = 2<<3 | wireVarint
)

// decoder reads one request.
type decoder struct {
	findings
	place
	*Memory
	body   string
	nested nested
}

// anyValue is which member of an AnyValue is set, and where. Later members replace earlier ones.
type anyValue struct {
	tag      tag
	num      uint64
	from, to int
}

// read takes in an AnyValue message. Protobuf would join the parts of an array or map that is
// set twice, and look for mistakes in one that is replaced; nobody sends such things, and they
// are refused.
func (v *anyValue) read(f fields) error {
	for f.next() {
		switch f.tag {
		case anyString, anyBool, anyInt, anyDouble, anyArray, anyMap, anyBytes, anyStrindex:
			if v.tag == anyArray || v.tag == anyMap {
				return &malformed{offset: f.pos, what: "a value is set twice"}
			}
			*v = anyValue{tag: f.tag, num: f.num, from: f.from, to: f.to}
		}
	}
	return f.err
}

// scalar returns the value if it is neither array nor map.
func (v *anyValue) scalar(body string) (plait.Value, bool) {
	switch v.tag {
	case anyString:
		return plait.StringValue(body[v.from:v.to]), true
	case anyBool:
		return plait.BoolValue(v.num != 0), true
	case anyInt:
		return plait.IntValue(int64(v.num)), true
	case anyDouble:
		return plait.DoubleValue(math.Float64frombits(v.num)), true
	case anyBytes:
		return plait.BytesValue(body[v.from:v.to]), true
	case anyArray, anyMap:
		return plait.Value{}, false
	}
	return plait.Value{}, true
}

// value makes a value of what was read.
func (d *decoder) value(v *anyValue) (plait.Value, error) {
	if scalar, ok := v.scalar(d.body); ok {
		return scalar, nil
	}
	mark := len(d.nested.text)
	if err := d.appendValue(v, 0); err != nil {
		return plait.Value{}, err
	}
	if d.nested.account(3 * (len(d.nested.text) - mark)); d.nested.err != nil {
		return plait.Value{}, d.nested.err
	}
	if v.tag == anyArray {
		return plait.ArrayValue(d.nested.take(mark)), nil
	}
	return plait.MapValue(d.nested.take(mark)), nil
}

// appendValue writes a value that lies at a depth: inside of so many arrays and maps.
func (d *decoder) appendValue(v *anyValue, depth int) error {
	if scalar, ok := v.scalar(d.body); ok {
		d.nested.scalar(scalar)
		return nil
	}
	if depth == maxDepth {
		d.nested.deep()
		return nil
	}
	list := fields{body: d.body, pos: v.from, end: v.to}
	if v.tag == anyArray {
		return in(d.appendArray(list, depth+1), "array_value")
	}
	return in(d.appendMap(list, depth+1), "kvlist_value")
}

func (d *decoder) appendArray(list fields, depth int) error {
	d.nested.text = append(d.nested.text, '[')
	for i := 0; list.next(); {
		if list.tag != listValues {
			continue
		}
		var v anyValue
		if err := v.read(list.message()); err != nil {
			return inItem(err, "values", i)
		}
		if err := d.appendValue(&v, depth); err != nil {
			return inItem(err, "values", i)
		}
		d.nested.text = append(d.nested.text, ',')
		i++
	}
	d.nested.closeWith(']')
	return list.err
}

func (d *decoder) appendMap(list fields, depth int) error {
	mark := len(d.nested.entries)
	d.nested.text = append(d.nested.text, '{')
	for i := 0; list.next(); {
		if list.tag != listValues {
			continue
		}
		key, v, err := readKeyValue(list.message())
		if err != nil {
			return inItem(err, "values", i)
		}
		e := d.nested.key(key)
		if err := d.appendValue(&v, depth); err != nil {
			return inItem(err, "values", i)
		}
		d.nested.endEntry(e)
		i++
	}
	d.nested.closeMap(mark)
	return list.err
}

func readKeyValue(f fields) (key string, v anyValue, err error) {
	for f.next() {
		switch f.tag {
		case keyValueKey:
			key = f.text()
		case keyValueValue:
			if err := v.read(f.message()); err != nil {
				return "", v, in(err, "value")
			}
		}
	}
	return key, v, f.err
}

// attributeList reads the attribute that f stands at and those that follow it directly, and adds
// them to a list.
func (d *decoder) attributeList(f *fields, list plait.Attributes) (plait.Attributes, error) {
	run := d.attributes.open()
	for {
		run = d.attributes.extendFrom(f, run)
		a := &run[len(run)-1]
		if !shortString(a, f.text()) {
			if err := d.attribute(a, f.message()); err != nil {
				return nil, inItem(err, "attributes", len(list)+len(run)-1)
			}
		}
		if !f.repeats() {
			return d.attributes.close(list, run), nil
		}
	}
}

// shortString reads a KeyValue as nearly all of them are: key and value once each and of less
// than 128 bytes, the value a string. SDKs write the key first, Collectors the value. It says
// whether it could; if not, nothing is lost.
func shortString(a *plait.Attribute, kv string) bool {
	first, rest := shortField(kv)
	second, rest := shortField(rest)
	if rest != "" || second == "" {
		return false
	}
	if tag(first[0]) == keyValueValue {
		first, second = second, first
	}
	text, rest := shortField(second[2:])
	if tag(first[0]) != keyValueKey || tag(second[0]) != keyValueValue || rest != "" || text == "" || tag(text[0]) != anyString {
		return false
	}
	a.Key, a.Value = first[2:], plait.StringValue(text[2:])
	return true
}

// shortField cuts a field with a tag and a length of one byte each off a message. The field
// is empty if the message does not begin with such a one.
func shortField(msg string) (field, rest string) {
	if len(msg) < 2 || msg[0] > 0x7f || msg[1] > 0x7f || int(msg[1]) > len(msg)-2 {
		return "", msg
	}
	return msg[:2+msg[1]], msg[2+msg[1]:]
}

func (d *decoder) attribute(a *plait.Attribute, f fields) error {
	key, v, err := readKeyValue(f)
	if err != nil {
		return err
	}
	a.Key = key
	a.Value, err = d.value(&v)
	return in(err, "value")
}

func (d *decoder) resource(r *plait.Resource, f fields) (err error) {
	for f.next() {
		switch f.tag {
		case resourceAttributes:
			if r.Attributes, err = d.attributeList(&f, r.Attributes); err != nil {
				return err
			}
		case resourceDropped:
			r.DroppedAttributes = uint32(f.num)
		}
	}
	return f.err
}

func (d *decoder) scope(s *plait.Scope, f fields) (err error) {
	for f.next() {
		switch f.tag {
		case scopeName:
			s.Name = f.text()
		case scopeVersion:
			s.Version = f.text()
		case scopeAttributes:
			if s.Attributes, err = d.attributeList(&f, s.Attributes); err != nil {
				return err
			}
		case scopeDropped:
			s.DroppedAttributes = uint32(f.num)
		}
	}
	return f.err
}

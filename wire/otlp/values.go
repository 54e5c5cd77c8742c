package otlp

import (
	"math"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// Tags of opentelemetry.proto.common.v1 and resource.v1.
const (
	keyValueKey   protobuf.Tag = 1<<3 | protobuf.Bytes
	keyValueValue protobuf.Tag = 2<<3 | protobuf.Bytes

	anyString   protobuf.Tag = 1<<3 | protobuf.Bytes
	anyBool     protobuf.Tag = 2<<3 | protobuf.Varint
	anyInt      protobuf.Tag = 3<<3 | protobuf.Varint
	anyDouble   protobuf.Tag = 4<<3 | protobuf.Fixed64
	anyArray    protobuf.Tag = 5<<3 | protobuf.Bytes
	anyMap      protobuf.Tag = 6<<3 | protobuf.Bytes
	anyBytes    protobuf.Tag = 7<<3 | protobuf.Bytes
	anyStrindex protobuf.Tag = 8<<3 | protobuf.Varint

	listValues protobuf.Tag = 1<<3 | protobuf.Bytes // of ArrayValue and of KeyValueList

	scopeName       protobuf.Tag = 1<<3 | protobuf.Bytes
	scopeVersion    protobuf.Tag = 2<<3 | protobuf.Bytes
	scopeAttributes protobuf.Tag = 3<<3 | protobuf.Bytes
	scopeDropped    protobuf.Tag = 4<<3 | protobuf.Varint

	resourceAttributes protobuf.Tag = 1<<3 | protobuf.Bytes
	resourceDropped    protobuf.Tag = 2<<3 | protobuf.Varint
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
	tag      protobuf.Tag
	num      uint64
	from, to int
}

// read takes in an AnyValue message. Protobuf would join the parts of an array or map that is
// set twice, and look for mistakes in one that is replaced; nobody sends such things, and they
// are refused.
func (v *anyValue) read(f protobuf.Fields) error {
	for f.Next() {
		switch f.Tag {
		case anyString, anyBool, anyInt, anyDouble, anyArray, anyMap, anyBytes, anyStrindex:
			if v.tag == anyArray || v.tag == anyMap {
				return &protobuf.Error{Offset: f.Pos(), What: "a value is set twice"}
			}
			*v = anyValue{tag: f.Tag, num: f.Num, from: f.From, to: f.Pos()}
		}
	}
	return f.Err
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
	list := protobuf.Between(d.body, v.from, v.to)
	if v.tag == anyArray {
		return in(d.appendArray(list, depth+1), "array_value")
	}
	return in(d.appendMap(list, depth+1), "kvlist_value")
}

func (d *decoder) appendArray(list protobuf.Fields, depth int) error {
	d.nested.text = append(d.nested.text, '[')
	for i := 0; list.Next(); {
		if list.Tag != listValues {
			continue
		}
		var v anyValue
		if err := v.read(list.Message()); err != nil {
			return inItem(err, "values", i)
		}
		if err := d.appendValue(&v, depth); err != nil {
			return inItem(err, "values", i)
		}
		d.nested.text = append(d.nested.text, ',')
		i++
	}
	d.nested.closeWith(']')
	return list.Err
}

func (d *decoder) appendMap(list protobuf.Fields, depth int) error {
	mark := len(d.nested.entries)
	d.nested.text = append(d.nested.text, '{')
	for i := 0; list.Next(); {
		if list.Tag != listValues {
			continue
		}
		key, v, err := readKeyValue(list.Message())
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
	return list.Err
}

func readKeyValue(f protobuf.Fields) (key string, v anyValue, err error) {
	for f.Next() {
		switch f.Tag {
		case keyValueKey:
			key = f.Text()
		case keyValueValue:
			if err := v.read(f.Message()); err != nil {
				return "", v, in(err, "value")
			}
		}
	}
	return key, v, f.Err
}

// attributeList reads the attribute that f stands at and those that follow it directly, and adds
// them to a list.
func (d *decoder) attributeList(f *protobuf.Fields, list plait.Attributes) (plait.Attributes, error) {
	run := d.attributes.open()
	for {
		run = d.attributes.extendFrom(f, run)
		a := &run[len(run)-1]
		if !shortString(a, f.Text()) {
			if err := d.attribute(a, f.Message()); err != nil {
				return nil, inItem(err, "attributes", len(list)+len(run)-1)
			}
		}
		if !f.Repeats() {
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
	if protobuf.Tag(first[0]) == keyValueValue {
		first, second = second, first
	}
	text, rest := shortField(second[2:])
	if protobuf.Tag(first[0]) != keyValueKey || protobuf.Tag(second[0]) != keyValueValue || rest != "" || text == "" || protobuf.Tag(text[0]) != anyString {
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

func (d *decoder) attribute(a *plait.Attribute, f protobuf.Fields) error {
	key, v, err := readKeyValue(f)
	if err != nil {
		return err
	}
	a.Key = key
	a.Value, err = d.value(&v)
	return in(err, "value")
}

func (d *decoder) resource(r *plait.Resource, f protobuf.Fields) (err error) {
	for f.Next() {
		switch f.Tag {
		case resourceAttributes:
			if r.Attributes, err = d.attributeList(&f, r.Attributes); err != nil {
				return err
			}
		case resourceDropped:
			r.DroppedAttributes = uint32(f.Num)
		}
	}
	return f.Err
}

func (d *decoder) scope(s *plait.Scope, f protobuf.Fields) (err error) {
	for f.Next() {
		switch f.Tag {
		case scopeName:
			s.Name = f.Text()
		case scopeVersion:
			s.Version = f.Text()
		case scopeAttributes:
			if s.Attributes, err = d.attributeList(&f, s.Attributes); err != nil {
				return err
			}
		case scopeDropped:
			s.DroppedAttributes = uint32(f.Num)
		}
	}
	return f.Err
}

package rowcodec

import (
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
)

// Object is the JSON object of what few rows have. What is empty or 0 is left out, and an
// object with nothing in it is the empty text.
type Object struct {
	Dst   []byte
	begun int
}

// BeginObject begins an object at the end of dst.
func BeginObject(dst []byte) Object { return Object{Dst: dst, begun: len(dst)} }

// Key begins the next member.
func (e *Object) Key(name string) {
	separator := byte(',')
	if len(e.Dst) == e.begun {
		separator = '{'
	}
	e.Dst = append(e.Dst, separator, '"')
	e.Dst = append(e.Dst, name...)
	e.Dst = append(e.Dst, '"', ':')
}

// Text adds a string member.
func (e *Object) Text(name, value string) {
	if value != "" {
		e.Key(name)
		e.Dst = plait.AppendJSONString(e.Dst, value)
	}
}

// Count adds a number.
func (e *Object) Count(name string, value uint32) {
	if value != 0 {
		e.Key(name)
		e.Dst = strconv.AppendUint(e.Dst, uint64(value), 10)
	}
}

// Attributes adds attributes as the member "attributes".
func (e *Object) Attributes(attributes plait.Attributes) {
	if len(attributes) > 0 {
		e.Key("attributes")
		e.Dst = AppendAttributes(e.Dst, attributes)
	}
}

// Close ends the object and returns what was appended to, which is {} in an array and nothing by itself.
func (e *Object) Close(inArray bool) []byte {
	if len(e.Dst) > e.begun {
		return append(e.Dst, '}')
	}
	if inArray {
		return append(e.Dst, '{', '}')
	}
	return e.Dst
}

// AppendList appends a JSON array.
func AppendList[T any](dst []byte, list []T, appendOne func([]byte, *T) []byte) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOne(dst, &list[i])
	}
	return append(dst, ']')
}

// JoinAttributes returns the attributes of a row: those of its set and its own.
func JoinAttributes(set plait.Attributes, own string) (plait.Attributes, error) {
	if own == "" {
		return set[:len(set):len(set)], nil
	}
	rest, err := canonical.ParseAttributes(own)
	if err != nil || len(set) == 0 {
		return rest, err
	}
	all := make(plait.Attributes, 0, len(set)+len(rest))
	return append(append(all, set...), rest...), nil
}

// WeighAttributes returns about how many bytes attributes hold.
func WeighAttributes(attributes plait.Attributes) (bytes int) {
	for i := range attributes {
		bytes += len(attributes[i].Key) + len(attributes[i].Value.Str()) + 8
	}
	return bytes
}

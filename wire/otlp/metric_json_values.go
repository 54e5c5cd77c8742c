package otlp

import (
	"math"

	"github.com/plaithq/plait"
)

// keyValue writes an attribute whose value lies at a depth.
func (j *metricJSON) keyValue(depth int) {
	j.object(func(key string) {
		switch key {
		case "key":
			j.text(keyValueKey)
		case "value":
			j.message(keyValueValue, func() { j.anyValue(depth) })
		default:
			j.r.Skip()
		}
	})
}

// anyValue writes the AnyValue that lies at a depth: inside of so many arrays and maps. Of members
// that are set together the last counts.
func (j *metricJSON) anyValue(depth int) {
	mark := len(j.out)
	j.object(func(key string) {
		t, item := anyArray, func() { j.anyValue(depth + 1) }
		switch key {
		case "arrayValue", "array_value":
		case "kvlistValue", "kvlist_value":
			t, item = anyMap, func() { j.keyValue(depth + 1) }
		default:
			if v, ok := j.scalar(key); ok {
				j.out = appendScalar(j.out[:mark], v)
			}
			return
		}
		j.out = j.out[:mark]
		if depth == maxDepth {
			j.r.Skip()
			j.nested.tooDeep++
			j.out = appendField(j.out, anyString, deepText)
			return
		}
		j.message(t, func() {
			j.object(func(key string) {
				if key == "values" {
					j.list(listValues, item)
					return
				}
				j.r.Skip()
			})
		})
	})
}

// appendScalar appends the member of an AnyValue that is neither array nor map.
func appendScalar(dst []byte, v plait.Value) []byte {
	switch v.Kind() {
	case plait.KindString:
		return appendField(dst, anyString, v.Str())
	case plait.KindBool:
		n := uint64(0)
		if v.Bool() {
			n = 1
		}
		return appendVarint(dst, anyBool, n)
	case plait.KindInt:
		return appendVarint(dst, anyInt, uint64(v.Int()))
	case plait.KindDouble:
		return appendFixed(dst, anyDouble, math.Float64bits(v.Double()))
	case plait.KindBytes:
		return appendField(dst, anyBytes, v.Str())
	}
	return dst
}

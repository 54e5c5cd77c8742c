package store

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
)

// copyBuffer holds rows for COPY, with the kinds of fields that spans and logs have.
type copyBuffer struct{ pgcopy.Rows }

// timestamptz writes the microsecond in which a Unix time in nanoseconds lies.
func (c *copyBuffer) timestamptz(nanos int64) {
	c.Timestamp(floorDiv(nanos, int64(time.Microsecond)))
}

func (c *copyBuffer) date(d day) { c.Date(int32(d)) }

// text writes a string, cleaned (see cleanText).
func (c *copyBuffer) text(s string) { c.Text(cleanText(s)) }

// textArray writes a text[] without nulls.
func (c *copyBuffer) textArray(values []string) {
	const textOID = 25
	begun := c.Begin()
	if len(values) == 0 {
		for _, word := range [...]uint32{0, 0, textOID} { // no dimensions, no nulls
			c.Bytes = binary.BigEndian.AppendUint32(c.Bytes, word)
		}
	} else {
		for _, word := range [...]uint32{1, 0, textOID, uint32(len(values)), 1} { // one dimension from 1
			c.Bytes = binary.BigEndian.AppendUint32(c.Bytes, word)
		}
	}
	for _, v := range values {
		c.text(v)
	}
	c.End(begun)
}

// subMicros is what timestamptz leaves out of a time: 0 to 999 nanoseconds.
func subMicros(nanos int64) int16 {
	return int16(nanos - floorDiv(nanos, int64(time.Microsecond))*int64(time.Microsecond))
}

// dayOfNanos is the day of a Unix time in nanoseconds.
func dayOfNanos(nanos int64) day { return day(floorDiv(nanos, int64(oneDay))) }

// difference is a - b, kept a second away from the ends of int64 so that SQL can go on
// reckoning with it.
func difference(a, b int64) int64 {
	const limit = math.MaxInt64 - int64(time.Second)
	d := a - b
	switch {
	case a >= 0 && b < 0 && d < 0, d > limit:
		return limit
	case a < 0 && b >= 0 && d >= 0, d < -limit:
		return -limit
	}
	return d
}

// cleanText makes a string storable: Postgres refuses NUL and invalid UTF-8 in text, and a
// refused string would take its batch down.
func cleanText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// appendValue appends the canonical JSON of a value. Arrays and maps come as text, which is
// cleaned like any other.
func appendValue(dst []byte, v plait.Value) []byte {
	if kind := v.Kind(); kind == plait.KindArray || kind == plait.KindMap {
		return append(dst, cleanText(v.Str())...)
	}
	return v.AppendJSON(dst)
}

// appendAttributes appends attributes as a JSON object, every key once.
func appendAttributes(dst []byte, attributes plait.Attributes) []byte {
	dst = append(dst, '{')
	for i, a := range attributes.Unique() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = plait.AppendJSONString(dst, a.Key)
		dst = append(dst, ':')
		dst = appendValue(dst, a.Value)
	}
	return append(dst, '}')
}

// Package rowcodec writes and reads the values of a row: in the binary form of COPY, and in the JSON of
// its text columns.
package rowcodec

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
)

// Buffer holds rows for COPY, with the kinds of fields that spans and logs have.
type Buffer struct{ pgcopy.Rows }

// Timestamptz writes the microsecond in which a Unix time in nanoseconds lies.
func (c *Buffer) Timestamptz(nanos int64) {
	c.Timestamp(FloorDiv(nanos, int64(time.Microsecond)))
}

// Text writes a string, cleaned (see CleanText).
func (c *Buffer) Text(s string) { c.Rows.Text(CleanText(s)) }

// TextArray writes a text[] without nulls.
func (c *Buffer) TextArray(values []string) {
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
		c.Text(v)
	}
	c.End(begun)
}

// SubMicros is what timestamptz leaves out of a time: 0 to 999 nanoseconds.
func SubMicros(nanos int64) int16 {
	return int16(nanos - FloorDiv(nanos, int64(time.Microsecond))*int64(time.Microsecond))
}

// FloorDiv rounds towards minus infinity, as times before 1970 need it.
func FloorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Difference is a - b, kept a second away from the ends of int64 so that SQL can go on
// reckoning with it.
func Difference(a, b int64) int64 {
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

// CleanText makes a string storable: Postgres refuses NUL and invalid UTF-8 in text, and a
// refused string would take its batch down.
func CleanText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// AppendValue appends the canonical JSON of a value. Arrays and maps come as text, which is
// cleaned like any other.
func AppendValue(dst []byte, v plait.Value) []byte {
	if kind := v.Kind(); kind == plait.KindArray || kind == plait.KindMap {
		return append(dst, CleanText(v.Str())...)
	}
	return v.AppendJSON(dst)
}

// AppendAttributes appends attributes as a JSON object, every key once.
func AppendAttributes(dst []byte, attributes plait.Attributes) []byte {
	dst = append(dst, '{')
	for i, a := range attributes.Unique() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = plait.AppendJSONString(dst, a.Key)
		dst = append(dst, ':')
		dst = AppendValue(dst, a.Value)
	}
	return append(dst, '}')
}

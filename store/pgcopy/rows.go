// Package pgcopy makes rows in the binary form of Postgres's COPY, and sends them. pgx would
// make them from a slice of interfaces for each row, at two and a half times the cost.
package pgcopy

import (
	"encoding/binary"
	"math"
)

// header begins a binary COPY: signature, flags, no extension.
const header = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// kept is the size above which a buffer is given back to the collector after use.
const kept = 8 << 20

// Postgres counts times and days from 2000-01-01; these are the distances to 1970-01-01.
const (
	EpochMicros = 946_684_800_000_000
	EpochDays   = 10_957
)

// Rows holds rows for one table. The zero value is empty; it is meant to be used again and
// again, and not by two goroutines at once.
type Rows struct {
	// Bytes is what was written so far; fields may be appended to it between Begin and End.
	Bytes []byte
	// Count is the number of rows.
	Count int
}

// Reset forgets all rows.
func (r *Rows) Reset() {
	if cap(r.Bytes) > kept {
		r.Bytes = nil
	}
	r.Bytes, r.Count = r.Bytes[:0], 0
}

// Row begins a row of so many fields; that many calls of the methods below follow.
func (r *Rows) Row(fields int) {
	if len(r.Bytes) == 0 {
		r.Bytes = append(r.Bytes, header...)
	}
	r.Bytes = binary.BigEndian.AppendUint16(r.Bytes, uint16(fields))
	r.Count++
}

// UUID writes a uuid.
func (r *Rows) UUID(v [16]byte) {
	r.Bytes = binary.BigEndian.AppendUint32(r.Bytes, 16)
	r.Bytes = append(r.Bytes, v[:]...)
}

// Bool writes a boolean.
func (r *Rows) Bool(v bool) {
	r.Bytes = binary.BigEndian.AppendUint32(r.Bytes, 1)
	if v {
		r.Bytes = append(r.Bytes, 1)
	} else {
		r.Bytes = append(r.Bytes, 0)
	}
}

// Int2 writes a smallint.
func (r *Rows) Int2(v int16) {
	r.Bytes = binary.BigEndian.AppendUint32(r.Bytes, 2)
	r.Bytes = binary.BigEndian.AppendUint16(r.Bytes, uint16(v))
}

// Int4 writes an integer.
func (r *Rows) Int4(v int32) {
	r.Bytes = binary.BigEndian.AppendUint32(r.Bytes, 4)
	r.Bytes = binary.BigEndian.AppendUint32(r.Bytes, uint32(v))
}

// Int8 writes a bigint.
func (r *Rows) Int8(v int64) {
	r.Bytes = binary.BigEndian.AppendUint32(r.Bytes, 8)
	r.Bytes = binary.BigEndian.AppendUint64(r.Bytes, uint64(v))
}

// Float8 writes a double precision number.
func (r *Rows) Float8(v float64) { r.Int8(int64(math.Float64bits(v))) }

// Timestamp writes a timestamptz, given in microseconds of Unix time.
func (r *Rows) Timestamp(micros int64) { r.Int8(micros - EpochMicros) }

// Date writes a date, given in days since 1970-01-01.
func (r *Rows) Date(day int32) { r.Int4(day - EpochDays) }

// Text writes a text, which must be valid UTF-8 without NUL.
func (r *Rows) Text(v string) {
	r.Bytes = binary.BigEndian.AppendUint32(r.Bytes, uint32(len(v)))
	r.Bytes = append(r.Bytes, v...)
}

// Begin starts a field whose length is not known yet; End, given what Begin returned, closes it.
func (r *Rows) Begin() int {
	r.Bytes = append(r.Bytes, 0, 0, 0, 0)
	return len(r.Bytes)
}

// End closes the field that Begin started.
func (r *Rows) End(begun int) {
	binary.BigEndian.PutUint32(r.Bytes[begun-4:], uint32(len(r.Bytes)-begun))
}

package plait

import (
	"encoding/binary"
	"encoding/hex"
)

// TraceID names one trace: 16 bytes, big endian, as W3C Trace Context has them.
type TraceID [16]byte

// SpanID names one span of a trace: 8 bytes, big endian.
type SpanID [8]byte

// IsZero says whether the id is absent. All-zero ids are invalid in W3C Trace Context.
func (t TraceID) IsZero() bool { return t == TraceID{} }

// String returns 32 lower-case hex digits.
func (t TraceID) String() string { return hex.EncodeToString(t[:]) }

// Low returns the lower 64 bits, which is all that 64-bit tracers know of an id.
func (t TraceID) Low() uint64 { return binary.BigEndian.Uint64(t[8:]) }

// MarshalText returns the id as hex, so that JSON shows it so.
func (t TraceID) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads 32 hex digits.
func (t *TraceID) UnmarshalText(b []byte) error {
	if len(b) != 2*len(t) {
		return Errorf(ErrInvalid, "trace id has %d characters, want %d", len(b), 2*len(t))
	}
	if _, err := hex.Decode(t[:], b); err != nil {
		return Errorf(ErrInvalid, "trace id %q is not hexadecimal", b)
	}
	return nil
}

// IsZero says whether the id is absent.
func (s SpanID) IsZero() bool { return s == SpanID{} }

// String returns 16 lower-case hex digits.
func (s SpanID) String() string { return hex.EncodeToString(s[:]) }

// Int64 returns the id as the signed integer that Postgres stores.
func (s SpanID) Int64() int64 { return int64(binary.BigEndian.Uint64(s[:])) }

// SpanIDFromInt64 is the inverse of SpanID.Int64.
func SpanIDFromInt64(v int64) SpanID {
	var s SpanID
	binary.BigEndian.PutUint64(s[:], uint64(v))
	return s
}

// MarshalText returns the id as hex, empty for an absent one.
func (s SpanID) MarshalText() ([]byte, error) {
	if s.IsZero() {
		return []byte{}, nil
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads 16 hex digits, or nothing for an absent id.
func (s *SpanID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*s = SpanID{}
		return nil
	}
	if len(b) != 2*len(s) {
		return Errorf(ErrInvalid, "span id has %d characters, want %d", len(b), 2*len(s))
	}
	if _, err := hex.Decode(s[:], b); err != nil {
		return Errorf(ErrInvalid, "span id %q is not hexadecimal", b)
	}
	return nil
}

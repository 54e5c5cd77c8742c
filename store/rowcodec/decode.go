package rowcodec

import (
	"encoding/binary"
	"time"

	"github.com/plaithq/plait/store/pgcopy"
)

// The functions below read one value in Postgres's binary format.

// Int8 reads a bigint.
func Int8(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

// Int4 reads an integer.
func Int4(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }

// Int2 reads a smallint.
func Int2(b []byte) int16 { return int16(binary.BigEndian.Uint16(b)) }

// TimeMicros reads a timestamptz as microseconds since the Unix epoch.
func TimeMicros(b []byte) int64 { return Int8(b) + pgcopy.EpochMicros }

// The least and greatest times that a telemetry's nanoseconds in 64 bits reach, in
// microseconds. Every stored time is between them.
const (
	MinMicros = -9_223_372_036_854_776
	MaxMicros = 9_223_372_036_854_776
)

// FloorMicros returns the microsecond that a time is in, as stored.
func FloorMicros(t time.Time) int64 {
	return min(max(t.UnixMicro(), MinMicros), MaxMicros)
}

// CeilMicros returns the first microsecond that is not before t.
func CeilMicros(t time.Time) int64 {
	micros := FloorMicros(t)
	if t.Nanosecond()%1000 != 0 {
		micros++
	}
	return micros
}

// MicrosTime is the parameter for a time of so many microseconds since the Unix epoch.
func MicrosTime(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

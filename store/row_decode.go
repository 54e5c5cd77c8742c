package store

import (
	"encoding/binary"
	"time"

	"github.com/plaithq/plait/store/pgcopy"
)

// The functions below read one value in Postgres's binary format.

func readInt8(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func readInt4(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }

func readInt2(b []byte) int16 { return int16(binary.BigEndian.Uint16(b)) }

// readTimeMicros reads a timestamptz as microseconds since the Unix epoch.
func readTimeMicros(b []byte) int64 { return readInt8(b) + pgcopy.EpochMicros }

// The least and greatest times that a telemetry's nanoseconds in 64 bits reach, in
// microseconds. Every stored time is between them.
const (
	minMicros = -9_223_372_036_854_776
	maxMicros = 9_223_372_036_854_776
)

// floorMicros returns the microsecond that a time is in, as stored.
func floorMicros(t time.Time) int64 {
	return min(max(t.UnixMicro(), minMicros), maxMicros)
}

// ceilMicros returns the first microsecond that is not before t.
func ceilMicros(t time.Time) int64 {
	micros := floorMicros(t)
	if t.Nanosecond()%1000 != 0 {
		micros++
	}
	return micros
}

// microsTime is the parameter for a time of so many microseconds since the Unix epoch.
func microsTime(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is a number of bytes that may carry a unit: "64MiB", "1GiB", "500000".
type byteSize int64

var byteUnits = []struct {
	suffix string
	size   int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// UnmarshalText reads a number with or without a unit.
func (s *byteSize) UnmarshalText(text []byte) error {
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(string(text), u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.size {
			return fmt.Errorf("%q is not a size such as 64MiB", text)
		}
		*s = byteSize(n * u.size)
		return nil
	}
	return nil
}

// MarshalText writes the size in the largest binary unit that divides it.
func (s byteSize) MarshalText() ([]byte, error) { //nolint:unparam // encoding.TextMarshaler
	for _, u := range []int{2, 1, 0} {
		if unit := byteUnits[u]; s != 0 && int64(s)%unit.size == 0 {
			return fmt.Appendf(nil, "%d%s", int64(s)/unit.size, unit.suffix), nil
		}
	}
	return strconv.AppendInt(nil, int64(s), 10), nil
}

// Package bytesize reads and writes numbers of bytes as users write them: on the command line and in settings.
package bytesize

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes that may carry a unit: "64MiB", "1GiB", "500000".
type Size int64

var units = []struct {
	suffix string
	size   int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// UnmarshalText reads a number with or without a unit.
func (s *Size) UnmarshalText(text []byte) error {
	for _, u := range units {
		number, ok := strings.CutSuffix(string(text), u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.size {
			return fmt.Errorf("%q is not a size such as 64MiB", text)
		}
		*s = Size(n * u.size)
		return nil
	}
	return nil
}

// MarshalText writes the size as String does.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes the size in the largest binary unit that divides it. UnmarshalText reads it back.
func (s Size) String() string {
	for _, u := range []int{2, 1, 0} {
		if unit := units[u]; s != 0 && int64(s)%unit.size == 0 {
			return strconv.FormatInt(int64(s)/unit.size, 10) + unit.suffix
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// period is a time span that may be written in weeks and days, as retentions are: "7d", "2w",
// "36h", "1d12h".
type period time.Duration

const (
	day  = 24 * time.Hour
	week = 7 * day

	longestPeriod = 36500 * day
)

// UnmarshalText reads a Go duration that may begin with weeks and days.
func (p *period) UnmarshalText(text []byte) error {
	d, err := parsePeriod(string(text))
	*p = period(d)
	return err
}

func parsePeriod(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a period such as 15m, 36h, 7d or 2w", text)
	rest := text
	var total time.Duration
	for _, unit := range []struct {
		suffix string
		length time.Duration
	}{{"w", week}, {"d", day}} {
		n, after, ok := strings.Cut(rest, unit.suffix)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(n, 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > float64(longestPeriod/unit.length) {
			return 0, wrong
		}
		total, rest = total+time.Duration(f*float64(unit.length)), after
	}
	if rest != "" || text == "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d.Abs() > longestPeriod {
			return 0, wrong
		}
		total += d
	}
	return total, nil
}

// MarshalText writes whole days as days.
func (p period) MarshalText() ([]byte, error) { return []byte(p.String()), nil } //nolint:unparam // encoding.TextMarshaler

func (p period) String() string {
	d := time.Duration(p)
	if d != 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

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

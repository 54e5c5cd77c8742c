// Package duration reads and writes durations as users write them: in questions over HTTP, on the command
// line and in settings. It is the one dialect of them all. (The query languages, in which a duration
// is a part of a query, have their own.)
package duration

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Units that package time does not have. Days are 24 hours and years 365 days, as Prometheus has them.
const (
	Day  = 24 * time.Hour
	Week = 7 * Day
	Year = 365 * Day
)

// Longest bounds a duration, negative ones too: a time of today that is moved by so much is still one that
// nanoseconds since 1970 can tell.
const Longest = 100 * Year

// Duration is a time.Duration that is read and written as text in this dialect.
type Duration time.Duration

// UnmarshalText reads a duration as Parse does.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	*d = Duration(parsed)
	return err
}

// MarshalText writes the duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String writes whole days as days, and anything else as package time does. Parse reads it back.
func (d Duration) String() string {
	t := time.Duration(d)
	if t != 0 && t%Day == 0 {
		return strconv.FormatInt(int64(t/Day), 10) + "d"
	}
	return t.String()
}

// Parse reads a duration as Prometheus writes it (1y2w3d4h5m6s7ms), or as Go does (1h30m, 1.5s, 250µs), and
// both in one: 1d12h, 0.5d, 2w1.5h. A sign may stand before it; 0 needs no unit.
func Parse(text string) (time.Duration, error) {
	unsigned, negative := strings.CutPrefix(text, "-")
	if !negative {
		unsigned = strings.TrimPrefix(text, "+")
	}
	d, ok := parse(unsigned)
	switch {
	case !ok:
		return 0, fmt.Errorf("%q is no duration such as 250ms, 1.5s, 1h30m, 7d or 2w", text)
	case d > Longest:
		return 0, fmt.Errorf("%q is a duration above the %s that are the most", text, Duration(Longest))
	case negative:
		return -d, nil
	}
	return d, nil
}

// tooLong stands for all that is above Longest.
const tooLong = time.Duration(math.MaxInt64)

func parse(s string) (time.Duration, bool) {
	if d, err := model.ParseDuration(s); err == nil {
		return time.Duration(d), true
	}
	total, rest, ok := parseDays(s)
	if !ok || rest == "" {
		return total, ok && s != ""
	}
	d, err := time.ParseDuration(rest)
	if err != nil || rest[0] == '-' || rest[0] == '+' {
		return 0, false
	}
	if total > Longest || d > Longest {
		return tooLong, true
	}
	return total + d, true
}

// parseDays reads the years, weeks and days that s begins with, which may have fractions, and returns what
// is left of s.
func parseDays(s string) (total time.Duration, rest string, ok bool) {
	for _, unit := range []struct {
		suffix string
		length time.Duration
	}{{"y", Year}, {"w", Week}, {"d", Day}} {
		number, after, found := strings.Cut(s, unit.suffix)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if strings.Trim(number, "0123456789.") != "" || err != nil && !math.IsInf(n, 0) {
			return 0, "", false
		}
		if total > Longest || n*float64(unit.length) > float64(Longest) {
			total = tooLong
		} else {
			total += time.Duration(math.Round(n * float64(unit.length)))
		}
		s = after
	}
	return total, s, true
}

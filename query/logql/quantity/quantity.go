// Package quantity reads numbers with units as LogQL has them, in queries and in log lines: durations and
// sizes in bytes. The languages' rooms call it; it knows nothing of queries.
package quantity

import (
	"math"
	"strconv"
	"strings"
	"time"
)

var durationUnits = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond,
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
}

// Duration reads a duration of one or more numbers with units: 250ms, 1h30m, 1.5h, 2d, -5s. Days have 24
// hours and years 365 days. It says false of a number without a unit, unless it is 0, and of more than 64
// bits hold (292 years).
func Duration(text string) (time.Duration, bool) {
	negative, rest := sign(text)
	if rest == "0" {
		return 0, true
	}
	var total float64
	var exact time.Duration
	whole := true
	for first := true; rest != "" || first; first = false {
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if n <= 0 {
			return 0, false
		}
		number, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return 0, false
		}
		integer, notWhole := strconv.ParseInt(rest[:n], 10, 64)
		rest = rest[n:]
		n = strings.IndexFunc(rest, func(r rune) bool { return r == '.' || '0' <= r && r <= '9' })
		if n < 0 {
			n = len(rest)
		}
		unit, ok := durationUnits[rest[:n]]
		if !ok {
			return 0, false
		}
		rest = rest[n:]
		total += number * float64(unit)
		exact += time.Duration(integer) * unit
		whole = whole && notWhole == nil
	}
	if total >= math.MaxInt64 {
		return 0, false
	}
	if !whole {
		exact = time.Duration(math.Round(total))
	}
	if exact < 0 {
		return 0, false
	}
	if negative {
		exact = -exact
	}
	return exact, true
}

func sign(text string) (negative bool, rest string) {
	if rest, negative = strings.CutPrefix(text, "-"); negative {
		return true, rest
	}
	return false, strings.TrimPrefix(text, "+")
}

var byteUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1e3, "kb": 1e3, "ki": 1 << 10, "kib": 1 << 10,
	"m": 1e6, "mb": 1e6, "mi": 1 << 20, "mib": 1 << 20,
	"g": 1e9, "gb": 1e9, "gi": 1 << 30, "gib": 1 << 30,
	"t": 1e12, "tb": 1e12, "ti": 1 << 40, "tib": 1 << 40,
	"p": 1e15, "pb": 1e15, "pi": 1 << 50, "pib": 1 << 50,
	"e": 1e18, "eb": 1e18, "ei": 1 << 60, "eib": 1 << 60,
}

// Bytes reads a size: 512B, 10KB, 1.5 MiB, 49k, and 512, which are bytes. Upper and lower case are one: a k
// is 1,000 and a ki 1,024.
func Bytes(text string) (float64, bool) {
	n := strings.IndexFunc(text, func(r rune) bool { return r != '.' && r != ',' && (r < '0' || r > '9') })
	if n < 0 {
		n = len(text)
	}
	number, err := strconv.ParseFloat(strings.ReplaceAll(text[:n], ",", ""), 64)
	unit, ok := byteUnits[strings.ToLower(strings.TrimSpace(text[n:]))]
	if err != nil || !ok {
		return 0, false
	}
	return math.Floor(number * unit), true
}

// FormatDuration writes a duration in whole numbers, so that Duration reads the very same: 1h30m, 1s500ms.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	left := uint64(d)
	if d < 0 {
		b.WriteByte('-')
		left = -left
	}
	for _, unit := range []string{"h", "m", "s", "ms", "us", "ns"} {
		size := uint64(durationUnits[unit])
		if n := left / size; n > 0 {
			b.WriteString(strconv.FormatUint(n, 10))
			b.WriteString(unit)
			left %= size
		}
	}
	return b.String()
}

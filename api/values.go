package api

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/duration"
)

// window is the time range of a question.
type window struct {
	Start moment `query:"start"`
	End   moment `query:"end"`
}

// lastHour is what a question is about that needs a window and names none.
const lastHour = time.Hour

// within returns the window, unbounded where the question names no bound.
func (w window) within(now time.Time) (plait.TimeRange, error) {
	r := plait.TimeRange{From: w.Start.resolve(now), To: w.End.resolve(now)}
	if !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		return r, fmt.Errorf("start %s is not before end %s: %w", stamp(r.From.UnixNano()), stamp(r.To.UnixNano()), plait.ErrInvalid)
	}
	return r, nil
}

// bounded is within for questions that need both bounds: the end is now unless it is named, the
// start an hour before.
func (w window) bounded(now time.Time) (plait.TimeRange, error) {
	if !w.End.given {
		w.End = moment{given: true, at: now}
	}
	if !w.Start.given {
		w.Start = moment{given: true, at: w.End.resolve(now).Add(-lastHour)}
	}
	return w.within(now)
}

// moment is a time as a user writes it: RFC 3339, a Unix time in s, ms, µs or ns, told apart by
// their size, or "now" and "now-15m".
type moment struct {
	given    bool
	at       time.Time
	relative bool
	offset   time.Duration // to now
}

func (m moment) resolve(now time.Time) time.Time {
	if m.relative {
		return now.Add(m.offset)
	}
	return m.at
}

// UnmarshalText reads any of the spellings.
func (m *moment) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	m.given = true
	if rest, ok := strings.CutPrefix(s, "now"); ok {
		m.relative = true
		var err error
		if rest != "" {
			m.offset, err = parseDuration(rest)
		}
		return err
	}
	if nanos, ok := unixNanos(s); ok {
		m.at = time.Unix(0, nanos).UTC()
		return nil
	}
	// A plus that was not escaped arrives as a space.
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(s, " ", "+", 1))
	if err != nil || t.Year() < 1678 || t.Year() > 2261 {
		return fmt.Errorf("%q is no time: want RFC 3339 as 2026-11-21T10:00:00Z, a Unix time in s, ms, µs or ns, or now-15m: %w", s, plait.ErrInvalid)
	}
	m.at = t.UTC()
	return nil
}

// unixNanos reads a Unix time. Seconds since 1970 have 10 or 11 digits until the year 5138,
// milliseconds 13 or 14, and so on; fewer digits are seconds soon after 1970.
func unixNanos(s string) (int64, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0123456789") != "" {
		return 0, false
	}
	digits := 9 // that the unit has below it down to nanoseconds
	for bound := int64(1e11); digits > 0 && (n >= bound || n <= -bound); digits -= 3 {
		bound *= 1000
	}
	nanos := n
	for range digits {
		nanos *= 10
	}
	if digits == 9 && (n > 9_223_372_035 || n < -9_223_372_035) {
		return 0, false // years that nanoseconds in 64 bits do not reach
	}
	if fraction != "" {
		fraction = (fraction + strings.Repeat("0", digits))[:digits]
		below, _ := strconv.ParseInt("0"+fraction, 10, 64)
		if strings.HasPrefix(whole, "-") {
			below = -below
		}
		nanos += below
	}
	return nanos, true
}

// period is a duration as package duration reads it.
type period time.Duration

// UnmarshalText reads a duration that is not negative.
func (p *period) UnmarshalText(text []byte) error {
	d, err := parseDuration(string(text))
	if err == nil && d < 0 {
		err = fmt.Errorf("%q is negative: %w", text, plait.ErrInvalid)
	}
	*p = period(d)
	return err
}

func parseDuration(s string) (time.Duration, error) {
	d, err := duration.Parse(s)
	if err != nil {
		err = fmt.Errorf("%w: %w", err, plait.ErrInvalid)
	}
	return d, err
}

// severity is the least severe that is wanted, by name or by number.
type severity plait.SeverityNumber

// UnmarshalText reads a name as of OTLP's ranges, or a severity number.
func (v *severity) UnmarshalText(text []byte) error {
	if n, err := strconv.Atoi(string(text)); err == nil && n >= 1 && n <= 24 {
		*v = severity(n)
		return nil
	}
	n := plait.ParseSeverity(string(text))
	if n == 0 {
		return fmt.Errorf("%q is none of trace, debug, info, warn, error, fatal and no number from 1 to 24: %w", text, plait.ErrInvalid)
	}
	*v = severity(n)
	return nil
}

// status is a span's status.
type status struct{ code *plait.StatusCode }

// UnmarshalText reads unset, ok or error.
func (s *status) UnmarshalText(text []byte) error {
	for c := plait.StatusUnset; c <= plait.StatusError; c++ {
		if strings.EqualFold(string(text), c.String()) {
			s.code = &c
			return nil
		}
	}
	return fmt.Errorf("%q is none of unset, ok, error: %w", text, plait.ErrInvalid)
}

// kind is a span's kind.
type kind struct{ kind *plait.SpanKind }

// UnmarshalText reads the lower-case name of a kind.
func (k *kind) UnmarshalText(text []byte) error {
	for one := plait.SpanKindUnspecified; one <= plait.SpanKindConsumer; one++ {
		if strings.EqualFold(string(text), one.String()) {
			k.kind = &one
			return nil
		}
	}
	return fmt.Errorf("%q is none of internal, server, client, producer, consumer, unspecified: %w", text, plait.ErrInvalid)
}

// attribute is a condition key=value.
type attribute plait.Attribute

// UnmarshalText splits at the first equals sign.
func (a *attribute) UnmarshalText(text []byte) error {
	key, value, ok := strings.Cut(string(text), "=")
	if !ok || key == "" {
		return fmt.Errorf("%q is not key=value: %w", text, plait.ErrInvalid)
	}
	*a = attribute{Key: key, Value: plait.StringValue(value)}
	return nil
}

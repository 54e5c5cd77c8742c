package ask

import (
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/duration"
)

// Window is the time range of a question.
type Window struct {
	Start Moment `query:"start"`
	End   Moment `query:"end"`
}

// lastHour is what a question is about that needs a window and names none.
const lastHour = time.Hour

// Within returns the window, unbounded where the question names no bound.
func (w Window) Within(now time.Time) (plait.TimeRange, error) {
	r := plait.TimeRange{From: w.Start.Resolve(now), To: w.End.Resolve(now)}
	if !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		return r, plait.Errorf(plait.ErrInvalid, "start %s is not before end %s", Stamp(r.From.UnixNano()), Stamp(r.To.UnixNano()))
	}
	return r, nil
}

// Bounded is Within for questions that need both bounds: the end is now unless it is named, the
// start an hour before.
func (w Window) Bounded(now time.Time) (plait.TimeRange, error) {
	if !w.End.given {
		w.End = Moment{given: true, at: now}
	}
	if !w.Start.given {
		w.Start = Moment{given: true, at: w.End.Resolve(now).Add(-lastHour)}
	}
	return w.Within(now)
}

// Moment is a time as a user writes it: RFC 3339, a Unix time in s, ms, µs or ns, told apart by
// their size, or "now" and "now-15m".
type Moment struct {
	given    bool
	at       time.Time
	relative bool
	offset   time.Duration // to now
}

// Given says whether the question names the time.
func (m Moment) Given() bool { return m.given }

// Resolve returns the time, zero for one that was not given. Now is what "now" stands for.
func (m Moment) Resolve(now time.Time) time.Time {
	if m.relative {
		return now.Add(m.offset)
	}
	return m.at
}

// UnmarshalText reads any of the spellings.
func (m *Moment) UnmarshalText(text []byte) error {
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
		return plait.Errorf(plait.ErrInvalid, "%q is no time: want RFC 3339 as 2026-11-21T10:00:00Z, a Unix time in s, ms, µs or ns, or now-15m", s)
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

// Period is a duration as package duration reads it.
type Period time.Duration

// UnmarshalText reads a duration that is not negative.
func (p *Period) UnmarshalText(text []byte) error {
	d, err := parseDuration(string(text))
	if err == nil && d < 0 {
		err = plait.Errorf(plait.ErrInvalid, "%q is negative", text)
	}
	*p = Period(d)
	return err
}

func parseDuration(s string) (time.Duration, error) {
	d, err := duration.Parse(s)
	if err != nil {
		err = plait.OfKind(plait.ErrInvalid, err)
	}
	return d, err
}

// Stamp is a time in RFC 3339 with nanoseconds.
func Stamp(nanos int64) string {
	return time.Unix(0, nanos).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

package tracesearch

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
)

// ReadMoment reads a time in any spelling, zero where there is none. NaN is what some pages make of an empty field.
func ReadMoment(query url.Values, name string, now time.Time) (time.Time, error) {
	text := query.Get(name)
	if text == "" || text == "NaN" {
		return time.Time{}, nil
	}
	var m ask.Moment
	if err := m.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, fmt.Errorf("parameter %s: %w", name, err)
	}
	return m.Resolve(now), nil
}

// ReadPeriod reads a duration, 0 where there is none. A number alone is of the unit; where that is 0 it is refused.
func ReadPeriod(query url.Values, name string, unit time.Duration) (time.Duration, error) {
	text := query.Get(name)
	if text == "" || text == "NaN" {
		return 0, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && unit > 0 && n >= 0 && n <= math.MaxInt64/int64(unit) {
		return time.Duration(n) * unit, nil
	}
	var d ask.Period
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return 0, fmt.Errorf("parameter %s: %w", name, err)
	}
	return time.Duration(d), nil
}

// ReadDurations reads what a span took at least and at most.
func (q *Question) ReadDurations(query url.Values, unit time.Duration) (err error) {
	if q.MinDuration, err = ReadPeriod(query, "minDuration", unit); err != nil {
		return err
	}
	if q.MaxDuration, err = ReadPeriod(query, "maxDuration", unit); err != nil {
		return err
	}
	if q.MaxDuration != 0 && q.MinDuration > q.MaxDuration {
		return plait.Errorf(plait.ErrInvalid, "minDuration is longer than maxDuration")
	}
	return nil
}

// ReadLimit reads how many traces are wanted: otherwise where nothing is said, which 0 says too.
func ReadLimit(query url.Values, name string, otherwise int) (int, error) {
	text := query.Get(name)
	if text == "" || strings.Trim(text, "0") == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, plait.Errorf(plait.ErrInvalid, "parameter %s: %.32q is not a number of traces", name, text)
	}
	return n, nil
}

// longestAgo bounds how far a question goes back from its end: to what nanoseconds of 64 bits can tell.
const longestAgo = 200 * 365 * 24 * time.Hour

// ReadBack reads the range of a question that names its end, endTs, and how far it goes back, lookback: both in
// milliseconds or as people write them. The end is now where it is not named, and counts.
func ReadBack(query url.Values, now time.Time, otherwise time.Duration) (r plait.TimeRange, err error) {
	if r.To, err = ReadMoment(query, "endTs", now); err != nil {
		return r, err
	}
	if r.To.IsZero() {
		r.To = now
	}
	back, err := ReadPeriod(query, "lookback", time.Millisecond)
	if err != nil {
		return r, err
	}
	if back == 0 {
		back = otherwise
	}
	r.From = r.To.Add(-min(back, longestAgo))
	r.To = r.To.Add(time.Millisecond)
	return r, nil
}

package loki

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query/logql"
)

// Bounds of questions.
const (
	defaultLimit = 100
	maxLimit     = 5_000
	maxSteps     = 11_000
	lastHour     = time.Hour
)

// request is a question's parameters.
type request struct {
	form        url.Values
	name        string // in the path
	now         time.Time
	within      plait.TimeRange
	categorized bool // labels are wanted by where they come from
}

// badForm is the failure to read a form.
func badForm(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return plait.Errorf(plait.ErrInvalid, "the parameters have more than %d bytes", tooLarge.Limit)
	}
	return plait.Errorf(plait.ErrInvalid, "read the parameters: %w", err)
}

// read reads the parameters that questions share.
func (h *handler) read(r *http.Request, name string) (*request, error) {
	if err := r.ParseForm(); err != nil {
		return nil, badForm(err)
	}
	q := &request{form: r.Form, name: name, now: h.Now(), categorized: strings.Contains(r.Header.Get("X-Loki-Response-Encoding-Flags"), "categorize-labels")}
	end, err := q.time("end", q.now)
	if err != nil {
		return nil, err
	}
	before := lastHour
	if since := q.form.Get("since"); since != "" {
		if before, err = q.duration("since", 0); err != nil {
			return nil, err
		}
	}
	start, err := q.time("start", end.Add(-before))
	if err != nil {
		return nil, err
	}
	if end.Before(start) {
		return nil, plait.Errorf(plait.ErrInvalid, "the end %s is before the start %s", ask.Stamp(end.UnixNano()), ask.Stamp(start.UnixNano()))
	}
	q.within = plait.TimeRange{From: start, To: end}
	return q, nil
}

// time is a parameter in any spelling of a time.
func (q *request) time(name string, otherwise time.Time) (time.Time, error) {
	text := q.form.Get(name)
	if text == "" || text == "NaN" {
		return otherwise, nil
	}
	var m ask.Moment
	if err := m.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, plait.Errorf(plait.ErrInvalid, "parameter %s: %w", name, err)
	}
	return m.Resolve(q.now), nil
}

// duration is a parameter in seconds, or as 5m.
func (q *request) duration(name string, otherwise time.Duration) (time.Duration, error) {
	text := q.form.Get(name)
	if text == "" {
		return otherwise, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds > 0 && seconds < 1e9) {
			return 0, plait.Errorf(plait.ErrInvalid, "parameter %s: %q is not more than 0 seconds", name, text)
		}
		return time.Duration(seconds * float64(time.Second)), nil
	}
	var p ask.Period
	if err := p.UnmarshalText([]byte(text)); err != nil || p <= 0 {
		return 0, plait.Errorf(plait.ErrInvalid, "parameter %s: %.100q is no duration above 0: want 15s, 1m30s or seconds", name, text)
	}
	return time.Duration(p), nil
}

// step is that of a range query, by default so that there are some 250.
func (q *request) step() (time.Duration, error) {
	length := q.within.To.Sub(q.within.From)
	step, err := q.duration("step", max((length/250).Truncate(time.Second), time.Second))
	if err == nil && length/step > maxSteps {
		return 0, plait.Errorf(plait.ErrInvalid, "there are more than %d steps: make the step longer or the range shorter", maxSteps)
	}
	return step, err
}

// number is a parameter from 1 to maxLimit; none and 0 are another one.
func (q *request) number(name string, otherwise int) (int, error) {
	text := q.form.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxLimit {
		return 0, plait.Errorf(plait.ErrInvalid, "parameter %s: %.100q is no number from 0 to %d", name, text, maxLimit)
	}
	if n == 0 {
		return otherwise, nil
	}
	return n, nil
}

// ascending reads the direction.
func (q *request) ascending() (bool, error) {
	switch d := strings.ToLower(q.form.Get("direction")); d {
	case "", "backward":
		return false, nil
	case "forward":
		return true, nil
	default:
		return false, plait.Errorf(plait.ErrInvalid, "parameter direction: %.100q is neither backward nor forward", d)
	}
}

// expression is the query.
func (q *request) expression() (logql.Expr, error) {
	text := q.form.Get("query")
	if text == "" {
		return nil, plait.Errorf(plait.ErrInvalid, "parameter query: it is empty, want as {service_name=\"cart\"}")
	}
	e, err := logql.Parse(text)
	if err != nil {
		return nil, err
	}
	return spelled(e), nil
}

// logQuery is the query, which has to be one for logs. An absent one is everything.
func (q *request) logQuery() (logql.Log, error) {
	text := q.form.Get("query")
	if text == "" || strings.TrimSpace(text) == "{}" {
		return logql.Log{}, nil
	}
	l, err := logql.ParseLog(text)
	if err != nil {
		return l, err
	}
	return spelledLog(l), nil
}

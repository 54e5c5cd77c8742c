package tempo

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query/traceql"
)

// readNumber reads how many of something are wanted; none and 0 are the usual number, and more than most is most.
func readNumber(q url.Values, name string, usual, most int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, plait.Errorf(plait.ErrInvalid, "parameter %s: %q is no number from 0 on", name, text)
	}
	if n == 0 {
		return usual, nil
	}
	return min(n, most), nil
}

// readRange reads start and end. Neither is a range without bounds.
func readRange(q url.Values, now time.Time) (plait.TimeRange, error) {
	var w ask.Window
	for name, at := range map[string]*ask.Moment{"start": &w.Start, "end": &w.End} {
		if text := q.Get(name); text != "" && text != "0" {
			if err := at.UnmarshalText([]byte(text)); err != nil {
				return plait.TimeRange{}, plait.Errorf(plait.ErrInvalid, "parameter %s: %v", name, err)
			}
		}
	}
	return w.Within(now)
}

// searchText is the query of a search: q, or what older clients ask by tags, minDuration and maxDuration.
func searchText(q url.Values) (string, error) {
	if text := strings.TrimSpace(q.Get("q")); text != "" {
		return text, nil
	}
	var parts []string
	tags, err := readTags(q.Get("tags"))
	if err != nil {
		return "", err
	}
	for _, t := range tags {
		parts = append(parts, tagText(t.key, t.value))
	}
	for _, bound := range []struct{ name, op string }{{"minDuration", ">="}, {"maxDuration", "<="}} {
		text := q.Get(bound.name)
		if text == "" {
			continue
		}
		var period ask.Period
		if err := period.UnmarshalText([]byte(text)); err != nil {
			return "", plait.Errorf(plait.ErrInvalid, "parameter %s: %v", bound.name, err)
		}
		parts = append(parts, "traceDuration "+bound.op+" "+traceql.DurationOf(time.Duration(period)).String())
	}
	return "{ " + strings.Join(parts, " && ") + " }", nil
}

// tagText is a tag as TraceQL asks for it. Tags have no types: what reads as a number is compared as one too.
func tagText(key, value string) string {
	switch key {
	case "name", "status", "kind":
		if key == "name" {
			return "name = " + traceql.StringOf(value).String()
		}
		return key + " = " + value
	}
	field := traceql.Field{Scope: traceql.ScopeAny, Name: key}.String()
	text := field + " = " + traceql.StringOf(value).String()
	if n, err := strconv.ParseFloat(value, 64); err == nil && strings.Trim(value, "0123456789.-") == "" {
		number := traceql.FloatOf(n)
		if i, err := strconv.ParseInt(value, 10, 64); err == nil {
			number = traceql.IntOf(i)
		}
		return "(" + text + " || " + field + " = " + number.String() + ")"
	}
	if value == "true" || value == "false" {
		return "(" + text + " || " + field + " = " + value + ")"
	}
	return text
}

type tag struct{ key, value string }

// readTags reads logfmt: key=value key="value with spaces".
func readTags(text string) (tags []tag, err error) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		key, rest, ok := strings.Cut(text, "=")
		if !ok || strings.ContainsAny(key, " \"") || key == "" {
			return nil, plait.Errorf(plait.ErrInvalid, "parameter tags: %q is no key=value", text)
		}
		var value string
		if quoted, err := strconv.QuotedPrefix(rest); err == nil && strings.HasPrefix(rest, `"`) {
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, plait.Errorf(plait.ErrInvalid, "parameter tags: the value of %s cannot be read", key)
			}
			text = rest[len(quoted):]
		} else {
			value, text, _ = strings.Cut(rest, " ")
		}
		tags = append(tags, tag{key, value})
	}
	return tags, nil
}

package template

import (
	"errors"
	"regexp"
	"strconv"
	"text/template"
	"time"
)

// maxKept bounds how many regular expressions, and how many time zones, a template keeps.
const maxKept = 64

func (r *run) expressionFunctions() template.FuncMap {
	return template.FuncMap{
		"regexReplaceAll":        func(expression, s, by string) (string, error) { return r.regexReplace(expression, s, by, true) },
		"regexReplaceAllLiteral": func(expression, s, by string) (string, error) { return r.regexReplace(expression, s, by, false) },
		"count":                  r.count,
	}
}

func (r *run) expression(text string) (*regexp.Regexp, error) {
	if re := r.expressions[text]; re != nil {
		return re, nil
	}
	if err := r.spend(1<<10 + 64*len(text)); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err == nil && len(r.expressions) < maxKept {
		r.expressions[text] = re
	}
	return re, err
}

func (r *run) regexReplace(expression, s, by string, expand bool) (string, error) {
	re, err := r.expression(expression)
	if err != nil {
		return "", err
	}
	if err := r.spend(8 * len(s)); err != nil {
		return "", err
	}
	var out []byte
	last := 0
	for _, at := range re.FindAllStringSubmatchIndex(s, -1) {
		out = append(out, s[last:at[0]]...)
		last = at[1]
		if expand {
			out = re.ExpandString(out, by, s, at)
		} else {
			out = append(out, by...)
		}
		if len(out) > maxText {
			return "", errText
		}
	}
	return r.text(string(append(out, s[last:]...)))
}

func (r *run) count(expression, s string) (int, error) {
	re, err := r.expression(expression)
	if err != nil {
		return 0, err
	}
	return len(re.FindAllStringIndex(s, -1)), r.spend(8 * len(s))
}

// times are functions of times. Without a zone times are UTC: a gateway's own zone is nobody's business.
func (r *run) times() template.FuncMap {
	return template.FuncMap{
		"date":            func(layout string, t any) (string, error) { return r.text(timeOf(t).UTC().Format(layout)) },
		"toDate":          func(layout, s string) time.Time { t, _ := time.Parse(layout, s); return t },
		"toDateInZone":    r.toDateInZone,
		"unixEpoch":       func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
		"unixEpochMillis": func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) },
		"unixEpochNanos":  func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) },
		"unixToTime":      unixToTime,
	}
}

func timeOf(v any) time.Time {
	switch v := v.(type) {
	case time.Time:
		return v
	case int64:
		return time.Unix(v, 0)
	case int:
		return time.Unix(int64(v), 0)
	}
	return time.Now()
}

func (r *run) toDateInZone(layout, zone, s string) (time.Time, error) {
	location := r.zones[zone]
	if zone == "Local" {
		location = time.UTC
	}
	if location == nil {
		err := r.spend(1 << 16)
		if err != nil {
			return time.Time{}, err
		}
		if location, err = time.LoadLocation(zone); err != nil {
			return time.Time{}, errors.New("toDateInZone: no such time zone")
		}
		if len(r.zones) < maxKept {
			r.zones[zone] = location
		}
	}
	t, _ := time.ParseInLocation(layout, s, location)
	return t, nil
}

// unixToTime tells by the number of digits whether a number counts days, seconds, ms, µs or ns since 1970.
func unixToTime(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		switch len(s) {
		case 5:
			return time.Unix(n*24*60*60, 0).UTC(), nil
		case 10:
			return time.Unix(n, 0).UTC(), nil
		case 13:
			return time.UnixMilli(n).UTC(), nil
		case 16:
			return time.UnixMicro(n).UTC(), nil
		case 19:
			return time.Unix(0, n).UTC(), nil
		}
	}
	return time.Time{}, errors.New("unixToTime: want 5, 10, 13, 16 or 19 digits, not " + strconv.Quote(s))
}

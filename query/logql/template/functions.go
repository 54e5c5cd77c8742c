package template

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/plaithq/plait/query/logql/quantity"
)

// functions are those that a template may call. Each checks the size of what it makes before it makes it
// where that can be much more than what it reads.
func (r *run) functions() template.FuncMap {
	all := template.FuncMap{
		roundName:       r.round,
		"__line__":      func() string { return r.entry.Line },
		"__timestamp__": func() time.Time { return r.entry.Time },
		"now":           time.Now,
		"fromJson":      r.fromJSON,
		"default":       func(instead, v any) any { return orDefault(instead, v) },
		"bytes":         sizeOf,
		"duration":      secondsOf, "duration_seconds": secondsOf,
	}
	for _, group := range []template.FuncMap{r.texts(), r.cuts(), r.expressionFunctions(), r.times(), numbers()} {
		for name, f := range group {
			all[name] = f
		}
	}
	return all
}

// texts are functions that make texts of texts. The order of arguments is that of Go's package strings for
// names in upper case, and the piped text last for the others.
func (r *run) texts() template.FuncMap {
	of := func(f func(string) string) func(string) (string, error) {
		return func(s string) (string, error) { return r.text(f(s)) }
	}
	return template.FuncMap{
		"ToLower": of(strings.ToLower), "ToUpper": of(strings.ToUpper), "lower": of(strings.ToLower), "upper": of(strings.ToUpper), "title": of(title),
		"Replace":    func(s, old, by string, n int) (string, error) { return r.replace(s, old, by, n) },
		"replace":    func(old, by, s string) (string, error) { return r.replace(s, old, by, -1) },
		"contains":   func(part, s string) bool { return strings.Contains(s, part) },
		"hasPrefix":  func(prefix, s string) bool { return strings.HasPrefix(s, prefix) },
		"hasSuffix":  func(suffix, s string) bool { return strings.HasSuffix(s, suffix) },
		"urlencode":  of(url.QueryEscape),
		"urldecode":  url.QueryUnescape,
		"b64enc":     of(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"b64dec":     func(s string) (string, error) { b, err := base64.StdEncoding.DecodeString(s); return string(b), err },
		"repeat":     r.repeat,
		"indent":     func(n int, s string) (string, error) { return r.indent(n, s, "") },
		"nindent":    func(n int, s string) (string, error) { return r.indent(n, s, "\n") },
		"alignLeft":  func(n int, s string) (string, error) { return r.align(n, s, true) },
		"alignRight": func(n int, s string) (string, error) { return r.align(n, s, false) },
		// These are the template language's own, with a limit.
		"print":    func(a ...any) (string, error) { return r.print(fmt.Sprint, a) },
		"println":  func(a ...any) (string, error) { return r.print(fmt.Sprintln, a) },
		"html":     func(a ...any) (string, error) { return r.print(template.HTMLEscaper, a) },
		"js":       func(a ...any) (string, error) { return r.print(template.JSEscaper, a) },
		"urlquery": func(a ...any) (string, error) { return r.print(template.URLQueryEscaper, a) },
		"printf":   r.printf,
	}
}

// cuts are functions that take a part of a text.
func (r *run) cuts() template.FuncMap {
	return template.FuncMap{
		"Trim": strings.Trim, "TrimLeft": strings.TrimLeft, "TrimRight": strings.TrimRight, "TrimPrefix": strings.TrimPrefix, "TrimSuffix": strings.TrimSuffix,
		"TrimSpace": strings.TrimSpace, "trim": strings.TrimSpace,
		"trimAll":    func(cut, s string) string { return strings.Trim(s, cut) },
		"trimPrefix": func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
		"trunc":      trunc,
		"substr":     substr,
	}
}

func title(s string) string {
	before := ' '
	return strings.Map(func(c rune) rune {
		first := !unicode.IsLetter(before) && !unicode.IsDigit(before) && before != '_' && before != '\''
		before = c
		if first {
			return unicode.ToTitle(c)
		}
		return c
	}, s)
}

// trunc is the first n bytes, or the last -n.
func trunc(n int, s string) string {
	switch {
	case n >= 0 && n < len(s):
		return s[:n]
	case n < 0 && -n < len(s):
		return s[len(s)+n:]
	}
	return s
}

// substr is what lies between two bytes. A negative start is 0, and a negative end the end.
func substr(start, end int, s string) string {
	start = min(max(start, 0), len(s))
	if end < 0 || end > len(s) {
		end = len(s)
	}
	return s[start:max(start, end)]
}

func (r *run) replace(s, old, by string, n int) (string, error) {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	if len(s)+count*max(len(by)-len(old), 0) > maxText {
		return "", errText
	}
	if err := r.spend(len(s)); err != nil {
		return "", err
	}
	return r.text(strings.Replace(s, old, by, n))
}

func (r *run) repeat(n int, s string) (string, error) {
	if n < 0 {
		return "", errors.New("repeat: a negative count")
	}
	if len(s) > 0 && n > maxText/len(s) {
		return "", errText
	}
	return r.text(strings.Repeat(s, n))
}

func (r *run) indent(n int, s, before string) (string, error) {
	pad, err := r.repeat(n, " ")
	if err != nil {
		return "", err
	}
	indented, err := r.replace(s, "\n", "\n"+pad, -1)
	if err != nil {
		return "", err
	}
	return r.text(before + pad + indented)
}

// align makes a text n characters wide: filled with spaces, or cut at the other end.
func (r *run) align(n int, s string, left bool) (string, error) {
	if n < 0 {
		return s, nil
	}
	have := utf8.RuneCountInString(s)
	if n > have {
		pad, err := r.repeat(n-have, " ")
		if err != nil {
			return "", err
		}
		if left {
			return r.text(s + pad)
		}
		return r.text(pad + s)
	}
	runes := []rune(s)
	if left {
		return r.text(string(runes[:n]))
	}
	return r.text(string(runes[have-n:]))
}

func (r *run) print(f func(...any) string, a []any) (string, error) {
	if err := r.spendOn(a); err != nil {
		return "", err
	}
	return r.text(f(a...))
}

// spendOn counts the texts among arguments.
func (r *run) spendOn(a []any) error {
	total := 0
	for _, v := range a {
		if s, ok := v.(string); ok {
			total += len(s)
		} else {
			total += 1 << 10
		}
	}
	if total > maxText {
		return errText
	}
	return r.spend(total)
}

// widths are the widths and precisions of a format, which make long texts of short ones.
var widths = regexp.MustCompile(`%[^a-zA-Z%]*`)

func (r *run) printf(format string, a ...any) (string, error) {
	total := 0
	for _, directive := range widths.FindAllString(format, -1) {
		n := 0
		for _, c := range directive {
			switch {
			case c == '*':
				return "", errors.New("printf: a width is a number, not *")
			case unicode.IsDigit(c):
				n = min(10*n+int(c-'0'), maxText)
			default:
				total, n = total+n, 0
			}
		}
		if total += n; total > maxText/4 {
			return "", errText
		}
	}
	if err := r.spendOn(a); err != nil {
		return "", err
	}
	// %[1]s may take one argument many times.
	if strings.Contains(format, "[") && strings.Count(format, "%")*longestOf(a) > maxText {
		return "", errText
	}
	return r.text(fmt.Sprintf(format, a...))
}

func longestOf(a []any) int {
	longest := 0
	for _, v := range a {
		if s, ok := v.(string); ok {
			longest = max(longest, len(s))
		} else {
			longest = max(longest, 1<<10)
		}
	}
	return longest
}

func (r *run) fromJSON(s string) (any, error) {
	if err := r.spend(8 * len(s)); err != nil {
		return nil, err
	}
	var v any // nil for what is no JSON: a template goes on, as Loki's do
	_ = json.Unmarshal([]byte(s), &v)
	return v, nil
}

func orDefault(instead, v any) any {
	if truth, ok := template.IsTrue(v); ok && truth {
		return v
	}
	return instead
}

func sizeOf(s string) (float64, error) {
	n, ok := quantity.Bytes(s)
	if !ok {
		return 0, fmt.Errorf("%q is no size", s)
	}
	return n, nil
}

func secondsOf(s string) (float64, error) {
	d, ok := quantity.Duration(s)
	if !ok {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	return d.Seconds(), nil
}

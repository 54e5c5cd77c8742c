package dashboards

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// view is what a user sees: a time range, how wide the panel is, and what the variables hold.
type view struct {
	from, to time.Time
	step     time.Duration
	values   map[string][]string // of the variables; nil is All
	model    model
}

// scrape is the scrape interval that the data sources are provisioned with; the gateway writes its series as often.
const scrape = 15 * time.Second

// newView looks at the time up to now, with all services.
func newView(m model, since time.Duration, values map[string][]string) view {
	to := time.Now().Truncate(time.Millisecond)
	step := max(since/300, scrape).Truncate(time.Second) // a panel of some 300 points
	return view{from: to.Add(-since), to: to, step: step, values: values, model: m}
}

// builtin is what Grafana puts in for its own variables before a query leaves the browser.
func (v view) builtin(name string) (string, bool) {
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }
	switch name {
	case "__interval", "__auto":
		return seconds(v.step) + "s", true
	case "__interval_ms":
		return strconv.FormatInt(v.step.Milliseconds(), 10), true
	case "__rate_interval":
		return max(v.step+scrape, 4*scrape).String(), true
	case "__range":
		return seconds(v.to.Sub(v.from)) + "s", true
	case "__range_s":
		return seconds(v.to.Sub(v.from)), true
	case "__from":
		return strconv.FormatInt(v.from.UnixMilli(), 10), true
	case "__to":
		return strconv.FormatInt(v.to.UnixMilli(), 10), true
	}
	return "", false
}

var reference = regexp.MustCompile(`\$\{(\w+)(?::(\w+))?\}|\$(\w+)`)

// expand puts the variables of a text in, each in the format that the text asks for, or else as
// the data source does. What is no variable stays.
func (v view) expand(t *testing.T, text string, usual func(v variable, values []string) string) string {
	t.Helper()
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		m := reference.FindStringSubmatch(found)
		name := m[1] + m[3]
		if value, ok := v.builtin(name); ok {
			return value
		}
		for _, variable := range v.model.Templating.List {
			if variable.Name != name {
				continue
			}
			values := v.values[name]
			if values == nil && variable.AllValue != "" {
				return variable.AllValue // as it is, whatever the format
			}
			if m[2] == "" {
				return usual(variable, values)
			}
			return format(t, m[2], name, values)
		}
		return found
	})
}

func format(t *testing.T, how, name string, values []string) string {
	t.Helper()
	each := func(open, between, end string, f func(string) string) string {
		out := make([]string, len(values))
		for i, s := range values {
			out[i] = f(s)
		}
		return open + strings.Join(out, between) + end
	}
	same := func(s string) string { return s }
	switch how {
	case "sqlstring":
		return each("", ",", "", quoteSQL)
	case "regex":
		if len(values) == 1 {
			return regexp.QuoteMeta(values[0])
		}
		return each("(", "|", ")", regexp.QuoteMeta)
	case "pipe":
		return each("", "|", "", same)
	case "csv":
		return each("", ",", "", same)
	case "raw":
		return each("", ",", "", same)
	case "queryparam":
		return each("", "&", "", func(s string) string { return "var-" + name + "=" + url.QueryEscape(s) })
	}
	t.Fatalf("nobody taught this test the format %s", how)
	return ""
}

func quoteSQL(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// promQL expands an expression as the Prometheus data source does.
func (v view) promQL(t *testing.T, expr string) string {
	t.Helper()
	return v.expand(t, expr, func(variable variable, values []string) string {
		escape := func(s string) string { return strings.ReplaceAll(regexp.QuoteMeta(s), `\`, `\\`) }
		if !variable.Multi && !variable.IncludeAll {
			return strings.ReplaceAll(strings.Join(values, ""), `\`, `\\`)
		}
		if len(values) == 1 {
			return escape(values[0])
		}
		out := make([]string, len(values))
		for i, s := range values {
			out[i] = escape(s)
		}
		return "(" + strings.Join(out, "|") + ")"
	})
}

// sql expands a statement as the PostgreSQL data source does: variables in the browser, macros in the server.
func (v view) sql(t *testing.T, statement string) string {
	t.Helper()
	statement = v.expand(t, statement, func(variable variable, values []string) string {
		if !variable.Multi && !variable.IncludeAll {
			return strings.ReplaceAll(strings.Join(values, ""), "'", "''")
		}
		return format(t, "sqlstring", variable.Name, values)
	})
	return macro.ReplaceAllStringFunc(statement, func(found string) string {
		m := macro.FindStringSubmatch(found)
		args := strings.Split(m[2], ",")
		for i := range args {
			args[i] = strings.TrimSpace(args[i])
		}
		from, to := quoteSQL(v.from.UTC().Format(time.RFC3339Nano)), quoteSQL(v.to.UTC().Format(time.RFC3339Nano))
		switch m[1] {
		case "timeFilter":
			return fmt.Sprintf("%s BETWEEN %s AND %s", args[0], from, to)
		case "timeFrom":
			return from
		case "timeTo":
			return to
		case "timeGroup", "timeGroupAlias":
			every, err := time.ParseDuration(strings.Trim(args[1], "'"))
			if err != nil {
				t.Fatalf("%s: %v", found, err)
			}
			group := fmt.Sprintf("floor(extract(epoch from %s)/%d)*%d", args[0], int(every.Seconds()), int(every.Seconds()))
			if m[1] == "timeGroupAlias" {
				group += ` AS "time"`
			}
			return group
		}
		t.Fatalf("nobody taught this test the macro %s; Grafana would refuse one that it does not know", found)
		return ""
	})
}

// macro is one of the server's: its arguments end at the first closing parenthesis.
var macro = regexp.MustCompile(`\$__([a-zA-Z]+)\(([^)]*)\)`)

func TestVariablesAreExpandedAsGrafanaDoes(t *testing.T) {
	t.Parallel()
	to := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := view{from: to.Add(-time.Hour), to: to, step: 12 * time.Second}
	v.model.Templating.List = []variable{
		{Name: "service", Multi: true, IncludeAll: true, AllValue: ".*"}, {Name: "trace"}, {Name: "kind", Multi: true},
	}
	for _, c := range []struct {
		values     map[string][]string
		text, want string
		sql        bool
	}{
		{nil, `rate(x{service=~"$service"}[$__rate_interval])`, `rate(x{service=~".*"}[1m0s])`, false},
		{map[string][]string{"service": {"a.b"}}, `{service=~"$service"}`, `{service=~"a\\.b"}`, false},
		{map[string][]string{"service": {"a", "b"}}, `{job=~"(.+/)?$service"}`, `{job=~"(.+/)?(a|b)"}`, false},
		{nil, `label_replace(x[$__range], "id", "$1", "a", "(.+)")`, `label_replace(x[3600s], "id", "$1", "a", "(.+)")`, false},
		{map[string][]string{"trace": {"it's"}}, `f(${trace:sqlstring})`, `f('it''s')`, true},
		{map[string][]string{"kind": {"a", "b'"}}, `k IN ($kind)`, `k IN ('a','b''')`, true},
		{map[string][]string{"service": {"a", "b.c"}}, `s ~ '^(${service:regex})$'`, `s ~ '^((a|b\.c))$'`, true},
		{nil, `s ~ $pattern$^(${service:regex})$$pattern$`, `s ~ $pattern$^(.*)$$pattern$`, true},
		{nil, `WHERE $__timeFilter(time) AND x`, `WHERE time BETWEEN '2026-01-02T02:04:05Z' AND '2026-01-02T03:04:05Z' AND x`, true},
		{nil, `$__timeGroupAlias(time, $__interval)`, `floor(extract(epoch from time)/12)*12 AS "time"`, true},
	} {
		v.values = c.values
		got := v.promQL(t, c.text)
		if c.sql {
			got = v.sql(t, c.text)
		}
		if got != c.want {
			t.Errorf("%s\n became %s,\n want   %s", c.text, got, c.want)
		}
	}
}

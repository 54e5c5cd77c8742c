package dashboards

import (
	"testing"
	"time"

	promql "github.com/prometheus/prometheus/promql/parser"

	"github.com/plaithq/plait/dashboards"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/traceql"
)

// Every query is of its language, for an hour and for a month. (Statements are parsed by
// TestStatementsReadDaysOfTheirRangeOrByTraceID.)
func TestEveryQueryParses(t *testing.T) {
	t.Parallel()
	parsers := map[string]func(t *testing.T, v view, q target) error{
		dashboards.PrometheusType: func(t *testing.T, v view, q target) error {
			t.Helper()
			_, err := promql.NewParser(promql.Options{}).ParseExpr(v.promQL(t, q.Expr))
			return err
		},
		dashboards.LokiType: func(t *testing.T, v view, q target) error {
			t.Helper()
			_, err := logql.Parse(v.promQL(t, q.Expr))
			return err
		},
		dashboards.TempoType: func(t *testing.T, v view, q target) error {
			t.Helper()
			query := v.traceQL(t, q.Query)
			if wholeID.MatchString(query) {
				return nil
			}
			_, err := traceql.Parse(query)
			return err
		},
		dashboards.PostgresType: func(*testing.T, view, target) error { return nil },
	}
	seen := map[string]int{}
	for _, d := range all(t) {
		for _, since := range []time.Duration{time.Hour, 30 * 24 * time.Hour} {
			values := chosen(d, "4bf92f3577b34da6a3ce929d0e0e4736", "checkout")
			values["traceid"], values["logsof"] = values["trace"], values["trace"]
			v := newView(d, since, values)
			for _, p := range d.asking() {
				for _, q := range p.Targets {
					parse, ok := parsers[q.Datasource.Type]
					if !ok {
						t.Fatalf("%s: %s: a data source of type %q", d.File, p.Title, q.Datasource.Type)
					}
					seen[q.Datasource.Type]++
					if err := parse(t, v, q); err != nil {
						t.Errorf("%s: %s, target %s: %v", d.File, p.Title, q.RefID, err)
					}
				}
			}
		}
	}
	for kind := range parsers {
		if seen[kind] == 0 {
			t.Errorf("no target asks a %s", kind)
		}
	}
}

// Every variable that a query, a title or a link names is one of the dashboard, or one of Grafana's own.
func TestNoVariableIsLeftUnresolved(t *testing.T) {
	t.Parallel()
	for _, d := range all(t) {
		for _, p := range d.asking() {
			for _, q := range p.Targets {
				for _, text := range []string{p.Title, q.Expr, q.Query, q.RawSQL} {
					for _, m := range reference.FindAllStringSubmatch(text, -1) {
						name := m[1] + m[3]
						_, builtin := view{}.builtin(name)
						switch {
						case d.has(name), builtin:
						case name == "1", name == "pattern", name == "__timeFilter", name == "__timeFrom", name == "__timeTo": // of label_replace, quotes of SQL, macros
						default:
							t.Errorf("%s: %s: nothing is %s", d.File, p.Title, m[0])
						}
					}
				}
			}
		}
	}
}

// A number that stands alone is painted, so that somebody who does not know it sees whether it is bad; rates are neither.
func TestNumbersThatCanBeBadArePainted(t *testing.T) {
	t.Parallel()
	for _, d := range all(t) {
		for _, p := range d.Panels {
			if unit := p.FieldConfig.Defaults.Unit; p.Type != "stat" || unit == "cps" || unit == "reqps" {
				continue
			}
			if len(p.FieldConfig.Defaults.Thresholds.Steps) < 2 {
				t.Errorf("%s: %s has no thresholds", d.File, p.Title)
			}
		}
	}
}

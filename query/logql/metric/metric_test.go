package metric_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/metric"
	"github.com/plaithq/plait/query/logql/pipeline"
)

const second = 1_000_000_000

// made are 600 entries, one a second from 1 on: n counts them, k is one of three.
func made() (all entries) {
	for i := int64(1); i <= 600; i++ {
		all = append(all, pipeline.Entry{TimeNanos: i * second, Line: fmt.Sprintf("n=%d k=%d", i, i%3), Stream: []plait.Label{{Name: "app", Value: "x"}}})
	}
	return all
}

func evaluate(t *testing.T, query string, times metric.Times, limit int) (string, error) {
	t.Helper()
	e, err := logql.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	r, err := metric.Evaluate(t.Context(), e, times, limit, made())
	var b strings.Builder
	for _, s := range r.Series {
		for _, l := range s.Labels {
			fmt.Fprintf(&b, "%s=%s ", l.Name, l.Value)
		}
		for i, has := range s.Has {
			if has {
				fmt.Fprintf(&b, "%d:%g ", i, s.Values[i])
			}
		}
		b.WriteString("; ")
	}
	return b.String(), err
}

func TestRangesCoverTheirEndAndNotTheirStart(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`count_over_time({app="x"}[10s])`:                                                "app=x 0:10 1:10 2:10 ; ",
		`rate({app="x"}[20s])`:                                                           "app=x 0:0.5 1:1 2:1 ; ",
		`count_over_time({app="x"}[7s] offset 10s)`:                                      "app=x 1:7 2:7 ; ",
		`sum by (k) (count_over_time({app="x"} | logfmt [10s]))`:                         "k=1 0:4 1:3 2:3 ; k=2 0:3 1:4 2:3 ; k=0 0:3 1:3 2:4 ; ",
		`max_over_time({app="x"} | logfmt | unwrap n [5s]) by ()`:                        "0:10 1:20 2:30 ; ",
		`quantile_over_time(0.5, {app="x"} | logfmt | unwrap n [5s]) by ()`:              "0:8 1:18 2:28 ; ",
		`absent_over_time({app="x"} |= "n=15 " [10s])`:                                   "app=x 0:1 2:1 ; ",
		`sum(count_over_time({app="x"} |= "n=15 " [10s])) or vector(0)`:                  "0:0 1:1 2:0 ; ",
		`sum(count_over_time({app="x"}[10s])) > 20`:                                      "",
		`sum(count_over_time({app="x"}[10s])) == bool 10`:                                "0:1 1:1 2:1 ; ",
		`sum by (app) (rate({app="x"}[10s])) unless sum by (app) (rate({app="x"}[10s]))`: "",
		`1 + 2 * 3`: "0:7 1:7 2:7 ; ",
	} {
		got, err := evaluate(t, query, metric.Times{Start: 10 * second, End: 30 * second, Step: 10 * second}, 500)
		if err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", query, got, err, want)
		}
	}
}

func TestQueriesThatCannotBeAnsweredSayWhy(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]struct {
		kind error
		says string
	}{
		`count_over_time({app="x"} | logfmt [10m])`:                                                     {plait.ErrTooLarge, "the limit is 500"},
		`count_over_time({app="x"} | json [10m])`:                                                       {plait.ErrInvalid, "pipeline error: JSONParserErr"},
		`sum_over_time({app="x"} | unwrap app [10m])`:                                                   {plait.ErrInvalid, "SampleExtractionErr"},
		`sum by (app, k) (rate({app="x"} | logfmt [1m])) + on (app) sum by (app) (rate({app="x"}[1m]))`: {plait.ErrInvalid, "several series match"},
		`label_replace(sum by (k) (rate({app="x"} | logfmt [1m])), "k", "1", "k", ".*")`:                {plait.ErrInvalid, "same labels"},
		`{app="x"}`: {plait.ErrInvalid, "want a metric query"},
	} {
		_, err := evaluate(t, query, metric.Times{Start: 600 * second, End: 600 * second}, 500)
		if !errors.Is(err, want.kind) || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: %v, want %s", query, err, want.says)
		}
	}
	for _, times := range []metric.Times{{Start: 2, End: 1, Step: 1}, {Start: 1, End: 2}, {Start: 0, End: 1 << 62, Step: 1}} {
		if _, err := evaluate(t, `vector(1)`, times, 500); err == nil {
			t.Errorf("%v is answered", times)
		}
	}
}

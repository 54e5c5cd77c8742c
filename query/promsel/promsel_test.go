package promsel

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSelectorsOf(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`up`: `__name__="up"`,
		`traces_spanmetrics_latency_bucket{service="cart",le="0.5"}`:                       `service="cart" le="0.5" __name__="traces_spanmetrics_latency_bucket"`,
		`histogram_quantile(0.95, sum by (le) (rate(x_bucket{job=~"a|b", pod!="c"}[5m])))`: `job=~"a|b" pod!="c" __name__="x_bucket"`,
		`sum(rate(errors_total{code!~"2.."}[5m])) / sum(rate(all_total[5m]))`:              `code!~"2.." __name__="errors_total"; __name__="all_total"`,
		`x > 1 and x`:                         `__name__="x"`,
		`max_over_time(rate(x[1m])[1h:1m])`:   `__name__="x"`,
		`{__name__=~"traces_.*"}`:             `__name__=~"traces_.*"`,
		`{"http.server.duration", "a.b"="c"}`: `__name__="http.server.duration" a.b="c"`,
		`x offset 5m @ start()`:               `__name__="x"`,
	} {
		found, err := Selectors(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		var selectors []string
		for _, matchers := range found {
			var words []string
			for _, m := range matchers {
				words = append(words, m.Name+string(m.Op)+`"`+m.Value+`"`)
			}
			selectors = append(selectors, strings.Join(words, " "))
		}
		if diff := cmp.Diff(want, strings.Join(selectors, "; ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expression, diff)
		}
	}
}

func TestWhatSelectsNothingIsInvalid(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{"", "1 + 1", "rate(x[5m]", `x{`, "{}", strings.Repeat("(", 10_000) + "x", strings.Repeat("x", 70_000)} {
		if found, err := Selectors(expression); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%.20q: selects %v with error %v, want ErrInvalid", expression, found, err)
		}
	}
}

func FuzzSelectors(f *testing.F) {
	f.Add(`histogram_quantile(0.95, sum by (le) (rate(x_bucket{job=~"a|b"}[5m])))`)
	f.Add(`{"a", b="c"} @ 5 offset -1m`)
	f.Fuzz(func(t *testing.T, expression string) {
		found, err := Selectors(expression)
		if err != nil && !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("error %v is of no kind", err)
		}
		if err == nil && len(found) == 0 {
			t.Error("no error and no selector")
		}
	})
}

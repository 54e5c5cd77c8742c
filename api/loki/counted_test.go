package loki

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql/metric"
)

// TestCountsAreThoseOfRows compares metrics that are counted in groups with those for which rows are read: a
// filter on a label whose name has a _ makes the difference.
func TestCountsAreThoseOfRows(t *testing.T) {
	t.Parallel()
	s := start(t)
	random := rand.New(rand.NewPCG(1, 2))
	resources := []*plait.Resource{
		{Attributes: plait.Attributes{attr("service.name", "cart"), attr("env", "dev")}},
		{Attributes: plait.Attributes{attr("service.name", "cart"), attr("level", "resource's"), attr("loki.resource.labels", "service_name,level")}},
		{Attributes: plait.Attributes{attr("service.name", "pay")}},
		{Attributes: plait.Attributes{attr("service.name", "pay"), attr("zone", "west")}},
		{Attributes: plait.Attributes{attr("service.name", "pay"), attr("zone", "east"), attr("k8s.pod.name", "pay-1")}},
	}
	scopes := []*plait.Scope{{}, {Name: "lib", Attributes: plait.Attributes{attr("level", "scope's")}}}
	var all []plait.LogRecord
	for i := range 3_000 {
		at := base.Add(time.Duration(random.IntN(600)) * time.Second).UnixNano()
		if random.IntN(3) == 0 {
			at += []int64{-1, 1, 500, 1000, -1000, 999}[random.IntN(6)]
		}
		r := plait.LogRecord{
			TimeNanos: at, Resource: resources[random.IntN(len(resources))], Scope: scopes[random.IntN(2)], Body: plait.StringValue(fmt.Sprint("line ", i)),
			Severity: plait.SeverityNumber(random.IntN(25)), SeverityText: []string{"", "", "CRITICAL", "x"}[random.IntN(4)],
		}
		if random.IntN(2) == 0 {
			r.Attributes = plait.Attributes{attr("level", []string{"info", "own"}[random.IntN(2)]), attr("n", fmt.Sprint(random.IntN(3)))}
		}
		all = append(all, r)
	}
	s.write(t, all...)
	for _, query := range []string{
		`sum by (level, detected_level) (count_over_time({service_name=~".+"}%s | drop __error__[15s]))`,
		`sum by (service_name) (rate({service_name="cart"}%s[1m]))`, `sum(count_over_time({service_name!="cart", service_name=~".+"}%s[10s]))`,
		`sum by (detected_level) (count_over_time({service_name=~".+"}%s | detected_level=~"critical|error" | n!="1" [25s] offset 30s))`,
		`sum by (level, detected_level) (count_over_time({service_name=~".+"}%s | drop __error__[1m]))`, `sum by (level) (rate({service_name="cart"}%s | level!="own" [2m] offset 1m))`,
		`sum by (level) (count_over_time({service_name=~".+"}%s[45s]))`, `sum by (detected_level) (rate({service_name="cart"}%s | level!="own" [30s] offset 15s))`,
		`sum by (zone, level) (count_over_time({service_name=~"pay|cart"}%s[15s]))`, `sum by (detected_level) (count_over_time({service_name=~".+", k8s_pod_name=""}%s[1m]))`,
		`sum by (n) (count_over_time({service_name="pay"}%s[7s]))`, `topk(1, sum by (level) (count_over_time({level=~".+"}%s[1m])))`,
	} {
		for _, step := range []string{"15s", "30s", "7s", "1m", "2m"} {
			ask := func(filter string) string {
				params := url.Values{"query": {fmt.Sprintf(query, filter)}, "start": {fmt.Sprint(base.UnixNano())}, "end": {fmt.Sprint(now.UnixNano())}, "step": {step}}
				status, body := s.get(t, root+"query_range", params)
				if status != http.StatusOK {
					t.Fatalf("%s: %d %s", query, status, body)
				}
				return byLine(t, body)
			}
			if counted, read := ask(""), ask(` | no_such=""`); counted != read || !strings.Contains(counted, "metric") {
				t.Errorf("%s by %s: counted\n%.2000s\nread\n%.2000s", query, step, counted, read)
			}
		}
	}
}

func TestStepsOfQuartersBeginWithAQuarter(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) time.Time { return time.Unix(0, int64(seconds*1e9)) }
	for _, c := range []struct {
		step                 time.Duration
		from, to, start, end float64
	}{
		{time.Minute, 120, 240, 120, 240},
		{time.Minute, 120.001, 240.001, 120, 300},
		{time.Minute, -0.5, 0.5, -60, 60},
		{5 * time.Minute, 120, 240.5, 120, 240.5},
		{5 * time.Minute, 661, 1_200, 600, 1_200},
		{5 * time.Minute, 615, 1_200, 615, 1_200},
		{15 * time.Second, 120, 241, 120, 241},
		{15 * time.Second, 121, 241, 120, 255},
		{45 * time.Second, 121, 241, 90, 270},
		{5 * time.Second, 121, 241, 121, 241},
	} {
		got := stepsOf(plait.TimeRange{From: at(c.from), To: at(c.to)}, c.step)
		if want := (metric.Times{Start: at(c.start).UnixNano(), End: at(c.end).UnixNano(), Step: int64(c.step)}); got != want {
			t.Errorf("the steps of %+v are %+v, want %+v", c, got, want)
		}
	}
}

// byLine is the series of an answer, sorted.
func byLine(t *testing.T, body string) string {
	t.Helper()
	var answer struct {
		Data struct{ Result []json.RawMessage }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	var series []string
	for _, raw := range answer.Data.Result {
		series = append(series, string(raw))
	}
	slices.Sort(series)
	return strings.Join(series, "\n")
}

package tempo

import (
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

func TestCountsAnswerAsTracesDo(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	g := shop.NewGenerator(5, now)
	g.Window = 40 * time.Minute
	for range 4 {
		if _, err := st.WriteTraces(t.Context(), g.Traces(500)); err != nil {
			t.Fatal(err)
		}
	}
	config := tracesearch.Config{Memory: plait.NewAnswerMemory(32 << 20), Now: func() time.Time { return now }}
	byCounts, byTraces := countedHandler(st, config, 1), countedHandler(st, config, math.MaxInt64)
	counted, asked := 0, 0
	for _, text := range []string{
		`{} | rate()`,
		`{} | count_over_time() by (resource.service.name)`,
		`{ resource.service.name = "shop-a" } | rate() by (name)`,
		`{ status = error } | rate() by (resource.service.name, kind)`,
		`{ kind = server && status != error } | count_over_time() by (status, kind)`,
		`{ resource.deployment.environment.name = "production" } | rate() by (span:name)`,
		`{ name =~ "GET.*" } | rate()`,
		`{} | sum_over_time(duration) by (kind)`,
		`{ kind = server } | avg_over_time(span:duration) by (name)`,
		`{} | histogram_over_time(duration)`,
		`{ status = error } | histogram_over_time(duration) by (resource.service.name)`,
		`{} | quantile_over_time(duration, 0, .5, .9, .99, 1)`,
		`{ kind = client } | quantile_over_time(duration, .5, .95) by (resource.service.name, status)`,
		`{} | rate() by (name) | topk(2)`,
		`({ status = error } | count_over_time() by (resource.service.name)) / ({} | count_over_time() by (resource.service.name))`,
		`({ status = error } | rate()) * 60 > 1`,
	} {
		for _, step := range []string{"60s", "300s", "7s"} {
			q := url.Values{
				"q": {text}, "step": {step}, "exemplars": {"5"},
				"start": {strconv.FormatInt(now.Add(-50*time.Minute).Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)},
			}
			got, want := seriesFor(t, byCounts, q), seriesFor(t, byTraces, q)
			if asked++; got.Metrics != want.Metrics {
				counted++ // which inspects no traces
			}
			if !strings.Contains(text, ") / (") { // which has none
				for name, value := range exemplarValues(t, got) {
					if value < 0 {
						t.Errorf("%s: exemplar %s stands for a sample of %v", text, name, value)
					}
				}
			}
			within := 1e-9
			if strings.Contains(text, "quantile") {
				within = 0.075 // half an eighth, and what either sketch adds
			}
			if diff := cmp.Diff(samplesOf(want), samplesOf(got), cmpopts.EquateApprox(within, 2e-6)); diff != "" {
				t.Errorf("%s by %s (-traces +counts):\n%s", text, step, diff)
			}
		}
	}
	if counted != asked {
		t.Errorf("counts answered %d of %d questions", counted, asked)
	}
	for _, text := range []string{
		`{ span.http.route != nil } | rate()`,
		`{} | max_over_time(duration)`,
		`{} | quantile_over_time(span.size, .5)`,
		`{} | sum_over_time(traceDuration)`,
		`{} | by(name) | rate()`,
		`{} | rate() by (span.http.route)`,
		`({ span.a = 1 } | rate()) / ({} | rate())`,
	} {
		parsed, err := traceql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		window, err := eval.RangeWindow(now.Add(-time.Hour).UnixNano(), now.UnixNano(), int64(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := byCounts.counted(t.Context(), parsed, window, 0); ok || err != nil {
			t.Errorf("%s is answered by counts: %v", text, err)
		}
	}
}

func countedHandler(r Reader, c tracesearch.Config, from int64) *handler {
	return &handler{r, c, from, make(chan struct{}, 1), make(chan struct{}, 1)}
}

func TestExemplarsOfCountsComeFromAllOfTheRange(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	g := shop.NewGenerator(7, now)
	g.Window = 40 * time.Minute
	if _, err := st.WriteTraces(t.Context(), g.Traces(2000)); err != nil {
		t.Fatal(err)
	}
	h := countedHandler(st, tracesearch.Config{Memory: plait.NewAnswerMemory(32 << 20), Now: func() time.Time { return now }}, 1)
	for _, text := range []string{`{} | rate()`, `{} | quantile_over_time(duration, .9)`} {
		q := url.Values{"q": {text}, "step": {"60s"}, "start": {strconv.FormatInt(now.Add(-40*time.Minute).Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)}}
		first, last := now, time.Time{}
		for _, s := range seriesFor(t, h, q).Series {
			for _, e := range s.Exemplars {
				millis, err := strconv.ParseInt(e.Millis, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				at := time.UnixMilli(millis)
				if at.Before(first) {
					first = at
				}
				if at.After(last) {
					last = at
				}
			}
		}
		if last.Sub(first) < 30*time.Minute {
			t.Errorf("%s: exemplars from %v to %v", text, first, last)
		}
	}
	for hint, most := range map[string]int{"false": 0, "3": 3} { // whatever the request asks for
		q := url.Values{"q": {`{} | rate() with(exemplars=` + hint + `)`}, "step": {"60s"}, "start": {strconv.FormatInt(now.Add(-40*time.Minute).Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)}}
		if got := len(seriesFor(t, h, q).Series[0].Exemplars); got != most {
			t.Errorf("exemplars=%s gives %d", hint, got)
		}
	}
}

func TestAMetricsQueryWithoutATimeIsAnsweredByCounts(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	g := shop.NewGenerator(8, now)
	g.Window = 40 * time.Minute
	sent := g.Traces(500)
	if _, err := st.WriteTraces(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	h := countedHandler(st, tracesearch.Config{Memory: plait.NewAnswerMemory(32 << 20), Now: func() time.Time { return now }}, 1)
	found, err := h.metricsInstant(t.Context(), url.Values{"q": {`{} | count_over_time()`}})
	answer, _ := found.(instantAnswer)
	if err != nil || len(answer.Series) != 1 || answer.Series[0].Value != float64(len(sent.Spans)) || answer.Metrics.InspectedTraces > 0 {
		t.Errorf("%v, %+v, want %d spans, counted", err, answer, len(sent.Spans))
	}
}

func TestCountsAnswerInstantQueriesAsTracesDo(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	g := shop.NewGenerator(6, now)
	g.Window = 40 * time.Minute
	for range 2 {
		if _, err := st.WriteTraces(t.Context(), g.Traces(500)); err != nil {
			t.Fatal(err)
		}
	}
	config := tracesearch.Config{Memory: plait.NewAnswerMemory(32 << 20), Now: func() time.Time { return now }}
	byCounts, byTraces := countedHandler(st, config, 1), countedHandler(st, config, math.MaxInt64)
	// A range is seldom a multiple of its own length since 1970, and a step of that length is then cut in two.
	for _, length := range []time.Duration{time.Second, 7 * time.Minute, time.Hour, 25 * time.Hour} {
		for _, before := range []time.Duration{0, time.Second, 17 * time.Minute, 18*time.Minute + 300*time.Millisecond} {
			for _, text := range []string{`{} | rate()`, `{ status = error } | count_over_time() by (resource.service.name, name)`} {
				end := now.Truncate(time.Second).Add(-before) // counts are to the microsecond
				q := url.Values{"q": {text}, "start": {strconv.FormatInt(end.Add(-length).UnixNano(), 10)}, "end": {strconv.FormatInt(end.UnixNano(), 10)}}
				got, want := instantFor(t, byCounts, q), instantFor(t, byTraces, q)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s of %v, %v ago (-traces +counts):\n%s", text, length, before, diff)
				}
			}
		}
	}
}

// instantFor are the values of an answer by labels, to the sixth digit, without those of 0.
func instantFor(t *testing.T, h *handler, q url.Values) map[string]float64 {
	t.Helper()
	found, err := h.metricsInstant(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q.Get("q"), err)
	}
	answer, _ := found.(instantAnswer)
	out := map[string]float64{}
	for _, s := range answer.Series {
		labels, _ := json.Marshal(s.Labels)
		if s.Value != 0 {
			out[string(labels)] = math.Round(s.Value*1e6) / 1e6
		}
	}
	return out
}

func seriesFor(t *testing.T, h *handler, q url.Values) seriesAnswer {
	t.Helper()
	found, err := h.metricsRange(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q.Get("q"), err)
	}
	answer, _ := found.(seriesAnswer)
	return answer
}

// samplesOf are the samples of an answer by labels and time, to the sixth digit.
func samplesOf(a seriesAnswer) map[string]map[string]float64 {
	out := map[string]map[string]float64{}
	for _, s := range a.Series {
		labels, _ := json.Marshal(s.Labels)
		samples := map[string]float64{}
		for _, v := range s.Samples {
			samples[v.Millis] = math.Round(v.Value*1e6) / 1e6
		}
		out[string(labels)] = samples
	}
	return out
}

func exemplarValues(t *testing.T, a seriesAnswer) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for _, s := range a.Series {
		for _, e := range s.Exemplars {
			values[*e.Labels[0].Value.String+" at "+e.Millis] = e.Value
		}
	}
	if len(values) == 0 {
		t.Error("no exemplars")
	}
	return values
}

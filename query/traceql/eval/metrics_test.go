package eval_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
)

// timed makes a trace of one span for each word: name@second:milliseconds, with the attribute n of so many milliseconds.
func timed(number byte, drawing string) condition.TraceView {
	var spans []plait.Span
	for i, word := range strings.Fields(drawing) {
		var name string
		var second, millis int64
		if _, err := fmt.Sscanf(strings.NewReplacer("@", " ", ":", " ").Replace(word), "%s %d %d", &name, &second, &millis); err != nil {
			panic(word)
		}
		s := plait.Span{
			TraceID: plait.TraceID{15: number}, SpanID: plait.SpanID{6: number, 7: byte(i + 1)}, Name: name, Resource: &plait.Resource{}, Scope: &plait.Scope{},
			StartNanos: second * int64(time.Second), Attributes: plait.Attributes{{Key: "n", Value: plait.IntValue(millis)}},
		}
		s.EndNanos = s.StartNanos + millis*int64(time.Millisecond)
		if i > 0 {
			s.ParentSpanID = spans[0].SpanID
		}
		spans = append(spans, s)
	}
	return condition.TraceView{Spans: spans, Summary: eval.Summarize(spans)}
}

func metricsOf(t *testing.T, text string, w eval.Window, exemplars int, l eval.Limits) *eval.Metrics {
	t.Helper()
	q, err := traceql.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := eval.NewMetrics(q, w, exemplars, l)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

// drawn are series as lines: labels, then the values.
func drawn(series []eval.Series) (lines []string) {
	for _, s := range series {
		var labels []string
		for _, l := range s.Labels {
			labels = append(labels, l.Key+"="+l.Value.Text())
		}
		var values []string
		for _, v := range s.Values {
			values = append(values, fmt.Sprintf("%.4g", v))
		}
		lines = append(lines, strings.Join(labels, ",")+": "+strings.Join(values, " "))
	}
	return lines
}

// steps is a window of three steps of ten seconds: the spans after second 90 and up to 120.
func steps(t *testing.T) eval.Window {
	t.Helper()
	w, err := eval.RangeWindow(100*int64(time.Second), 120*int64(time.Second), 10*int64(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var timedTraces = []condition.TraceView{
	timed(1, "a@101:100 b@102:300 b@111:500"),
	timed(2, "a@110:200 c@120:400"),
	timed(3, "a@100:900 b@121:900 c@90:900"), // two of them after the window and before it
}

func TestMetricsOfSpansByStep(t *testing.T) {
	for text, want := range map[string][]string{
		`{} | rate()`:                                    {"__name__=rate: 0.1 0.3 0.2"},
		`{} | count_over_time() by (name)`:               {"name=a: 1 2 0", "name=b: 0 1 1", "name=c: 0 0 1"},
		`{ name = "b" } | sum_over_time(span.n)`:         {"__name__=sum_over_time: NaN 300 500"},
		`{ name = "a" } | min_over_time(duration)`:       {"__name__=min_over_time: 0.9 0.1 NaN"},
		`{} | max_over_time(duration) by (name)`:         {"name=a: 0.9 0.2 NaN", "name=b: NaN 0.3 0.5", "name=c: NaN NaN 0.4"},
		`{} | avg_over_time(span.n)`:                     {"__name__=avg_over_time: 900 200 450"},
		`{} | count_over_time() by (name) | topk(1)`:     {"name=a: 1 2 NaN", "name=b: NaN NaN 1"},
		`{ name = "a" } >> { name = "b" } | rate()`:      {"__name__=rate: 0 0.1 0.1"},
		`{} | count_over_time() by (span.none)`:          {"span.none=nil: 1 3 2"},
		`{} | count() > 2 | rate()`:                      {"__name__=rate: 0.1 0.2 0.1"},
		`{ name = "nobody" } | rate()`:                   {"__name__=rate: 0 0 0"},
		`{ name = "c" } | histogram_over_time(duration)`: {"__bucket=0.536870912: 0 0 1"},
		`({} | rate()) / ({} | count_over_time())`:       {"__name__=(rate / count_over_time): 0.1 0.1 0.1"},
	} {
		m := metricsOf(t, text, steps(t), 0, eval.DefaultLimits)
		for i := range timedTraces {
			if err := m.Add(&timedTraces[i]); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, append([]string{}, drawn(m.Series())...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestMetricsOfPartsMergeToThoseOfAll(t *testing.T) {
	for _, text := range []string{
		`{} | rate() by (name)`, `{} | avg_over_time(span.n) by (name)`, `{} | min_over_time(span.n)`, `{} | histogram_over_time(duration)`,
		`{} | quantile_over_time(duration, .5, .9)`, `{} | compare({ name = "b" })`,
	} {
		all := metricsOf(t, text, steps(t), 10, eval.DefaultLimits)
		merged := metricsOf(t, text, steps(t), 10, eval.DefaultLimits)
		for i := range timedTraces {
			part := metricsOf(t, text, steps(t), 10, eval.DefaultLimits)
			if err := errors.Join(all.Add(&timedTraces[i]), part.Add(&timedTraces[i]), merged.Merge(part)); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(drawn(all.Series()), drawn(merged.Series())); diff != "" {
			t.Errorf("%s (-all +merged):\n%s", text, diff)
		}
	}
}

func TestMetricsShowSpansThatSamplesStandFor(t *testing.T) {
	m := metricsOf(t, `{ name = "b" } | max_over_time(duration)`, steps(t), 10, eval.DefaultLimits)
	for i := range timedTraces {
		if err := m.Add(&timedTraces[i]); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]float64{}
	for _, e := range m.Series()[0].Exemplars {
		found[fmt.Sprintf("%d of %x", e.Nanos/int64(time.Second), e.TraceID[15])] = math.Round(e.Value * 1000)
	}
	if want := map[string]float64{"102 of 1": 300, "111 of 1": 500}; !maps.Equal(found, want) {
		t.Errorf("exemplars %v, want %v", found, want)
	}
}

func TestMetricsAreBoundedInSeries(t *testing.T) {
	m := metricsOf(t, `{} | rate() by (span.n)`, steps(t), 0, eval.Limits{Series: 3})
	var err error
	for i := range 100 {
		view := timed(byte(i), fmt.Sprintf("a@101:%d", i))
		if err = m.Add(&view); err != nil {
			break
		}
	}
	if !errors.Is(err, plait.ErrTooLarge) {
		t.Errorf("got %v for a series too many", err)
	}
}

func TestAQuantileLiesBetweenItsSpans(t *testing.T) {
	m := metricsOf(t, `{} | quantile_over_time(span.n, .5)`, steps(t), 0, eval.DefaultLimits)
	for i := range timedTraces {
		if err := m.Add(&timedTraces[i]); err != nil {
			t.Fatal(err)
		}
	}
	values := m.Series()[0].Values
	if slices.ContainsFunc(values, math.IsNaN) || values[1] < 100 || values[1] > 300 || values[2] < 400 || values[2] > 520 {
		t.Errorf("medians %v of 900, of 100, 200, 300 and of 400, 500", values)
	}
}

func TestSeriesAreJoinedByTheirLabelsWhateverTheirNumber(t *testing.T) {
	const names = 8_000 // of which all pairs would take a minute
	w, err := eval.InstantWindow(0, 10*second)
	if err != nil {
		t.Fatal(err)
	}
	m := metricsOf(t, `({} | sum_over_time(span.n) by (name)) / ({} | count_over_time() by (name)) + ({} | count_over_time())`, w, 0, eval.Limits{})
	for i := range names {
		trace := timed(1, fmt.Sprintf("op%d@1:%d op%d@2:%d", i, i, i, i+2))
		if err := m.Add(&trace); err != nil {
			t.Fatal(err)
		}
	}
	series := m.Series()
	if len(series) != names {
		t.Fatalf("%d series, want %d", len(series), names)
	}
	for _, s := range series {
		name, _ := s.Labels.Get("name")
		i, err := strconv.Atoi(strings.TrimPrefix(name.Str(), "op"))
		if want := float64(i + 1 + 2*names); err != nil || s.Values[0] != want {
			t.Fatalf("%s: %v, want %v", name.Str(), s.Values, want)
		}
	}
}

// TestCountsMakeTheSeriesThatSpansMake feeds the counts of a step, as buckets that have one duration each.
func TestCountsMakeTheSeriesThatSpansMake(t *testing.T) {
	t.Parallel()
	durations := []int64{0, 1, 2, 3, 1024, 1025, 5_000_000, 2_000_000_000}
	step := query.SpanStep{Index: 1, Count: int64(len(durations))}
	spans := make([]plait.Span, len(durations))
	for i, d := range durations {
		at := int64(90_000_000_000)
		spans[i] = plait.Span{SpanID: plait.SpanID{7: byte(i + 1)}, Name: "n", Resource: &plait.Resource{}, StartNanos: at, EndNanos: at + d}
		step.SumNanos += d
		step.Durations = append(step.Durations, query.DurationCount{Over: max(time.Duration(d)-1, 0), UpTo: time.Duration(d), Count: 1})
	}
	for _, text := range []string{
		"{} | rate()", "{} | count_over_time() by (name)", "{} | sum_over_time(duration)", "{} | avg_over_time(duration) by (name)",
		"{} | histogram_over_time(duration)", "{} | histogram_over_time(duration) by (name)", "{} | quantile_over_time(duration, .3, .9)", "({} | rate()) * 2",
	} {
		q, err := traceql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		window, err := eval.RangeWindow(0, 120_000_000_000, 60_000_000_000)
		if err != nil {
			t.Fatal(err)
		}
		var made [2]*eval.Metrics
		for i := range made {
			if made[i], err = eval.NewMetrics(q, window, 0, eval.Limits{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := made[0].Add(&condition.TraceView{Spans: spans}); err != nil {
			t.Fatal(err)
		}
		parts := made[1].Parts()
		labels := make([]plait.Value, len(parts[0].By))
		for i := range labels {
			labels[i] = plait.StringValue("n")
		}
		step.Index = 2 // from 60 s to 120 s; the window begins with the step that ends at 0
		if !eval.Countable(parts[0].Function) {
			t.Fatalf("%s is not countable", text)
		}
		if err := made[1].AddCounts(0, labels, &step); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(made[0].Series(), made[1].Series(), cmp.AllowUnexported(plait.Value{}), cmpopts.EquateApprox(0.006, 1e-9), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-spans +counts):\n%s", text, diff)
		}
	}
}

// It measures the heap of the process, so it must not be parallel: another
// test beside it would be measured too.
func TestQuantilesTakeOfTheMemoryWhatTheyKeep(t *testing.T) {
	q, err := traceql.Parse("{} | quantile_over_time(duration, .5)")
	if err != nil {
		t.Fatal(err)
	}
	window, err := eval.RangeWindow(0, 1_000_000_000_000, 1_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	m, err := eval.NewMetrics(q, window, 0, eval.Limits{Bytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := 0; err == nil && i < 2_000_000; i++ { // a place each, in one of a thousand sketches
		at := int64(i%1000) * 1_000_000_000
		duration := int64(math.Pow(1.02, float64(i/1000)+100))
		span := plait.Span{SpanID: plait.SpanID{7: 1}, Resource: &plait.Resource{}, StartNanos: at, EndNanos: at + duration}
		err = m.Add(&condition.TraceView{Spans: []plait.Span{span}})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if !errors.Is(err, plait.ErrTooLarge) {
		t.Errorf("it keeps all: %v", err)
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 6<<20 {
		t.Errorf("a query that may keep 4 MiB keeps %d bytes", kept)
	}
	runtime.KeepAlive(m)
}

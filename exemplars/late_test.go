package exemplars

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/spanmetrics/callcases"
)

// increments are those that were committed, by the name of their family, in the order of their steps.
func (r *recorder) increments() map[string][]plait.Increment {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string][]plait.Increment{}
	for _, m := range r.written {
		for _, inc := range m.Increments {
			name := inc.Labels.Get(plait.NameLabel)
			out[name] = append(out[name], inc)
		}
	}
	for _, all := range out {
		slices.SortFunc(all, func(a, b plait.Increment) int { return int(a.Step - b.Step) })
	}
	return out
}

func TestLateSpansAreIncrementsOfTheStepsInWhichTheyEnded(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	g, _ := newGenerator(t, Config{Writer: r, Buckets: []float64{0.5, 2}, Labels: plait.Labels{{Name: "instance", Value: "one"}}})
	full := start.Add(-2 * time.Hour).Truncate(plait.IncrementStep)
	op := spec{trace: 1, service: "a", name: "op"}
	at := func(id byte, end time.Time, took time.Duration) spec {
		op.id, op.end, op.took = id, end, took
		return op
	}
	g.ObserveSpans(spans(
		at(1, full, time.Second), // the end of a step is in it
		at(2, full.Add(time.Nanosecond), time.Second),
		at(3, full.Add(plait.IncrementStep), 3*time.Second),
		at(4, full.Add(5*time.Second), 0),
		at(5, start.Add(-maxAge), time.Second), // is not late
	))
	g.flushLate(t.Context())

	labels := plait.Labels{
		{Name: "__name__", Value: "traces_spanmetrics_latency"}, {Name: "arrival", Value: "late"}, {Name: "service", Value: "a"},
		{Name: "span_kind", Value: "SPAN_KIND_UNSPECIFIED"}, {Name: "span_name", Value: "op"}, {Name: "status_code", Value: "STATUS_CODE_UNSET"},
	}
	step := full.Unix() / 15
	want := []plait.Increment{
		{Labels: labels, Step: step, Count: 1, Sum: 1, Bounded: []plait.BoundCount{{Upper: 2, Count: 1}}, Exponential: []plait.ExponentialCount{{Index: 0, Count: 1}}},
		{Labels: labels, Step: step + 1, Count: 3, Sum: 4, Zero: 1, Bounded: []plait.BoundCount{{Upper: 0.5, Count: 1}, {Upper: 2, Count: 1}, {Upper: math.Inf(1), Count: 1}},
			Exponential: []plait.ExponentialCount{{Index: 0, Count: 1}, {Index: 13, Count: 1}}},
	}
	got := r.increments()
	if diff := cmp.Diff(want, got["traces_spanmetrics_latency"]); diff != "" {
		t.Errorf("latencies (-want +got):\n%s", diff)
	}
	var calls []int64
	for _, inc := range got["traces_spanmetrics_calls_total"] {
		calls = append(calls, inc.Count)
	}
	if !slices.Equal(calls, []int64{1, 3}) {
		t.Errorf("calls are %v", calls)
	}
	for _, c := range g.calls {
		if c.latency.count != 1 {
			t.Errorf("the series of what comes in time counts %d spans", c.latency.count)
		}
	}
	if len(g.calls) != 1 || g.counts.past != 4 || g.counts.late != 0 {
		t.Errorf("%d series, %+v", len(g.calls), g.counts)
	}
}

func TestExemplarsOfLateSpansAreTheSlowestOfAMinuteAndBucket(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	g, _ := newGenerator(t, Config{Writer: r, Buckets: []float64{0.5, 2}})
	minute := start.Add(-2 * time.Hour).Truncate(time.Minute)
	for i, millis := range []int{700, 900, 800, 100, 600} {
		end := minute.Add(time.Duration(i+1) * 10 * time.Second)
		if i == 4 {
			end = end.Add(time.Minute)
		}
		g.ObserveSpans(spans(spec{trace: byte(i), id: 1, service: "a", name: "op", took: time.Duration(millis) * time.Millisecond, end: end}))
	}
	g.flushLate(t.Context())
	got := map[string][]byte{}
	for _, s := range r.take()["traces_spanmetrics_latency_bucket"] {
		if s.Labels.Get("arrival") != "late" || len(s.Samples) != 0 {
			t.Errorf("%v has %d samples", s.Labels, len(s.Samples))
		}
		for _, e := range s.Exemplars {
			got[s.Labels.Get("le")] = append(got[s.Labels.Get("le")], e.TraceID[15])
			if at := minute.Add(time.Duration(e.TraceID[15]+1) * 10 * time.Second); e.TraceID[15] < 4 && e.TimeNanos != at.UnixNano() || e.SpanID.IsZero() {
				t.Errorf("exemplar %+v", e)
			}
		}
	}
	if diff := cmp.Diff(map[string][]byte{"2.0": {1, 4}, "0.5": {3}}, got); diff != "" {
		t.Errorf("traces of exemplars (-want +got):\n%s", diff)
	}
}

// TestLateSpansMakeTheCallsOfTheTable is for late spans what TestSpansThatComeInMakeTheCallsOfTheTable is for others.
func TestLateSpansMakeTheCallsOfTheTable(t *testing.T) {
	t.Parallel()
	cases, err := callcases.All(start)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		r := &recorder{}
		g, clock := newGenerator(t, Config{Writer: r})
		clock.advance(c.At.Sub(start) + 48*time.Hour)
		for i := range c.Spans {
			g.ObserveSpans(c.Spans[len(c.Spans)-1-i:][:1])
		}
		g.endLate(clock.Now())
		g.flushLate(t.Context())
		got := callcases.Edges{}
		for name, all := range r.increments() {
			for _, inc := range all {
				key := spanmetrics.Edge{Client: inc.Labels.Get("client"), Server: inc.Labels.Get("server")}
				for ; key.ConnectionType.String() != inc.Labels.Get("connection_type") && key.ConnectionType < 10; key.ConnectionType++ {
				}
				n := got[key]
				switch name {
				case "traces_service_graph_request_total":
					n.Calls += int(inc.Count)
				case "traces_service_graph_request_failed_total":
					n.Failed += int(inc.Count)
				default:
					continue
				}
				got[key] = n
			}
		}
		want := c.Metrics
		if c.Name == "a message that was taken hours later" {
			want = c.Edges // the first side is too late for the other where that is not
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Name, diff)
		}
		if len(g.edges) != 0 {
			t.Errorf("%s: %d edges of what came in time", c.Name, len(g.edges))
		}
	}
}

// moved is a span at another time.
func moved(s plait.Span, by time.Duration) plait.Span {
	s.StartNanos, s.EndNanos = s.StartNanos+by.Nanoseconds(), s.EndNanos+by.Nanoseconds()
	return s
}

func lateSpan(trace byte) []plait.Span {
	return spans(spec{trace: trace, id: 1, service: "a", name: "op", took: time.Second, end: time.Now().Add(-2 * time.Hour)})
}

func TestLateSpansThatWereNotWrittenAreWrittenUnderTheSameDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g, stop := run(t, Config{Writer: r})
		r.fail(errors.New("the answer was lost"))
		g.ObserveSpans(lateSpan(1))
		time.Sleep(15 * time.Second)
		synctest.Wait()
		unsure := g.unsent[0].metrics.Digest
		g.ObserveSpans(lateSpan(2))
		r.fail(nil)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if len(r.written) != 1 || r.written[0].Digest != unsure || unsure == (plait.Digest{}) {
			t.Errorf("%d writes, of which the first has another digest", len(r.written))
		}
		stop()
		if len(r.written) != 2 || r.written[1].Digest == unsure {
			t.Fatalf("%d writes, or what came later has the digest of what came before", len(r.written))
		}
		count := int64(0)
		for _, inc := range r.increments()["traces_spanmetrics_calls_total"] {
			count += inc.Count
		}
		if count != 2 {
			t.Errorf("%d spans were counted", count)
		}
	})
}

func TestManyLateSpansAreWrittenBeforeTheIntervalIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g, stop := run(t, Config{Writer: r})
		defer stop()
		one := lateSpan(1)
		for i := range manyLate {
			one[0] = moved(one[0], -plait.IncrementStep*time.Duration(i%2))
			g.ObserveSpans(one)
		}
		synctest.Wait()
		if len(r.increments()) == 0 {
			t.Error("nothing is written")
		}
	})
}

// TestLateSpansBeyondWhatIsWrittenAreCounted has a Writer that cannot write, and spans that each need an increment of their own.
func TestLateSpansBeyondWhatIsWrittenAreCounted(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{Writer: &recorder{err: plait.ErrUnavailable}})
	one := spans(spec{trace: 1, id: 1, service: "a", name: "op", took: time.Second, end: start.Add(-2 * time.Hour)})
	const all = maxLate
	for range all {
		one[0] = moved(one[0], -plait.IncrementStep)
		g.ObserveSpans(one)
	}
	if kept := g.past.late.kept(); kept < maxLate || kept > maxLate+10 {
		t.Errorf("%d increments and exemplars wait", kept)
	}
	if g.counts.late == 0 || g.counts.late+g.counts.past != all {
		t.Errorf("%d spans are counted and %d are not, of %d", g.counts.past, g.counts.late, all)
	}
}

func TestLateSpansInNoSeriesAreToldAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		told bool
	}{{nil, false}, {plait.ErrUnavailable, true}} {
		var log bytes.Buffer
		g, clock := newGenerator(t, Config{Writer: &recorder{err: c.err}, AllLate: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		g.ObserveSpans(spans(spec{trace: 1, id: 1, service: "a", name: "op", took: time.Second, end: clock.Now()}))
		ended, end := context.WithCancel(t.Context())
		end()
		if err := g.Run(ended); err != nil {
			t.Error(err)
		}
		if told := strings.Contains(log.String(), "increments_not_written=2"); told != c.told {
			t.Errorf("after %v the log says:\n%s", c.err, log.String())
		}
	}
}

func TestLateSeriesThatAreRefusedKeepNoOthersFromBeingWritten(t *testing.T) {
	t.Parallel()
	r := &recorder{refused: "bad"}
	g, _ := newGenerator(t, Config{Writer: r})
	for i := range 1000 { // more than one write
		g.ObserveSpans(spans(spec{trace: 1, id: 1, service: "a", name: fmt.Sprint("op ", i), took: time.Second, end: start.Add(-2 * time.Hour)}))
	}
	g.ObserveSpans(spans(spec{trace: 1, id: 1, service: "a", name: "bad", took: time.Second, end: start.Add(-2 * time.Hour)}))
	g.flushLate(t.Context())
	written := len(r.increments()["traces_spanmetrics_calls_total"])
	if written != 1000 || g.counts.failures != 2 /* calls and latency */ || len(g.unsent) != 0 {
		t.Errorf("%d series are written, %d failures", written, g.counts.failures)
	}
}

func TestAnImportCountsEverySpanAtItsOwnTime(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	g, _ := newGenerator(t, Config{Writer: r, AllLate: true})
	g.ObserveSpans(shop())
	g.flushLate(t.Context())
	if n := len(r.increments()["traces_spanmetrics_calls_total"]); n != len(shop())-1 || len(g.calls) != 0 { // two failed and two unfailed spans differ
		t.Errorf("%d series are written, %d are counted as of now", n, len(g.calls))
	}
}

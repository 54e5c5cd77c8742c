package exemplars

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
)

// recorder is a Writer that remembers what it committed.
type recorder struct {
	mu      sync.Mutex
	err     error
	refused string // a span's name
	writes  int
	written []plait.Metrics
}

func (r *recorder) WriteMetrics(_ context.Context, m *plait.Metrics) (plait.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes++
	if r.err != nil {
		return plait.Receipt{}, r.err
	}
	for i := range m.Series {
		if r.refused != "" && m.Series[i].Labels.Get("span_name") == r.refused {
			return plait.Receipt{}, plait.ErrInvalid
		}
	}
	r.written = append(r.written, *m)
	return plait.Receipt{}, nil
}

func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// take returns what was committed since the last call, by metric name.
func (r *recorder) take() map[string][]plait.SeriesData {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string][]plait.SeriesData{}
	for _, m := range r.written {
		for _, s := range m.Series {
			out[s.Labels.Get("__name__")] = append(out[s.Labels.Get("__name__")], s)
		}
	}
	r.written = nil
	return out
}

// values are the values of a series' samples.
func values(s plait.SeriesData) (v []float64) {
	for _, sample := range s.Samples {
		v = append(v, sample.Value)
	}
	return v
}

func exemplarsOf(series []plait.SeriesData) (n int) {
	for _, s := range series {
		n += len(s.Exemplars)
	}
	return n
}

// run starts a generator in a synctest bubble and returns what stops it.
func run(t *testing.T, c Config) (g *Generator, stop func()) {
	t.Helper()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- g.Run(ctx) }()
	return g, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func nowSpan(trace byte) []plait.Span {
	return spans(spec{trace: trace, id: 1, service: "a", name: "op", took: time.Second, end: time.Now()})
}

func TestSeriesAreWrittenFromZeroAndExemplarsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g, stop := run(t, Config{Writer: r, Labels: plait.Labels{{Name: "instance", Value: "one"}}})
		defer stop()
		g.ObserveSpans(nowSpan(1))
		time.Sleep(15 * time.Second)
		synctest.Wait()
		first := r.take()
		calls := first["traces_spanmetrics_calls_total"]
		if len(calls) != 1 || !slices.Equal(values(calls[0]), []float64{0, 1}) {
			t.Errorf("first write: %+v", calls)
		}
		want := plait.Labels{
			{Name: "__name__", Value: "traces_spanmetrics_calls_total"}, {Name: "instance", Value: "one"}, {Name: "service", Value: "a"},
			{Name: "span_kind", Value: "SPAN_KIND_UNSPECIFIED"}, {Name: "span_name", Value: "op"}, {Name: "status_code", Value: "STATUS_CODE_UNSET"},
		}
		if !slices.Equal(calls[0].Labels, want) {
			t.Errorf("labels %v", calls[0].Labels)
		}
		if n := exemplarsOf(first["traces_spanmetrics_latency_bucket"]); n != 1 {
			t.Errorf("%d exemplars in the first write", n)
		}
		g.ObserveSpans(nowSpan(1)) // as slow as the exemplar, which stays
		time.Sleep(15 * time.Second)
		synctest.Wait()
		second := r.take()
		if calls := second["traces_spanmetrics_calls_total"]; len(calls) != 1 || !slices.Equal(values(calls[0]), []float64{2}) {
			t.Errorf("second write: %+v", calls)
		}
		if n := exemplarsOf(second["traces_spanmetrics_latency_bucket"]); n != 0 {
			t.Errorf("%d exemplars in the second write", n)
		}
	})
}

func TestNativeHistogramsAreWrittenToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g, stop := run(t, Config{Writer: r})
		defer stop()
		g.ObserveSpans(nowSpan(1))
		time.Sleep(15 * time.Second)
		synctest.Wait()
		native := r.take()["traces_spanmetrics_latency"]
		if len(native) != 1 || len(native[0].Histograms) != 2 {
			t.Fatalf("got %+v", native)
		}
		var h writev2.Histogram
		if err := h.Unmarshal(native[0].Histograms[1].Encoded); err != nil {
			t.Fatal(err)
		}
		if h.GetCountInt() != 1 || h.Sum != 1 || h.Schema != nativeSchema || !slices.Equal(h.PositiveDeltas, []int64{1}) {
			t.Errorf("got %+v", h)
		}
	})
}

func TestSeriesAreWrittenAtEveryIntervalForAsLongAsTheyLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		began := time.Now()
		g, stop := run(t, Config{Writer: r, Idle: time.Minute})
		defer stop()
		time.Sleep(20 * time.Second)
		g.ObserveSpans(nowSpan(1))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		var seconds, values []float64
		for _, s := range r.take()["traces_spanmetrics_calls_total"] {
			for _, sample := range s.Samples {
				seconds, values = append(seconds, float64(sample.TimeMillis-began.UnixMilli())/1000), append(values, sample.Value)
			}
		}
		// The zero stands an interval before the first span.
		if want := []float64{5, 30, 45, 60, 75}; !slices.Equal(seconds, want) {
			t.Errorf("written after %v seconds, want %v", seconds, want)
		}
		if want := []float64{0, 1, 1, 1, 1}; !slices.Equal(values, want) {
			t.Errorf("written %v, want %v", values, want)
		}
	})
}

func TestTheZeroOfASeriesIsNotBeforeItsGenerator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		began := time.Now()
		g, stop := run(t, Config{Writer: r})
		defer stop()
		time.Sleep(time.Second)
		g.ObserveSpans(nowSpan(1))
		time.Sleep(15 * time.Second)
		synctest.Wait()
		for _, s := range r.take()["traces_spanmetrics_calls_total"] {
			if first := s.Samples[0]; first.TimeMillis != began.UnixMilli() || first.StartMillis != began.UnixMilli() {
				t.Errorf("the first sample is of %d, the generator of %d", first.TimeMillis, began.UnixMilli())
			}
		}
	})
}

// TestOneBadSeriesKeepsNoOthersFromBeingWritten has a Writer that refuses what holds a name.
func TestOneBadSeriesKeepsNoOthersFromBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{refused: "bad"}
		g, stop := run(t, Config{Writer: r})
		defer stop()
		for i := range 1000 { // more than one write
			g.ObserveSpans(spans(spec{trace: 1, id: 1, service: "a", name: fmt.Sprint("op ", i), took: time.Second, end: time.Now()}))
		}
		g.ObserveSpans(spans(spec{trace: 1, id: 1, service: "a", name: "bad", took: time.Second, end: time.Now()}))
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if n := len(r.take()["traces_spanmetrics_calls_total"]); n != 1000 {
			t.Errorf("%d series are written, want 1000", n)
		}
		if r.writes < 4 || g.counts.failures != 1 {
			t.Errorf("%d writes, %d failures", r.writes, g.counts.failures)
		}
	})
}

func TestWhatWasNotWrittenIsWrittenAtTheNextInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g, stop := run(t, Config{Writer: r})
		defer stop()
		r.fail(errors.New("no database"))
		g.ObserveSpans(nowSpan(1))
		time.Sleep(15 * time.Second)
		synctest.Wait()
		r.fail(nil)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		got := r.take()
		if calls := got["traces_spanmetrics_calls_total"]; len(calls) != 1 || !slices.Equal(values(calls[0]), []float64{0, 1}) {
			t.Errorf("got %+v", calls)
		}
		if n := exemplarsOf(got["traces_spanmetrics_latency_bucket"]); n != 1 {
			t.Errorf("%d exemplars", n)
		}
		if g.counts.failures != 1 {
			t.Errorf("%d failures counted", g.counts.failures)
		}
	})
}

func TestTheLastSpansAreWrittenAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		g, stop := run(t, Config{Writer: r})
		time.Sleep(time.Second)
		g.ObserveSpans(nowSpan(1))
		stop()
		if calls := r.take()["traces_spanmetrics_calls_total"]; len(calls) != 1 {
			t.Errorf("got %+v", calls)
		}
	})
}

func TestIdleSeriesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, stop := run(t, Config{Idle: time.Minute})
		defer stop()
		g.ObserveSpans(nowSpan(1))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(g.calls)+len(g.names)+len(g.services) != 0 {
			t.Errorf("%d series, %d names", len(g.calls), len(g.names))
		}
	})
}

func TestBadSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{Buckets: []float64{2, 1}}, {MaxSeries: -1}, {Interval: -time.Second}} {
		if _, err := New(c); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

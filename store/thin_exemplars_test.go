package store_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// bucketOf are the labels of the series of whose bucket a trace is, of the two that there are.
func (trace *thinTrace) bucketOf() plait.Labels {
	le := "0.05"
	if trace.duration > 50*time.Millisecond {
		le = "+Inf"
	}
	return plait.Labels{{Name: "__name__", Value: "latency_bucket"}, {Name: "le", Value: le}}
}

// exemplar is that of a trace, at its end.
func (trace *thinTrace) exemplar(id plait.TraceID) plait.Exemplar {
	return plait.Exemplar{TimeNanos: trace.startNanos + int64(trace.duration), Value: trace.duration.Seconds(), TraceID: id, SpanID: plait.SpanID{1}}
}

// derive stores an exemplar of each trace, as Plait makes them from spans.
func (d *thinnedDay) derive() {
	d.t.Helper()
	m := plait.Metrics{Derived: true}
	for id, trace := range d.traces {
		m.Series = append(m.Series, plait.SeriesData{Labels: trace.bucketOf(), Exemplars: []plait.Exemplar{trace.exemplar(id)}})
	}
	if _, err := d.store.WriteMetrics(d.t.Context(), &m); err != nil {
		d.t.Fatal(err)
	}
}

// derived is how many such exemplars are stored.
func (d *thinnedDay) derived() int64 {
	d.t.Helper()
	return selectOne[int64](d.t, d.conn, `SELECT count(*) FROM plait_store.exemplar WHERE derived`)
}

// dangling is how many exemplars are stored without their trace.
func (d *thinnedDay) dangling() int64 {
	d.t.Helper()
	return selectOne[int64](d.t, d.conn, `
		SELECT count(*) FROM plait_store.exemplar e
		WHERE NOT EXISTS (SELECT FROM plait_store.trace_fragment f
		                  WHERE f.low_id = ('x' || substr(encode(uuid_send(e.trace_id), 'hex'), 17))::bit(64)::int8)`)
}

// served are the traces to which the exemplars lead that a store answers with, of a range.
func (d *thinnedDay) served(s *store.Store, r plait.TimeRange) map[plait.TraceID]bool {
	d.t.Helper()
	found, err := s.Exemplars(d.t.Context(), []plait.Matcher{{Name: "__name__", Op: plait.MatchEqual, Value: "latency_bucket"}}, r, 10_000)
	if err != nil {
		d.t.Fatal(err)
	}
	traces := map[plait.TraceID]bool{}
	for _, e := range found {
		traces[e.TraceID] = true
	}
	return traces
}

// justBeforeMidnight makes traces end on the next day.
func (d *thinnedDay) justBeforeMidnight(spans []plait.Span, _ *plait.LogRecord) {
	midnight := d.day.AddDate(0, 0, 1).UnixNano()
	spans[0].StartNanos, spans[0].EndNanos = midnight-10e6, midnight+10e6
	spans[1].StartNanos, spans[1].EndNanos = midnight-9e6, midnight-7e6
}

func TestDerivedExemplarsGoWithTheirTraces(t *testing.T) {
	t.Parallel()
	d := newThinnedDay(t, thinPolicy)
	d.writeAll()
	d.write(200, "", "GET /", d.justBeforeMidnight)
	d.derive()
	d.live(3)
	kept := d.kept()
	if n := d.dangling(); n != 0 {
		t.Errorf("%d exemplars have no trace", n)
	}
	if n := d.derived(); n != int64(len(kept)) {
		t.Errorf("%d derived exemplars, want one of each of the %d traces that are kept", n, len(kept))
	}
	type hour struct {
		le string
		at int64
	}
	slowest := map[hour]plait.TraceID{}
	rest := 0
	for id, trace := range d.traces {
		if trace.why != "" {
			if !kept[id] {
				t.Errorf("trace %s is gone, which is kept for: %s", id, trace.why)
			}
			continue
		}
		rest++
		e := trace.exemplar(id)
		of := hour{trace.bucketOf().Get("le"), e.TimeNanos / int64(time.Hour)}
		if other, ok := slowest[of]; !ok || trace.duration > d.traces[other].duration {
			slowest[of] = id
		}
	}
	midnight := d.day.AddDate(0, 0, 1)
	for of, id := range slowest {
		if at := time.Unix(0, of.at*int64(time.Hour)); at.Before(midnight) && !kept[id] && !d.slowerIsKept(id) {
			t.Errorf("the slowest trace of the bucket up to %s in the hour from %v is gone", of.le, at.UTC())
		}
	}
	byChance := 0
	for id := range kept {
		if d.traces[id].why == "" {
			byChance++
		}
	}
	if most := 0.1*float64(rest) + float64(len(slowest)) + 5*math.Sqrt(float64(rest)*0.1*0.9); float64(byChance) > most {
		t.Errorf("%d of %d traces are kept for nothing but their derived exemplars, or by chance, want %v at most", byChance, rest, most)
	}
}

// slowerIsKept says whether a slower trace of the same bucket and hour is kept for what it is: then that one has the exemplar.
func (d *thinnedDay) slowerIsKept(id plait.TraceID) bool {
	e, le := d.traces[id].exemplar(id), d.traces[id].bucketOf().Get("le")
	for other, trace := range d.traces {
		if of := trace.exemplar(other); trace.why != "" && trace.bucketOf().Get("le") == le && of.TimeNanos/int64(time.Hour) == e.TimeNanos/int64(time.Hour) && of.Value >= e.Value {
			return true
		}
	}
	return false
}

// TestAnExemplarThatComesAfterItsDayWasThinnedIsServedWithItsTrace asks two gateways, which both have seen all traces before one of them
// thins the day.
func TestAnExemplarThatComesAfterItsDayWasThinnedIsServedWithItsTrace(t *testing.T) {
	t.Parallel()
	d := newThinnedDay(t, thinPolicy)
	d.write(300, "", "GET /", nil)
	d.derive()
	whole := plait.TimeRange{From: d.day, To: d.day.AddDate(0, 0, 2)}
	other := storetest.Open(t, d.conn.Config().ConnString(), storetest.Now(d.clock.read), func(c *store.Config) { c.Thin = thinPolicy })
	seen := d.served(d.store, whole)
	if len(seen) < 200 || len(d.served(other, whole)) != len(seen) {
		t.Fatalf("%d traces with exemplars before, want most of 300", len(seen))
	}
	d.live(3)
	kept := d.kept()
	for _, derived := range []bool{false, true} {
		m := plait.Metrics{Derived: derived}
		for id, trace := range d.traces {
			m.Series = append(m.Series, plait.SeriesData{Labels: trace.bucketOf(), Exemplars: []plait.Exemplar{trace.exemplar(id)}})
		}
		if _, err := d.store.WriteMetrics(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
	}
	for name, s := range map[string]*store.Store{"that thinned": d.store, "beside it": other} {
		served := d.served(s, whole)
		if len(served) == 0 {
			t.Errorf("the gateway %s serves no exemplars", name)
		}
		for id := range served {
			if !kept[id] {
				t.Errorf("the gateway %s serves an exemplar of %s, which is gone", name, id)
			}
		}
	}
	days := selectOne[[]string](t, d.conn, `SELECT array_agg(DISTINCT tableoid::regclass::text ORDER BY tableoid::regclass::text) FROM plait_store.exemplar`)
	if want := []string{"plait_store.exemplar_20260301", "plait_store.exemplar_outside_20260304"}; !slices.Equal(days, want) {
		t.Errorf("exemplars lie in %v, want what came late in the partition of its arrival: %v", days, want)
	}
}

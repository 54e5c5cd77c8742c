package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// pinnedTrace writes a trace of one span and one log record, with an exemplar if pointed is set.
func pinnedTrace(t *testing.T, s *store.Store, id plait.TraceID, exemplar plait.TraceID, at time.Time) {
	t.Helper()
	resource, scope := &plait.Resource{}, &plait.Scope{}
	if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: []plait.Span{{
		TraceID: id, SpanID: plait.SpanID{1}, Name: "work", Resource: resource, Scope: scope,
		StartNanos: at.UnixNano(), EndNanos: at.UnixNano() + 1e9,
	}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteLogs(t.Context(), &plait.Logs{Records: []plait.LogRecord{{
		TraceID: id, SpanID: plait.SpanID{1}, Body: plait.StringValue("working"), Resource: resource, Scope: scope,
		TimeNanos: at.UnixNano(),
	}}}); err != nil {
		t.Fatal(err)
	}
	if exemplar.IsZero() {
		return
	}
	if _, err := s.WriteMetrics(t.Context(), &plait.Metrics{Series: []plait.SeriesData{{
		Labels:    plait.Labels{{Name: "__name__", Value: "latency_bucket"}},
		Samples:   []plait.Sample{{TimeMillis: at.UnixMilli(), Value: 1}},
		Exemplars: []plait.Exemplar{{TimeNanos: at.UnixNano(), Value: 1, TraceID: exemplar, SpanID: plait.SpanID{1}}},
	}}}); err != nil {
		t.Fatal(err)
	}
}

func exemplarTraces(t *testing.T, s *store.Store) []plait.TraceID {
	t.Helper()
	found, err := s.Exemplars(t.Context(), []plait.Matcher{{Name: "__name__", Op: plait.MatchEqual, Value: "latency_bucket"}}, plait.TimeRange{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var ids []plait.TraceID
	for _, e := range found {
		ids = append(ids, e.TraceID)
	}
	slices.SortFunc(ids, func(a, b plait.TraceID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

func TestEveryServedExemplarOpensItsTraceForAsLongAsItIsKept(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s := storetest.Open(t, url, storetest.Now(c.read), func(config *store.Config) {
		config.RetentionTraces, config.RetentionLogs, config.RetentionMetrics = 2*24*time.Hour, 2*24*time.Hour, 12*24*time.Hour
	})
	pointed, forgotten := plait.TraceID{1, 15: 1}, plait.TraceID{2, 15: 2}
	whole, half := plait.TraceID{3, 15: 3}, plait.TraceID{15: 3}
	pinnedTrace(t, s, pointed, pointed, c.read())
	pinnedTrace(t, s, forgotten, plait.TraceID{}, c.read())
	pinnedTrace(t, s, whole, half, c.read())
	for days := range 16 {
		liveUntil(t, s, c, time.Date(2026, 3, 1+days, 12, 0, 0, 0, time.UTC))
		served := exemplarTraces(t, s)
		if want := days <= 12; (len(served) == 2) != want {
			t.Errorf("after %d days %d exemplars are served", days, len(served))
		}
		for _, id := range served {
			trace, err := s.Trace(t.Context(), id, 10)
			if err != nil || len(trace.Spans) != 1 || trace.Spans[0].Name != "work" {
				t.Errorf("after %d days trace %s is %+v, %v", days, id, trace, err)
			}
			logs, _, err := s.TraceLogs(t.Context(), id, 10)
			if err != nil || len(logs) != 1 {
				t.Errorf("after %d days trace %s has %d log records, %v", days, id, len(logs), err)
			}
		}
		if _, err := s.Trace(t.Context(), forgotten, 10); (err == nil) != (days <= 2) {
			t.Errorf("after %d days a trace without exemplars: %v", days, err)
		}
	}
	if _, err := s.Trace(t.Context(), pointed, 10); err == nil {
		t.Error("a trace outlived its exemplar by more than the retention of traces")
	}
}

func TestExemplarsOfTracesThatAreTooManyToKeepGoWithThem(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s := storetest.Open(t, url, storetest.Now(c.read), func(config *store.Config) {
		config.RetentionTraces, config.RetentionLogs, config.RetentionMetrics = 24*time.Hour, 24*time.Hour, 12*24*time.Hour
	})
	s.SetMaxPinned(2)
	for i := range byte(4) {
		id := plait.TraceID{1, 15: i}
		pinnedTrace(t, s, id, id, c.read().Add(time.Duration(i)*time.Minute))
	}
	liveUntil(t, s, c, c.read().Add(3*24*time.Hour))
	served := exemplarTraces(t, s)
	if want := []plait.TraceID{{1, 15: 2}, {1, 15: 3}}; !slices.Equal(served, want) {
		t.Errorf("served %v, want the newest two", served)
	}
	for _, id := range served {
		if _, err := s.Trace(t.Context(), id, 10); err != nil {
			t.Error(err)
		}
	}
}

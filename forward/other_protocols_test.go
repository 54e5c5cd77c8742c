package forward

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest/shop"
)

// essentials are what every protocol has of log records, in order.
func essentials(t *testing.T, s *store.Store) (all []string) {
	t.Helper()
	q := query.Logs{Range: plait.TimeRange{From: time.Now().Add(-48 * time.Hour), To: time.Now().Add(time.Hour)}, Page: query.Page{Limit: 5000}}
	list, next, err := s.Logs(t.Context(), q)
	if err != nil || next != "" {
		t.Fatalf("more than a page, or %v", err)
	}
	for i := range list {
		r := &list[i]
		all = append(all, fmt.Sprintln(r.TimeNanos, r.Resource.Service(), r.Severity, r.TraceID, r.SpanID, r.Body.Text()))
	}
	slices.Sort(all)
	return all
}

func TestLogRecordsArriveByLokiPush(t *testing.T) {
	t.Parallel()
	g, other := newGateway(t), newDoors(t)
	target := targetAt(t, "loki", "loki", newCutter(t, other.http, 2).listener.Addr().String())
	target.ExternalLabels = map[string]string{"origin": "plait"}
	target.BatchSize = 16 << 10
	g.start(target)
	var w written
	w.write(g, shop.NewGenerator(3, time.Now()), 8)
	g.settleAll()
	want, got := essentials(t, g.store), essentials(t, other.store)
	if diff := cmp.Diff(want, got); diff != "" || len(want) != len(w.logs) {
		t.Errorf("of %d (-want +got):\n%s", len(w.logs), diff)
	}
	list, _, err := other.store.Logs(t.Context(), query.Logs{Condition: query.LogAttribute("origin", "plait"),
		Range: plait.TimeRange{From: time.Now().Add(-48 * time.Hour), To: time.Now().Add(time.Hour)}, Page: query.Page{Limit: 5000}})
	if err != nil || len(list) != len(w.logs) {
		t.Errorf("%d of %d records have the target's own label: %v", len(list), len(w.logs), err)
	}
}

func TestSpansArriveByZipkin(t *testing.T) {
	t.Parallel()
	g, other := newGateway(t), newDoors(t)
	g.start(targetAt(t, "zipkin", "zipkin", newCutter(t, other.http, 2).listener.Addr().String()))
	var w written
	w.write(g, shop.NewGenerator(4, time.Now()), 8)
	g.settleAll()
	text := func(s *plait.Span) string {
		return fmt.Sprintln(s.TraceID, s.SpanID, s.ParentSpanID, s.Name, s.Kind, s.StartNanos/1000, s.Resource.Service(), s.Status == plait.StatusError)
	}
	ids := map[plait.TraceID][]string{}
	for i := range w.spans {
		s := &w.spans[i]
		ids[s.TraceID] = append(ids[s.TraceID], text(s))
	}
	for id, want := range ids {
		trace, err := other.store.Trace(t.Context(), id, 10_000)
		if err != nil {
			t.Fatalf("trace %s: %v", id, err)
		}
		var got []string
		for i := range trace.Spans {
			got = append(got, text(&trace.Spans[i]))
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("trace %s (-want +got):\n%s", id, diff)
		}
	}
}

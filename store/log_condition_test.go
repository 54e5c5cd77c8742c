package store_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/condition/conditiontest"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// logWorld is telemetry in a window of time and with traces of its own, and the conditions on it.
type logWorld struct {
	number uint32
	shift  int64 // from the time of conditiontest
	within plait.TimeRange
}

// conditiontest has everything happen within seconds of this time.
const drawnAt = 1_700_000_100_000_000_000

func newLogWorld(number uint32, now time.Time) *logWorld {
	from := now.Add(-48 * time.Hour).Add(time.Duration(number) * time.Minute)
	return &logWorld{number: number, shift: from.UnixNano() - drawnAt, within: plait.TimeRange{From: from.Add(-10 * time.Second), To: from.Add(10 * time.Second)}}
}

// trace gives a trace an id of this world, whose lower half is no other's.
func (w *logWorld) trace(id plait.TraceID) plait.TraceID {
	if !id.IsZero() {
		binary.BigEndian.PutUint32(id[8:], w.number+1)
	}
	return id
}

func halfOf(id plait.TraceID) plait.TraceID {
	clear(id[:8])
	return id
}

// draw makes what one commit brings. Some records have half the id of their trace.
func (w *logWorld) draw(t *rapid.T) conditiontest.Telemetry {
	sent := conditiontest.Draw(t, 2, 24)
	for i := range sent.Spans {
		s := &sent.Spans[i]
		s.TraceID, s.StartNanos, s.EndNanos = w.trace(s.TraceID), s.StartNanos+w.shift, s.EndNanos+w.shift
		s.Links = nil
	}
	for i := range sent.Logs {
		r := &sent.Logs[i]
		r.TraceID, r.TimeNanos = w.trace(r.TraceID), r.TimeNanos+w.shift
		if r.ObservedNanos != 0 {
			r.ObservedNanos += w.shift
		}
		if !r.TraceID.IsZero() && rapid.IntRange(0, 3).Draw(t, "half id") == 0 {
			r.TraceID = halfOf(r.TraceID)
		}
	}
	return sent
}

// condition draws one about this world: as it is asked, and as it is compared, with all spellings of ids.
func (w *logWorld) condition(t *rapid.T) (asked, compared condition.Node) {
	asked = condition.Replace(conditiontest.OnLogs().Draw(t, "condition"), func(l condition.Leaf) condition.Node {
		switch l.Value.Type() {
		case condition.TypeTraceID:
			l.Value = condition.OfTrace(w.trace(l.Value.TraceID()))
		case condition.TypeTime:
			l.Value = condition.Time(l.Value.Int64() + w.shift)
		}
		return l
	})
	return asked, condition.Replace(asked, func(l condition.Leaf) condition.Node {
		if l.Field.Name != condition.LogTraceID || l.Value.Type() != condition.TypeTraceID {
			return l
		}
		return condition.Or{l, query.LogTrace(halfOf(l.Value.TraceID()))}
	})
}

// TestLogsAreThoseThatFit writes random log records in several commits and asks random conditions: the store answers
// what comparing all records would, in both orders, page by page, from heads and segments.
func TestLogsAreThoseThatFit(t *testing.T) {
	t.Parallel()
	for name, bounds := range dictionaryBounds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := storetest.URL(t)
			s := storetest.Open(t, url)
			s.BoundDictionaries(bounds)
			logsFit(t, s)
			if n := selectOne[int64](t, connect(t, url), `SELECT count(*) FROM plait_store.term_segment WHERE signal = 2`); n == 0 {
				t.Error("nothing was merged")
			}
		})
	}
}

func logsFit(t *testing.T, s *store.Store) {
	now, number := time.Now(), uint32(0)
	rapid.Check(t, func(t *rapid.T) {
		number++
		w := newLogWorld(number, now)
		sent := 0
		for range rapid.IntRange(1, 3).Draw(t, "commits") {
			batch := w.draw(t)
			sent += len(batch.Logs)
			if _, err := s.WriteLogs(t.Context(), &plait.Logs{Records: batch.Logs}); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "spans tell whole ids") {
				if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: batch.Spans}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if rapid.IntRange(0, 4).Draw(t, "merge") == 0 {
			if err := s.MergeTerms(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		all := pagesOfLogs(t, s, query.Logs{Range: w.within, Page: query.Page{Limit: 1000}})
		if len(all) != sent {
			t.Fatalf("%d records are stored, want %d", len(all), sent)
		}
		for range 8 {
			w.compare(t, s, all)
		}
	})
}

func (w *logWorld) compare(t *rapid.T, s *store.Store, all []plait.LogRecord) {
	asked, compared := w.condition(t)
	fits, err := condition.CompileLogs(compared)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for i := range all {
		if fits.Match(&all[i]) {
			want = append(want, all[i].ID)
		}
	}
	q := query.Logs{Condition: asked, Range: w.within, Page: query.Page{Limit: rapid.SampledFrom([]int{100, 1, 2, 5}).Draw(t, "limit")}}
	if q.Ascending = rapid.Bool().Draw(t, "ascending"); q.Ascending {
		slices.Reverse(want)
	}
	got := []string{}
	for _, r := range pagesOfLogs(t, s, q) {
		got = append(got, r.ID)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s, ascending %v, %d a page: got %d records %v, want %d %v of %d", asked, q.Ascending, q.Limit, len(got), got, len(want), want, len(all))
	}
}

// pagesOfLogs reads page after page.
func pagesOfLogs(t *rapid.T, s *store.Store, q query.Logs) []plait.LogRecord {
	return allPages(t, func(cursor string) ([]plait.LogRecord, string, error) {
		q.Cursor = cursor
		return s.Logs(t.Context(), q)
	})
}

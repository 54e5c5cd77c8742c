package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// unusualQuestions asks random questions about windows of some hours.
func unusualQuestions(r *rand.Rand, now time.Time, service string) query.Unusual {
	length := time.Duration(1+r.IntN(150)) * time.Minute
	from := now.Add(-length - time.Duration(r.Int64N(int64(time.Hour))))
	conditions := []condition.Node{
		nil,
		query.Service(service),
		query.Status(plait.StatusError),
		query.SpanAttribute("http.request.method", "GET"),
		condition.And{query.Service(service), query.Took(3*time.Millisecond, time.Minute)},
		query.Kind(plait.SpanKindServer),
	}
	q := query.Unusual{
		Condition:   conditions[r.IntN(len(conditions))],
		Range:       plait.TimeRange{From: from, To: from.Add(length)},
		Limit:       []int{1, 5, 20, 60}[r.IntN(4)],
		FailedFirst: r.IntN(3) == 0,
		OfEachTrace: r.IntN(2) == 0,
	}
	if r.IntN(3) == 0 {
		q.BestGrade = 2
		q.Grade = func(s *plait.Span) int { return 1 + int(s.SpanID[7]&1) }
	}
	return q
}

func TestSlowestSpansByCountsAndTermsAreThoseOfAllSpans(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	s := storetest.New(t)
	g := shop.NewGenerator(7, now)
	g.Window = 4 * time.Hour
	var service string
	for i := range 6 {
		traces := g.Traces(4000)
		service = traces.Spans[0].Resource.Service()
		writeSpans(t, s, traces.Spans...)
		if i == 3 {
			if err := s.MergeTerms(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := rand.New(rand.NewPCG(3, 5))
	for range 60 {
		q := unusualQuestions(r, now, service)
		among := q // all spans of the window, because any could be graded highest
		among.BestGrade = 0
		if among.Grade == nil {
			among.Grade = func(*plait.Span) int { return 1 }
		}
		got, want := unusualAnswer(t, s, q), unusualAnswer(t, s, among)
		if !slices.Equal(got, want) {
			t.Fatalf("%v of %v to %v, %d of them, failed first %v, of each trace %v, best grade %d:\n got %v\nwant %v",
				q.Condition, q.Range.From, q.Range.To, q.Limit, q.FailedFirst, q.OfEachTrace, q.BestGrade, got, want)
		}
	}
}

func unusualAnswer(t *testing.T, s *store.Store, q query.Unusual) (answer []string) {
	t.Helper()
	found, err := s.UnusualSpans(t.Context(), q)
	if err != nil || found.CutShort {
		t.Fatalf("cut short %v, error %v", found.CutShort, err)
	}
	for i := range found.Spans {
		u := &found.Spans[i]
		answer = append(answer, fmt.Sprintf("%s/%s of %d, %v over %v", u.TraceID, u.SpanID, u.Grade, u.ExcessNanos(), u.TypicalNanos))
	}
	return answer
}

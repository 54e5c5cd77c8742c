package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	questions "github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/storetest"
)

// unusualNames are the names of the spans found, in order.
func unusualNames(found plait.UnusualSpans) (names []string) {
	for i := range found.Spans {
		names = append(names, found.Spans[i].Name)
	}
	return names
}

func TestSpansAreFoundAmongMoreThanAPageOfOthers(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	spans := make([]plait.Span, 12_000)
	for i := range spans {
		one := span(traceNumber(2, uint64(i+1)), int64(i+1), 0, "web", "GET", now, time.Minute-time.Duration(i)*300*time.Microsecond, time.Duration(i+1))
		one.Kind = plait.SpanKindClient
		one.Attributes = plait.Attributes{strAttribute("peer.service", fmt.Sprintf("x%d", i))}
		spans[i] = one
	}
	writeSpans(t, s, spans...)
	for _, wanted := range []string{"x0", "x11999", "x6000"} {
		q := spanQuestion{AnyAttribute: []plait.Matcher{label("peer.service", "=~", wanted)}}
		for q.Order = questions.SlowestFirst; q.Order <= questions.NewestFirst; q.Order++ {
			got, err := s.Spans(t.Context(), q.spans(t))
			if err != nil || len(got) != 1 || got[0].Attributes[0].Value.Str() != wanted {
				t.Errorf("order %d: %d spans for %s, %v", q.Order, len(got), wanted, err)
			}
		}
	}
	same := slices.Clone(spans[:5000]) // of one microsecond
	for i := range same {
		same[i].TraceID, same[i].StartNanos = traceNumber(3, uint64(i+1)), now.Truncate(time.Second).UnixNano()
		same[i].EndNanos = same[i].StartNanos + 1
	}
	writeSpans(t, s, same...)
	got, err := s.Spans(t.Context(), spanQuestion{AnyAttribute: []plait.Matcher{label("peer.service", "=~", "x[0-9]+")}, Order: questions.NewestFirst, Limit: 9000}.spans(t))
	if err != nil || len(got) != 9000 {
		t.Errorf("%d spans, %v", len(got), err)
	}
}

func TestUnusualSpansAreRankedBeforeTheyAreCut(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now().Truncate(time.Second)
	number := uint64(0)
	write := func(service, name string, start time.Time, d time.Duration) {
		number++
		one := span(traceNumber(4, number), int64(number), 0, service, name, start, 0, d)
		writeSpans(t, s, one)
	}
	window := plait.TimeRange{From: now.Add(-time.Minute), To: now}
	for i := range 3 {
		before := window.From.Add(-time.Hour + time.Duration(i)*time.Second)
		write("shop", "poll", before, 30*time.Second)
		write("shop", "GET /cart", before, 10*time.Millisecond)
	}
	var polls []plait.Span
	for i := range 1200 {
		polls = append(polls, span(traceNumber(5, uint64(i+1)), int64(i+1), 0, "shop", "poll", window.From.Add(time.Duration(i)*time.Millisecond), 0, 30*time.Second))
	}
	writeSpans(t, s, polls...)
	write("shop", "GET /cart", window.From.Add(30*time.Second), 5*time.Second)
	write("jobs", "nightly", window.From.Add(-30*time.Hour), 30*time.Hour+time.Second) // ends in the window
	write("jobs", "earlier", window.From.Add(-2*time.Hour), time.Hour)
	write("jobs", "after", window.To, time.Hour)
	for _, c := range []struct {
		matchers []plait.Matcher
		limit    int
		want     string
		typical  time.Duration
	}{
		{nil, 2, "nightly, GET /cart", 0},
		{[]plait.Matcher{label("service", "=", "shop")}, 1, "GET /cart", 10 * time.Millisecond},
		{[]plait.Matcher{label("span_name", "=", "poll")}, 1, "poll", 30 * time.Second},
		{[]plait.Matcher{label("service", "=", "jobs")}, 5, "nightly", 0},
	} {
		for _, compared := range []bool{false, true} { // by Postgres, and here
			q := unusualQuestion{spanQuestion: spanQuestion{Matchers: c.matchers, Range: window, Limit: c.limit}, OfEachTrace: true}
			if compared {
				q.Grade = func(*plait.Span) int { return 1 }
			}
			found, err := s.UnusualSpans(t.Context(), q.unusual(t))
			if err != nil || found.CutShort || strings.Join(unusualNames(found), ", ") != c.want || found.Spans[0].TypicalNanos != int64(c.typical) {
				t.Errorf("%v, compared here %v: %v, %v", c.matchers, compared, unusualNames(found), err)
			}
		}
	}
}

func TestUnusualSpansWithoutAPastAreComparedWithTheWindowWhereItHasMany(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now().Truncate(time.Second)
	var spans []plait.Span
	add := func(n int, name string, d time.Duration) {
		for range n {
			i := len(spans)
			spans = append(spans, span(traceNumber(6, uint64(i+1)), int64(i+1), 0, "shop", name, now, time.Minute-time.Duration(i)*time.Millisecond, d))
		}
	}
	add(30, "poll", 30*time.Second)
	add(30, "GET /cart", 10*time.Millisecond)
	add(1, "GET /cart", 5*time.Second)
	add(3, "rare", 2*time.Second)
	writeSpans(t, s, spans...)
	q := unusualQuestion{spanQuestion: spanQuestion{Range: plait.TimeRange{From: now.Add(-time.Hour), To: now.Add(time.Hour)}, Limit: 4}}
	found, err := s.UnusualSpans(t.Context(), q.unusual(t))
	if want := "GET /cart, rare, rare, rare"; err != nil || strings.Join(unusualNames(found), ", ") != want {
		t.Errorf("%v, %v, want %s", unusualNames(found), err, want)
	}
}

// TestManySpansWithoutAPastAreComparedByTheirCounts has more spans than are read to tell what is usual, and some whose names no
// dictionary holds, which are read.
func TestManySpansWithoutAPastAreComparedByTheirCounts(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now().Truncate(time.Second)
	var spans []plait.Span
	add := func(n int, name string, d time.Duration) {
		for range n {
			i := len(spans)
			spans = append(spans, span(traceNumber(6, uint64(i+1)), int64(i+1), 0, "shop", name, now, time.Minute-time.Duration(i)*time.Millisecond, d))
		}
	}
	long := strings.Repeat("x", 3000)
	add(1500, "poll", 30*time.Second)
	add(1500, "GET /cart", 10*time.Millisecond)
	add(1, "GET /cart", 5*time.Second)
	add(30, long, 3*time.Second)
	add(1, long, 9*time.Second)
	add(3, "rare", 2*time.Second)
	writeSpans(t, s, spans...)
	q := unusualQuestion{spanQuestion: spanQuestion{Range: plait.TimeRange{From: now.Add(-time.Hour), To: now.Add(time.Hour)}, Limit: 5}}
	found, err := s.UnusualSpans(t.Context(), q.unusual(t))
	if want := long + ", GET /cart, rare, rare, rare"; err != nil || strings.Join(unusualNames(found), ", ") != want {
		t.Fatalf("%v, %v", unusualNames(found), err)
	}
	if usual := found.Spans[0].TypicalNanos; usual != int64(3*time.Second) {
		t.Errorf("%d ns are usual for spans with names of their own", usual)
	}
	if usual := found.Spans[1].TypicalNanos; math.Abs(float64(usual-int64(10*time.Millisecond))) > 0.07e7 { // the middle of a bucket
		t.Errorf("%d ns are usual for the others", usual)
	}
}

func TestUnusualSpansByGradeFailureAndTrace(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	var spans []plait.Span
	for i, seconds := range []int{9, 8, 7, 6, 5} {
		one := span(traceNumber(7, uint64(i/2+1)), int64(i+1), 0, "shop", string(rune('a'+i)), now, time.Minute, time.Duration(seconds)*time.Second)
		if one.Name == "d" || one.Name == "e" {
			one.Status = plait.StatusError
		}
		spans = append(spans, one)
	}
	writeSpans(t, s, spans...)
	long := strings.Repeat("x", 3000) // a name that no dictionary holds
	one := span(traceNumber(8, 1), 1, 0, "shop", long, now, time.Minute, 4*time.Second)
	writeSpans(t, s, one)
	window := plait.TimeRange{From: now.Add(-time.Hour), To: now}
	grade := func(s *plait.Span) int { return strings.Index("cab", s.Name) + 1 } // b before a before c
	for _, c := range []struct {
		q    unusualQuestion
		want []string
	}{
		{unusualQuestion{}, []string{"a", "b", "c", "d", "e", long}},
		{unusualQuestion{spanQuestion: spanQuestion{Limit: 2}}, []string{"a", "b"}},
		{unusualQuestion{OfEachTrace: true}, []string{"a", "c", "e", long}},
		{unusualQuestion{FailedFirst: true}, []string{"d", "e", "a", "b", "c", long}},
		{unusualQuestion{FailedFirst: true, OfEachTrace: true}, []string{"d", "e", "a", long}},
		{unusualQuestion{Grade: grade}, []string{"b", "a", "c"}},
		{unusualQuestion{Grade: grade, BestGrade: 3}, []string{"b", "a", "c"}},
		{unusualQuestion{Grade: grade, BestGrade: 3, spanQuestion: spanQuestion{Limit: 1}}, []string{"b"}},
		{unusualQuestion{spanQuestion: spanQuestion{Min: 6 * time.Second, Max: 7 * time.Second}}, []string{"c", "d"}},
	} {
		c.q.Range = window
		found, err := s.UnusualSpans(t.Context(), c.q.unusual(t))
		if err != nil || !slices.Equal(unusualNames(found), c.want) {
			t.Errorf("%+v: %.9q, %v, want %.9q", c.q, unusualNames(found), err, c.want)
		}
	}
}

func TestATraceOfManySpansWithOneIDIsReadInLinearTimeAndHeedsItsCaller(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(9, 1)
	spans := make([]plait.Span, 10_000)
	for i := range spans {
		spans[i] = span(id, 1, 0, "shop", "same", now, time.Minute, time.Second)
		spans[i].Attributes = plait.Attributes{{Key: "n", Value: plait.IntValue(int64(i))}}
	}
	writeSpans(t, s, spans...)
	writeSpans(t, s, spans[:10]...) // sent again
	trace, err := s.Trace(t.Context(), id, 20_000)
	if err != nil || len(trace.Spans) != len(spans) {
		t.Fatalf("%d spans, %v", len(trace.Spans), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Trace(ended, id, 20_000); !errors.Is(err, context.Canceled) {
		t.Errorf("after its caller left: %v", err)
	}
}

func TestAnswersAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(10, 1)
	const size = 100_000
	var records []plait.LogRecord
	for i := range 300 {
		r := record(id, 1, "shop", fmt.Sprintf("%d ", i)+strings.Repeat("x", size), now, time.Hour-time.Duration(i)*time.Second)
		records = append(records, r)
	}
	writeLogs(t, s, records...)
	got, more, err := s.TraceLogs(t.Context(), id, 1000)
	if err != nil || !more || len(got) < 100 || len(got)*size > 17<<20 {
		t.Errorf("%d records of a trace, more %v, %v", len(got), more, err)
	}
	thousand := questions.Page{Limit: 1000}
	for _, q := range []questions.Logs{{Page: thousand}, {Condition: questions.LogTrace(id), Page: thousand}, {Ascending: true, Page: thousand}} {
		page, cursor, err := s.Logs(t.Context(), q)
		if err != nil || cursor == "" || len(page) < 100 || len(page)*size > 17<<20 {
			t.Errorf("%+v: %d records, cursor %q, %v", q, len(page), cursor, err)
		}
		if all := searchAllLogs(t, s, q); len(all) != len(records) {
			t.Errorf("%+v: %d records on all pages", q, len(all))
		}
	}
	// Answers that are built at the same time share what there is.
	memory := plait.NewAnswerMemory(4 << 20)
	first, release := memory.Begin(t.Context())
	if page, _, err := s.Logs(first, questions.Logs{Page: questions.Page{Limit: 1000}}); err != nil || len(page) < 40 || len(page)*size > 6<<20 {
		t.Errorf("the first of two answers has %d records, %v", len(page), err)
	}
	second, releaseSecond := memory.Begin(t.Context())
	defer releaseSecond()
	if page, cursor, err := s.Logs(second, questions.Logs{Page: questions.Page{Limit: 1000}}); err != nil || cursor == "" || len(page) < 8 || len(page)*size > 2<<20 {
		t.Errorf("the second has %d records, cursor %q, %v", len(page), cursor, err)
	}
	release()
	if page, _, err := s.Logs(second, questions.Logs{Page: questions.Page{Limit: 1000}}); err != nil || len(page) < 40 {
		t.Errorf("after the first was sent there are %d records, %v", len(page), err)
	}
}

func TestResourcesThatAnswersRepeatCount(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(11, 1)
	big := resourceOf("shop", strAttribute("note", strings.Repeat("x", 100_000)))
	var spans []plait.Span
	var records []plait.LogRecord
	for i := range 400 {
		one := span(id, int64(i+1), 0, "shop", "GET", now, time.Minute, time.Second)
		one.Resource = big
		r := record(id, int64(i+1), "shop", "hello", now, time.Minute-time.Duration(i))
		r.Resource = big
		spans, records = append(spans, one), append(records, r)
	}
	writeSpans(t, s, spans...)
	writeLogs(t, s, records...)
	trace, err := s.Trace(t.Context(), id, 1000)
	if err != nil || !trace.Truncated || len(trace.Spans) > 170 || len(trace.Spans) < 100 {
		t.Errorf("%d spans, truncated %v, %v", len(trace.Spans), trace.Truncated, err)
	}
	if got, more, err := s.TraceLogs(t.Context(), id, 1000); err != nil || !more || len(got) > 170 {
		t.Errorf("%d records, more %v, %v", len(got), more, err)
	}
	if all := searchAllLogs(t, s, questions.Logs{Page: questions.Page{Limit: 1000}}); len(all) != len(records) {
		t.Errorf("%d records on all pages", len(all))
	}
}

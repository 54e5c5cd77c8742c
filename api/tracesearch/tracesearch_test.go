package tracesearch

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/storetest"
)

var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func resource(service string) *plait.Resource {
	return &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(service)}}}
}

// traces are n traces of one span each, the first of which started last.
func traces(n int) *plait.Traces {
	out := &plait.Traces{}
	for i := range n {
		start := now.Add(-time.Duration(i+1) * time.Second).UnixNano()
		out.Spans = append(out.Spans, plait.Span{
			TraceID: plait.TraceID{14: byte(i >> 8), 15: byte(i), 0: 1}, SpanID: plait.SpanID{7: 1}, Name: "op", StartNanos: start, EndNanos: start + 1, Resource: resource("a"), Scope: &plait.Scope{},
		})
	}
	return out
}

// pages is a reader whose searches find few traces a page, after some time.
type pages struct {
	Reader
	each   int
	total  int
	takes  time.Duration
	asked  int
	limits []int
	fails  bool // with the context
}

func (p *pages) Traces(ctx context.Context, q query.Traces) ([]plait.TraceSummary, string, error) {
	time.Sleep(p.takes) // in a bubble of synctest
	if p.fails && ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	p.limits = append(p.limits, q.Limit)
	var page []plait.TraceSummary
	for range min(p.each, q.Limit, p.total-p.asked) {
		p.asked++
		page = append(page, plait.TraceSummary{TraceID: plait.TraceID{14: byte(p.asked >> 8), 15: byte(p.asked)}})
	}
	if p.asked == p.total {
		return page, "", nil
	}
	return page, "more", nil
}

func TestASearchGoesOnUntilItHasEnough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reader  pages
		limit   int
		found   int
		pages   int
		stopped string
	}{
		{pages{each: 3, total: 20}, 10, 10, 4, ""},
		{pages{each: 3, total: 5}, 10, 5, 2, ""},
		{pages{each: 0, total: 5, takes: 9 * time.Second}, 10, 0, 3, "ended after 20s, when 0 of"},
		{pages{each: 1, total: 5, takes: 9 * time.Second}, 2, 2, 2, ""},
		{pages{each: 1, total: 5, takes: 9 * time.Second, fails: true}, 5, 2, 2, "ended after 20s, when 2 of"},
		{pages{each: 1, total: 3, takes: 9 * time.Second}, 5, 3, 3, ""},
		{pages{each: 1000, total: 4000}, 3000, MaxTraces, 2, "more than 1500 traces"},
		{pages{each: 1000, total: MaxTraces}, 3000, MaxTraces, 2, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			found, err := Search(t.Context(), &c.reader, &Question{Limit: c.limit})
			if err != nil || len(found.IDs) != c.found || len(c.reader.limits) != c.pages || (c.stopped == "") != (found.Stopped == "") || !strings.Contains(found.Stopped, c.stopped) {
				t.Errorf("%d of %d: found %d in %d pages, stopped %q (%v)", c.limit, c.reader.total, len(found.IDs), len(c.reader.limits), found.Stopped, err)
			}
		})
	}
}

func TestASearchLeavesTimeToReadWhatItFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		found, err := Search(ctx, &pages{each: 1, total: 9, takes: 4 * time.Second, fails: true}, &Question{Limit: 9})
		if err != nil || len(found.IDs) != 1 || !strings.Contains(found.Stopped, "ended after 6s, when 1 of") || ctx.Err() != nil {
			t.Errorf("found %d, stopped %q (%v)", len(found.IDs), found.Stopped, err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := Search(gone, &pages{each: 1, total: 9, fails: true}, &Question{Limit: 9}); !errors.Is(err, context.Canceled) {
			t.Errorf("who is gone is answered %v", err)
		}
	})
}

func TestTracesAreReadOneAfterAnotherInTheMemoryOfOne(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	written := traces(30)
	if _, err := s.WriteTraces(t.Context(), written); err != nil {
		t.Fatal(err)
	}
	found, err := Search(t.Context(), s, &Question{Services: []string{"a"}, Range: plait.TimeRange{From: now.Add(-time.Minute), To: now}, Limit: 25})
	if err != nil || len(found.IDs) != 25 {
		t.Fatalf("found %d (%v)", len(found.IDs), err)
	}
	ids := slices.Insert(found.IDs, 3, plait.TraceID{9: 9}) // one that retention removed meanwhile
	memory := plait.NewAnswerMemory(1 << 20)                // searches and readers take memory in steps of 64 KiB and more
	var read []plait.TraceID
	for trace, err := range Read(t.Context(), s, memory, 10, ids) {
		if err != nil || trace.Truncated {
			t.Fatalf("trace %d is cut: %v (%v)", len(read), trace, err)
		}
		read = append(read, trace.TraceID)
	}
	if !slices.Equal(read, found.IDs[:3]) && len(read) != 25 {
		t.Errorf("read %d traces", len(read))
	}
	half := plait.TraceID{}
	copy(half[8:], ids[0][8:])
	times := 0
	for trace, err := range Read(t.Context(), s, memory, 10, []plait.TraceID{half, ids[0], half, ids[0]}) {
		if times++; err != nil || trace.TraceID != ids[0] {
			t.Errorf("half an id reads %v (%v)", trace, err)
		}
	}
	if times != 1 {
		t.Errorf("a trace that is named four times is read %d times", times)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for trace, err := range Read(gone, s, memory, 10, ids) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("who is gone reads %v (%v)", trace, err)
		}
	}
}

func TestOfEachIDTheReadingIsTakenOfWhichSpansAreStored(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	written := traces(2)
	if _, err := s.WriteTraces(t.Context(), written); err != nil {
		t.Fatal(err)
	}
	a, b, none := written.Spans[0].TraceID, written.Spans[1].TraceID, plait.TraceID{9: 9}
	ids, missing, err := Choose(t.Context(), s, []ask.TraceID{{none, a}, {b}, {none}, {a}})
	if err != nil || !slices.Equal(ids, []plait.TraceID{a, b}) || len(missing) != 1 || missing[0][0] != none {
		t.Errorf("chosen %v, missing %v (%v)", ids, missing, err)
	}
	if ids, missing, err := Choose(t.Context(), s, nil); err != nil || len(ids) != 0 || len(missing) != 0 {
		t.Errorf("of none %v, %v (%v)", ids, missing, err)
	}
}

func TestTagsSayWhatSpansAreShownWith(t *testing.T) {
	t.Parallel()
	failed := plait.Span{
		Status: plait.StatusError, StatusMessage: "no stock", Kind: plait.SpanKindClient, Resource: resource("a"), Scope: &plait.Scope{Name: "lib", Version: "1"},
		Attributes: plait.Attributes{{Key: "n", Value: plait.IntValue(5)}, {Key: "quoted", Value: plait.StringValue(`"x"`)}, {Key: "map", Value: plait.MapValue(`{"k":1}`)}},
		Events:     []plait.Event{{Name: "exception", Attributes: plait.Attributes{{Key: "exception.type", Value: plait.StringValue("E")}}}},
	}
	said := plait.Span{Resource: resource("a"), Scope: &plait.Scope{}, Attributes: plait.Attributes{{Key: "error", Value: plait.BoolValue(true)}}}
	fine := plait.Span{Resource: resource("a"), Scope: &plait.Scope{}, Status: plait.StatusOK, Attributes: plait.Attributes{{Key: "error", Value: plait.BoolValue(false)}}}
	for _, c := range []struct {
		tag                Tag
		failed, said, fine bool
	}{
		{Tag{"error", "true"}, true, true, false}, {Tag{"error", "TRUE"}, true, true, false}, {Tag{"error", "false"}, false, false, true}, {Tag{"error", "no stock"}, true, false, false},
		{Tag{"span.kind", "client"}, true, false, false}, {Tag{"span.kind", "CLIENT"}, true, false, false}, {Tag{"span.kind", "unspecified"}, false, false, false},
		{Tag{"otel.status_code", "OK"}, false, false, true}, {Tag{"otel.status_code", "error"}, true, false, false}, {Tag{"otel.status_code", "x"}, false, false, false},
		{Tag{"otel.status_description", "no stock"}, true, false, false}, {Tag{"otel.scope.name", "lib"}, true, false, false}, {Tag{"otel.library.name", "lib"}, true, false, false},
		{Tag{"otel.library.version", "1"}, true, false, false}, {Tag{"event", "exception"}, true, false, false}, {Tag{"exception.type", "E"}, true, false, false},
		{Tag{"n", "5"}, true, false, false}, {Tag{"n", "5.0"}, true, false, false}, {Tag{"n", `"5"`}, false, false, false}, {Tag{"quoted", `"x"`}, true, false, false}, {Tag{"map.k", "1"}, true, false, false},
		{Tag{"service.name", "a"}, true, true, true},
	} {
		compiled, err := condition.CompileSpans((&Question{Tags: []Tag{c.tag}}).condition())
		if err != nil {
			t.Fatal(err)
		}
		for span, want := range map[*plait.Span]bool{&failed: c.failed, &said: c.said, &fine: c.fine} {
			if got := compiled.Match(&condition.SpanView{Span: span}); got != want {
				t.Errorf("%v fits the span with status %v: %v, want %v", c.tag, span.Status, got, want)
			}
		}
	}
}

func TestTimesAndDurationsOfQuestions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "24h0m0s until 0s",
		"endTs=1795255200000":               "24h0m0s until 0s",
		"endTs=1795255140000&lookback=1000": "1s until -1m0s",
		"endTs=now-1h&lookback=30m":         "30m0s until -1h0m0s",
		"endTs=NaN&lookback=NaN":            "24h0m0s until 0s",
		"lookback=0":                        "24h0m0s until 0s",
		"lookback=9000000000000":            "1752000h0m0s until 0s",
		"lookback=-1":                       "",
		"lookback=99999999999999999999":     "",
		"endTs=soon":                        "",
		"endTs=9999-01-01T00:00:00Z":        "",
	} {
		values, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ReadBack(values, now, 24*time.Hour)
		if want == "" {
			if !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%s is read as %v (%v)", text, r, err)
			}
			continue
		}
		to := r.To.Add(-time.Millisecond) // the end counts
		if got := to.Sub(r.From).String() + " until " + to.Sub(now).String(); err != nil || got != want {
			t.Errorf("%s is read as %s (%v), want %s", text, got, err, want)
		}
	}
}

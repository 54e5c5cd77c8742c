package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/storetest"
)

// fullSpan has a value in every field.
func fullSpan(now time.Time) plait.Span {
	return plait.Span{
		TraceID: traceNumber(0x5759e988bd862e3f, 0xe1be46a994272793), SpanID: spanNumber(-2), ParentSpanID: spanNumber(7),
		StartNanos: now.UnixNano()/1000*1000 + 123, EndNanos: now.UnixNano()/1000*1000 + 456_789,
		Resource: &plait.Resource{Attributes: slices.Concat(resourceOf("shop").Attributes, everyValue), DroppedAttributes: 3, SchemaURL: "https://resource"},
		Scope:    &plait.Scope{Name: "scope", Version: "1", Attributes: everyValue, DroppedAttributes: 4, SchemaURL: "https://scope"},
		Name:     "GET /", TraceState: "a=b", StatusMessage: "it broke", Attributes: everyValue,
		Events: []plait.Event{
			{TimeNanos: now.UnixNano(), Name: "exception", Attributes: everyValue, DroppedAttributes: 5},
			{TimeNanos: -1, Name: ""},
		},
		Links: []plait.Link{
			{TraceID: traceNumber(1, 2), SpanID: spanNumber(3), TraceState: "c=d", Attributes: everyValue, DroppedAttributes: 6, Flags: 0x301},
			{TraceID: traceNumber(0, 2), SpanID: spanNumber(4)},
		},
		Flags: 0xffffffff, DroppedAttributes: 7, DroppedEvents: 8, DroppedLinks: 9,
		Kind: plait.SpanKindConsumer, Status: plait.StatusError,
	}
}

func TestSpansReadBackInEveryField(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	old := fullSpan(time.Date(2023, 1, 29, 8, 58, 0, 7, time.UTC))
	old.TraceID = traceNumber(9, 9)
	backwards := fullSpan(now)
	backwards.TraceID, backwards.EndNanos = traceNumber(9, 10), backwards.StartNanos-5
	bare := plait.Span{TraceID: traceNumber(9, 11), SpanID: spanNumber(1), StartNanos: -1, EndNanos: -1,
		Resource: &plait.Resource{}, Scope: &plait.Scope{}}
	for _, want := range []plait.Span{fullSpan(now), old, backwards, bare} {
		writeSpans(t, s, want)
		got, err := s.Trace(t.Context(), want.TraceID, 100)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(&plait.Trace{TraceID: want.TraceID, Spans: []plait.Span{want}}, got, asStored); diff != "" {
			t.Errorf("span changed (-written +read):\n%s", diff)
		}
	}
}

func TestTraceIsInOrderOfStart(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(1, 1)
	writeSpans(t, s,
		span(id, 3, 1, "b", "late", now, time.Second, time.Millisecond),
		span(id, 2, 1, "b", "inner", now, time.Minute, time.Second))
	writeSpans(t, s, span(id, 1, 0, "a", "outer", now, time.Minute, time.Minute))
	trace, err := s.Trace(t.Context(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, span := range trace.Spans {
		names = append(names, span.Name)
	}
	if want := []string{"outer", "inner", "late"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func TestSpanSentTwiceIsThereOnceAndSharedSpanTwice(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(1, 1)
	client := span(id, 2, 1, "web", "GET", now, time.Second, time.Second)
	client.Kind, client.Attributes = plait.SpanKindClient, plait.Attributes{strAttribute("a", "1"), strAttribute("b", "2")}
	again := client
	again.Attributes = plait.Attributes{strAttribute("b", "2"), strAttribute("a", "1")}
	server := span(id, 2, 1, "shop", "GET", now, time.Second, time.Second)
	other := client
	other.Attributes = plait.Attributes{strAttribute("a", "1"), strAttribute("b", "3")}
	for _, span := range []plait.Span{client, server, again, server, other, client} {
		writeSpans(t, s, span)
	}
	trace, err := s.Trace(t.Context(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, span := range trace.Spans {
		b, _ := span.Attributes.Get("b")
		got = append(got, span.Kind.String()+b.Text())
	}
	slices.Sort(got)
	if want := []string{"client2", "client3", "server"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTraceIsCutAtTheLimit(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(1, 1)
	var spans []plait.Span
	for i := range int64(10) {
		spans = append(spans, span(id, i+1, 0, "a", "x", now, time.Minute, time.Second))
	}
	writeSpans(t, s, spans...)
	for _, tt := range []struct {
		limit, spans int
		truncated    bool
	}{{9, 9, true}, {10, 10, false}} {
		trace, err := s.Trace(t.Context(), id, tt.limit)
		if err != nil || len(trace.Spans) != tt.spans || trace.Truncated != tt.truncated {
			t.Errorf("limit %d: %d spans, truncated %v, %v", tt.limit, len(trace.Spans), trace.Truncated, err)
		}
	}
}

// A chain of three spans and the wide rest of a trace: what is shown of it.
func TestLargeTraceShowsRootsFailuresAndWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(1, 1)
	spans := []plait.Span{span(id, 1, 0, "batch", "root", now, time.Minute, time.Minute)}
	for i := range int64(40) {
		spans = append(spans, span(id, 10+i, 1, "batch", "row", now, time.Minute, time.Millisecond*time.Duration(i+1)))
	}
	spans = append(spans,
		span(id, 2, 1, "batch", "page", now, time.Second, time.Microsecond),
		span(id, 3, 2, "batch", "failed row", now, time.Second, time.Microsecond),
		span(id, 4, 9, "batch", "orphan", now, time.Second, time.Microsecond),
		span(id, 5, 6, "batch", "one of a ring", now, time.Second, time.Microsecond),
		span(id, 6, 5, "batch", "other of a ring", now, time.Second, time.Microsecond),
	)
	spans[42].Status = plait.StatusError
	writeSpans(t, s, spans...)

	for name, c := range map[string]struct {
		most  int
		first []plait.SpanID
		want  []int64
	}{
		"the root, the failed span with its parent, the longest": {6, nil, []int64{1, 2, 3, 47, 48, 49}},
		"first what is asked for, with its parent":               {6, []plait.SpanID{plait.SpanIDFromInt64(10)}, []int64{1, 2, 3, 10, 48, 49}},
		"what is asked for fills half":                           {4, []plait.SpanID{plait.SpanIDFromInt64(10), plait.SpanIDFromInt64(11), plait.SpanIDFromInt64(12)}, []int64{1, 2, 3, 10}},
		"an orphan without its parent":                           {6, []plait.SpanID{plait.SpanIDFromInt64(4)}, []int64{1, 2, 3, 4, 49}},
		"a ring":                                                 {8, []plait.SpanID{plait.SpanIDFromInt64(5)}, []int64{1, 2, 3, 5, 6, 47, 48, 49}},
		"a span that is not here":                                {6, []plait.SpanID{plait.SpanIDFromInt64(7777)}, []int64{1, 2, 3, 48, 49}},
	} {
		trace, err := s.Trace(t.Context(), id, c.most, c.first...)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for i := range trace.Spans {
			got = append(got, trace.Spans[i].SpanID.Int64())
		}
		slices.Sort(got)
		if !trace.Truncated || !slices.Equal(got, c.want) {
			t.Errorf("%s: spans %v, truncated %v; want %v", name, got, trace.Truncated, c.want)
		}
	}
}

// Whatever came first, and in how many commits: a trace is called by its longest root.
func TestTraceIsCalledByItsLongestRoot(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	longName := "SELECT " + strings.Repeat("x", 300) // too long for an operation of its own
	spans := func(id plait.TraceID, names ...string) []plait.Span {
		all := []plait.Span{
			span(id, 1, 0, "browser", "document load", now, time.Minute, time.Millisecond),
			span(id, 2, 0, "shop", "GET /checkout", now, time.Minute-time.Second, 3*time.Second),
			span(id, 3, 0, "worker", longName, now, time.Minute-2*time.Second, 2*time.Second),
			span(id, 4, 0, "shop", "never ended", now, time.Minute, 0),
		}
		all[3].EndNanos = 0
		return slices.DeleteFunc(all, func(s plait.Span) bool { return !slices.Contains(names, s.Name) })
	}
	for n, c := range []struct {
		commits [][]string
		want    string
	}{
		{[][]string{{"document load", "GET /checkout"}}, "shop GET /checkout"},
		{[][]string{{"document load"}, {"GET /checkout"}}, "shop GET /checkout"},
		{[][]string{{"GET /checkout"}, {"document load"}}, "shop GET /checkout"},
		{[][]string{{"GET /checkout"}, {longName}, {"document load", "never ended"}}, "shop GET /checkout"},
		{[][]string{{"document load"}, {longName}}, "worker " + longName},
		{[][]string{{longName, "document load"}}, "worker " + longName},
		{[][]string{{"never ended"}, {"document load"}}, "browser document load"},
	} {
		id := traceNumber(1, uint64(n+1))
		for _, names := range c.commits {
			writeSpans(t, s, spans(id, names...)...)
		}
		summaries, err := s.TraceSummaries(t.Context(), []plait.TraceID{id})
		if err != nil || len(summaries) != 1 {
			t.Fatalf("%d summaries, %v", len(summaries), err)
		}
		if got := summaries[0].RootService + " " + summaries[0].RootName; got != c.want {
			t.Errorf("commits %.60q: the trace is called %.60q, want %.60q", c.commits, got, c.want)
		}
		var inSQL string
		err = conn.QueryRow(t.Context(), `SELECT root_service || ' ' || root_name FROM plait.traces WHERE trace_id = $1`, id.String()).Scan(&inSQL)
		if err != nil || inSQL != c.want {
			t.Errorf("commits %.60q: the trace is called %.60q in SQL (%v), want %.60q", c.commits, inSQL, err, c.want)
		}
	}
}

func TestTraceThatIsNotStoredIsNotFound(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for _, id := range []plait.TraceID{traceNumber(1, 2), traceNumber(0, 2), {}} {
		if _, err := s.Trace(t.Context(), id, 10); !errors.Is(err, plait.ErrNotFound) {
			t.Errorf("trace %s: %v", id, err)
		}
	}
}

func TestSpansAndLogsOf64BitTracersBelongToTheFullTrace(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, full, short := time.Now(), traceNumber(0xaaaa, 0xbbbb), traceNumber(0, 0xbbbb)
	writeSpans(t, s, span(full, 1, 0, "web", "outer", now, time.Minute, time.Minute))
	writeSpans(t, s, span(short, 2, 1, "legacy", "inner", now, time.Minute, time.Second))
	writeSpans(t, s, span(traceNumber(0, 0xcccc), 3, 0, "legacy", "alone", now, time.Minute, time.Second))
	writeLogs(t, s, record(full, 1, "web", "one", now, time.Minute), record(short, 2, "legacy", "two", now, time.Second))
	for _, id := range []plait.TraceID{full, short} {
		trace, err := s.Trace(t.Context(), id, 10)
		if err != nil {
			t.Fatal(err)
		}
		if trace.TraceID != full || len(trace.Spans) != 2 || trace.Spans[1].TraceID != full {
			t.Errorf("trace %s read by %s has %d spans", trace.TraceID, id, len(trace.Spans))
		}
		logs, _, err := s.TraceLogs(t.Context(), id, 10)
		if err != nil || len(logs) != 2 || logs[1].TraceID != full {
			t.Errorf("logs read by %s: %v, %v", id, logs, err)
		}
		found, _, err := s.Logs(t.Context(), query.Logs{Condition: query.LogTrace(id)})
		if err != nil || len(found) != 2 {
			t.Errorf("logs searched by %s: %v, %v", id, found, err)
		}
	}
	ids := []plait.TraceID{full, short, traceNumber(0, 0xcccc), traceNumber(0, 0xdddd)}
	summaries, err := s.TraceSummaries(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	spans := make(map[plait.TraceID]int)
	for _, summary := range summaries {
		spans[summary.TraceID] = summary.SpanCount
	}
	if diff := gocmp.Diff(map[plait.TraceID]int{full: 2, short: 2, ids[2]: 1}, spans); diff != "" {
		t.Errorf("summaries (-want +got):\n%s", diff)
	}
	counts, err := s.LogCounts(t.Context(), ids)
	if diff := gocmp.Diff(map[plait.TraceID]map[string]int{full: {"INFO": 2}, short: {"INFO": 2}}, counts); diff != "" || err != nil {
		t.Errorf("log counts (-want +got):\n%s%v", diff, err)
	}
	found, _, err := s.Traces(t.Context(), traceQuestion{Service: "legacy"}.traces())
	if err != nil || len(found) != 2 || found[0].TraceID != ids[2] && found[1].TraceID != ids[2] {
		t.Errorf("traces of the legacy service: %v, %v", found, err)
	}
}

func TestSummaryAddsUpWhatSeveralCommitsBrought(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now().Truncate(time.Microsecond).Add(123), traceNumber(1, 1)
	late := span(id, 3, 1, "b", "late", now, time.Minute, 2*time.Minute)
	late.Status = plait.StatusError
	writeSpans(t, s, late)
	writeSpans(t, s, span(id, 1, 0, "a", "root", now, 2*time.Minute, time.Second), span(id, 2, 1, "c", "x", now, 90*time.Second, 0))
	got, err := s.TraceSummaries(t.Context(), []plait.TraceID{id, traceNumber(1, 2)})
	want := []plait.TraceSummary{{
		TraceID: id, RootService: "a", RootName: "root", StartNanos: now.Add(-2 * time.Minute).UnixNano(),
		DurationNanos: int64(3 * time.Minute), SpanCount: 3, ErrorCount: 1, Services: []string{"a", "b", "c"},
	}}
	if diff := gocmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, err)
	}
	if got, err := s.TraceSummaries(t.Context(), nil); got != nil || err != nil {
		t.Errorf("no ids: %v, %v", got, err)
	}
}

package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
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
		if err != nil || len(logs) != 2 || logs[1].TraceID != short {
			t.Errorf("logs read by %s: %v, %v", id, logs, err)
		}
		found, _, err := s.Logs(t.Context(), plait.LogQuery{TraceID: id})
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
	found, _, err := s.Traces(t.Context(), plait.TraceQuery{Service: "legacy"})
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

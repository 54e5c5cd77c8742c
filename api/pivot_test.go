package api

import (
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/wire/zipkin"
)

// noon is the time around which these tests' telemetry happens.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func resourceOf(service string) *plait.Resource {
	return &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(service)}}}
}

// shopSpan is a server span of a service, as the only one of trace n.
func shopSpan(service string, n byte, at, duration time.Duration) plait.Span {
	start := noon.Add(at).UnixNano()
	return plait.Span{
		TraceID: plait.TraceID{1, 15: n}, SpanID: plait.SpanID{7: n}, Name: "GET /buy", Kind: plait.SpanKindServer,
		Resource: resourceOf(service), Scope: &plait.Scope{}, StartNanos: start, EndNanos: start + int64(duration),
	}
}

func writeSpans(t testing.TB, s *store.Store, spans ...plait.Span) {
	t.Helper()
	if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: spans}); err != nil {
		t.Fatal(err)
	}
}

func writeSeries(t testing.TB, s *store.Store, series ...plait.SeriesData) {
	t.Helper()
	if _, err := s.WriteMetrics(t.Context(), &plait.Metrics{Series: series}); err != nil {
		t.Fatal(err)
	}
}

// seriesWith is a series with one sample at noon and exemplars of traces with values.
func seriesWith(labels plait.Labels, exemplars map[byte]float64) plait.SeriesData {
	d := plait.SeriesData{Labels: labels, Samples: []plait.Sample{{TimeMillis: noon.UnixMilli(), Value: 1}}}
	for n, value := range exemplars {
		d.Exemplars = append(d.Exemplars, plait.Exemplar{TimeNanos: noon.UnixNano() + int64(n), Value: value, TraceID: plait.TraceID{1, 15: n}, SpanID: plait.SpanID{7: n}})
	}
	return d
}

// tracesBehind asks for a metric around noon and names the traces by their last byte.
func tracesBehind(t testing.TB, g *gateway, query, more string) []string {
	t.Helper()
	around := fmt.Sprintf("&start=%d&end=%d", noon.Add(-time.Minute).Unix(), noon.Add(time.Minute).Unix())
	answer := answerOf[metricAnswer](t, g, root+"/pivot/metric?query="+url.QueryEscape(query)+around+more)
	var found []string
	for _, e := range answer.Exemplars {
		found = append(found, fmt.Sprintf("%d %s", e.TraceID[15], e.Match))
	}
	return found
}

func TestStoredExemplarsAnswerForTheirMetric(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	failed := shopSpan("cart", 3, 0, 5*time.Millisecond)
	failed.Status = plait.StatusError
	writeSpans(t, s, shopSpan("cart", 1, 0, 100*time.Millisecond), shopSpan("cart", 2, 0, 900*time.Millisecond), failed, shopSpan("cart", 5, 0, time.Second))
	bucket := func(le string) plait.Labels {
		return plait.Labels{{Name: "__name__", Value: "http_seconds_bucket"}, {Name: "job", Value: "cart"}, {Name: "le", Value: le}}
	}
	writeSeries(t, s,
		seriesWith(bucket("0.5"), map[byte]float64{1: 0.1, 3: 0.005}),
		seriesWith(bucket("+Inf"), map[byte]float64{2: 0.9, 4: 5}), // trace 4 is not stored
		seriesWith(plait.Labels{{Name: "__name__", Value: "sold_total"}, {Name: "job", Value: "cart"}}, map[byte]float64{1: 1, 2: 1, 3: 1}),
		seriesWith(plait.Labels{{Name: "__name__", Value: "cpu_usage"}, {Name: "job", Value: "cart"}}, nil),
	)
	g := start(t, s)
	for _, c := range []struct {
		query, more string
		want        []string
	}{
		{`histogram_quantile(0.9, rate(http_seconds_bucket[5m]))`, "", []string{"2 exemplar", "1 exemplar", "3 exemplar"}},
		{`rate(http_seconds_count{job="cart"}[5m])`, "", []string{"2 exemplar", "1 exemplar", "3 exemplar"}},
		{`http_seconds_bucket{le="0.5"}`, "", []string{"1 exemplar", "3 exemplar"}},
		{`http_seconds_bucket`, "&min=0.05&max=0.5", []string{"1 exemplar"}},
		{`http_seconds_bucket`, "&limit=1", []string{"2 exemplar"}},
		{`rate(sold_total[5m])`, "", []string{"3 exemplar", "2 exemplar", "1 exemplar"}},
		{`cpu_usage`, "&limit=2", []string{"5 inferred", "2 inferred"}},
		{`http_request_duration_seconds{service="cart"}`, "&min=0.95", []string{"5 inferred"}},
		{`http_request_duration_milliseconds{service="cart"}`, "&min=950", []string{"5 inferred"}},
	} {
		if diff := cmp.Diff(c.want, tracesBehind(t, g, c.query, c.more)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.query, c.more, diff)
		}
	}
}

func TestWhatIsAlwaysSlowDoesNotMakeASpike(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	for n := range byte(20) {
		writeSpans(t, s,
			shopSpan("nightly", 100+n, -30*time.Minute+time.Duration(n)*time.Second, 10*time.Second),
			shopSpan("cart", 130+n, -30*time.Minute+time.Duration(n)*time.Second, 10*time.Millisecond))
	}
	failed := shopSpan("nightly", 3, 0, time.Millisecond)
	failed.Status = plait.StatusError
	writeSpans(t, s, shopSpan("nightly", 1, 0, 10100*time.Millisecond), shopSpan("cart", 2, 0, 900*time.Millisecond), failed)
	g := start(t, s)
	if diff := cmp.Diff([]string{"2 exemplar", "1 exemplar", "3 exemplar"}, tracesBehind(t, g, "traces_spanmetrics_latency", "")); diff != "" {
		t.Errorf("latency (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"3 exemplar", "2 exemplar", "1 exemplar"}, tracesBehind(t, g, "rate(traces_spanmetrics_calls_total[1m])", "")); diff != "" {
		t.Errorf("calls, failures first (-want +got):\n%s", diff)
	}
}

// logOf is a record of a service in a trace.
func logOf(service string, id plait.TraceID, at time.Duration, body string) plait.LogRecord {
	return plait.LogRecord{
		TraceID: id, SpanID: plait.SpanID{7: 1}, TimeNanos: noon.Add(at).UnixNano(), Resource: resourceOf(service), Scope: &plait.Scope{}, Body: plait.StringValue(body),
	}
}

func writeLogs(t testing.TB, s *store.Store, records ...plait.LogRecord) {
	t.Helper()
	if _, err := s.WriteLogs(t.Context(), &plait.Logs{Records: records}); err != nil {
		t.Fatal(err)
	}
}

func TestATraceOfWhichOnlyLogsArrivedIsShown(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	id := plait.TraceID{9, 15: 9}
	writeLogs(t, s, logOf("shop", id, time.Second, "later"), logOf("cart", id, 0, "early"), logOf("shop", id, 2*time.Second, "last"))
	writeSeries(t, s, seriesWith(plait.Labels{{Name: "__name__", Value: "cpu_usage"}, {Name: "job", Value: "cart"}}, nil))
	g := start(t, s)
	got := answerOf[traceAnswer](t, g, root+"/pivot/trace/"+id.String())
	want := traceSummary{TraceID: id, Start: ask.Stamp(noon.UnixNano()), Services: []string{"cart", "shop"}, Incomplete: true, Links: g.links.trace(id)}
	if diff := cmp.Diff(want, got.Trace); diff != "" || len(got.Spans) != 0 || len(got.UnattachedLogs) != 3 {
		t.Errorf("the trace has %d spans and %d unattached logs, want 0 and 3 (-want +got):\n%s", len(got.Spans), len(got.UnattachedLogs), diff)
	}
	if log := answerOf[logAnswer](t, g, root+"/pivot/log?id="+got.UnattachedLogs[0].ID); log.Trace != nil || log.Span != nil {
		t.Errorf("the log leads to trace %v and span %v, of which nothing is stored", log.Trace, log.Span)
	}
	metrics := answerOf[traceMetricsAnswer](t, g, got.Trace.Links.Metrics).Metrics
	if len(metrics) != 1 || metrics[0].Metric != "cpu_usage" || metrics[0].Source != "stored" {
		t.Errorf("the trace leads to metrics %v, want cpu_usage of cart", metrics)
	}
}

func TestALongTraceIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	spans := []plait.Span{shopSpan("cart", 1, 0, time.Second)}
	for n := byte(2); n <= 9; n++ {
		child := shopSpan("cart", 1, time.Duration(n)*time.Millisecond, time.Millisecond)
		child.SpanID, child.ParentSpanID = plait.SpanID{7: n}, plait.SpanID{7: 1}
		spans = append(spans, child)
	}
	writeSpans(t, s, spans...)
	g := start(t, s, func(c *Config, _ *Deps) { c.MaxSpans = 4 })
	got := answerOf[traceAnswer](t, g, root+"/pivot/trace/"+spans[0].TraceID.String())
	if !got.Truncated || len(got.Spans) != 4 || got.Trace.SpanCount != 9 {
		t.Errorf("truncated %v, %d spans shown of %d, want true, 4 of 9", got.Truncated, len(got.Spans), got.Trace.SpanCount)
	}
}

func TestSpansOfASkewedClockAreShiftedAndKeepTheirTimes(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("../wire/zipkin/testdata/skew.json")
	if err != nil {
		t.Fatal(err)
	}
	b, err := zipkin.DecodeJSON(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := emptyStore(t)
	writeSpans(t, s, b.Spans...)
	g := start(t, s)
	got := answerOf[traceAnswer](t, g, root+"/pivot/trace/"+b.Spans[0].TraceID.String())
	shared, shifted := 0, 0
	for i, span := range got.Spans {
		if span.Shared {
			shared++
		}
		if (span.SkewNS != 0) != (span.RecordedStart != "") {
			t.Errorf("span %v is shifted by %d and was recorded at %q", span.SpanID, span.SkewNS, span.RecordedStart)
		}
		if span.SkewNS != 0 {
			shifted++
			if parent := got.Spans[i-1]; span.Start < parent.Start {
				t.Errorf("span %v starts at %s before its parent at %s", span.SpanID, span.Start, parent.Start)
			}
		}
	}
	if shared != 1 || shifted != 2 || len(got.DuplicateIDs) != 0 {
		t.Errorf("%d spans are shared and %d shifted, want 1 and 2, all of the instance; duplicates %v", shared, shifted, got.DuplicateIDs)
	}
	// The lower half finds a trace of 64 bits, and so does the padded id.
	low := fmt.Sprintf("%016x", b.Spans[0].TraceID.Low())
	if padded := answerOf[traceAnswer](t, g, root+"/pivot/trace/"+low); padded.Trace.TraceID != b.Spans[0].TraceID {
		t.Errorf("%s leads to trace %v", low, padded.Trace.TraceID)
	}
}

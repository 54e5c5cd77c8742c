package api

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate"
)

func TestRecordsThatArriveBetweenPagesShiftNothing(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	id := plait.TraceID{9, 15: 9}
	for n := range 6 { // two of them at the same time, and two that are the same in everything
		writeLogs(t, s, logOf("cart", id, time.Duration(n/2)*time.Second, fmt.Sprint(n%5)))
	}
	writeLogs(t, s, logOf("cart", id, 3*time.Second, "twin"), logOf("cart", id, 3*time.Second, "twin"), logOf("cart", id, 4*time.Second, "end"))
	g := start(t, s)
	path := root + "/pivot/trace/" + id.String() + "/logs"
	var want []string
	for _, l := range answerOf[logsAnswer](t, g, path).Logs {
		want = append(want, l.Time+string(l.Body))
	}
	var got []string
	for cursor, n := "", 0; n == 0 || cursor != ""; n++ {
		page := answerOf[logsAnswer](t, g, path+"?limit=1&cursor="+cursor)
		for _, l := range page.Logs {
			got = append(got, l.Time+string(l.Body))
		}
		cursor = page.NextCursor
		writeLogs(t, s, logOf("late", id, -time.Duration(n+1)*time.Second, "late"))
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 9 {
		t.Errorf("pages while records arrive hold %d records, want 9 (-want +got):\n%s", len(got), diff)
	}
}

func TestMetricsOfATraceComeInPages(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	slow := shopSpan("cart", 1, 0, time.Second)
	slow.Kind = plait.SpanKindInternal // so that it is no call
	writeSpans(t, s, slow)
	series := func(name string) plait.SeriesData {
		return seriesWith(plait.Labels{{Name: "__name__", Value: name}, {Name: "job", Value: "cart"}}, nil)
	}
	writeSeries(t, s, series("cpu_usage"), series("heap_bytes"), series("threads"))
	g := start(t, s)
	path := root + "/pivot/trace/" + slow.TraceID.String() + "/metrics"
	whole := answerOf[traceMetricsAnswer](t, g, path)
	var want []string
	for _, m := range whole.Metrics {
		want = append(want, m.Query)
	}
	if len(want) != 6 || whole.NextCursor != "" || whole.Truncated {
		t.Fatalf("the trace has metrics %q, truncated %v, next page %q, want 6 in one page", want, whole.Truncated, whole.NextCursor)
	}
	var got []string
	for cursor, n := "", 0; n == 0 || cursor != ""; n++ {
		page := answerOf[traceMetricsAnswer](t, g, path+"?limit=2&cursor="+cursor)
		for _, m := range page.Metrics {
			got = append(got, m.Query)
		}
		cursor = page.NextCursor
		writeSeries(t, s, series(fmt.Sprint("arrived_", 9-n))) // before those that were listed
	}
	if diff := cmp.Diff(append(want[:3:3], `arrived_9{job="cart"}`, want[3], want[4], want[5]), got); diff != "" {
		t.Errorf("pages while series arrive (-want +got):\n%s", diff)
	}
}

func TestAPlaceInAListIsFoundAgain(t *testing.T) {
	t.Parallel()
	list := func(queries string) (all []correlate.TraceMetric) {
		for _, q := range queries {
			all = append(all, correlate.TraceMetric{Query: string(q)})
		}
		return all
	}
	after := afterSeries{2, digestOf("b")}
	for queries, want := range map[string]string{
		"abcd": "cd", "ab": "", "xabcd": "cd", "bcd": "cd", "acdb": "", "acde": "de", "": "", "bbcd": "cd",
	} {
		got, next := after.page(list(queries), 9)
		if diff := cmp.Diff(list(want), got, cmp.Transformer("", func(m []correlate.TraceMetric) string { return fmt.Sprint(m) })); diff != "" || next != "" {
			t.Errorf("after b, in %s, comes %v and a next page %q, want %s", queries, got, next, want)
		}
	}
}

func TestACursorThatSkipsMoreThanPagesHoldIsRefused(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	id := plait.TraceID{9, 15: 9}
	for n := range 3 {
		writeLogs(t, s, logOf("cart", id, 0, fmt.Sprint(n)))
	}
	g := start(t, s)
	path := root + "/pivot/trace/" + id.String() + "/logs"
	first := answerOf[logsAnswer](t, g, path+"?limit=1")
	raw, err := base64.RawURLEncoding.DecodeString(first.NextCursor)
	if err != nil {
		t.Fatal(err)
	}
	for skip, want := range map[uint32]int{1: http.StatusOK, 50_000: http.StatusOK, 50_001: http.StatusBadRequest, 1<<32 - 1: http.StatusBadRequest} {
		binary.BigEndian.PutUint32(raw[len(raw)-4:], skip)
		resp, body := g.get(t, path+"?limit=1&cursor="+base64.RawURLEncoding.EncodeToString(raw))
		if resp.StatusCode != want {
			t.Errorf("a cursor that skips %d records is answered %d, want %d: %s", skip, resp.StatusCode, want, body)
		}
	}
}

package zipkin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/facetest"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

const shopTraceID = "4bf90000000000000000000000000036"

func TestAnswersOnTheShop(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	for name, path := range map[string]string{
		"services":        "/api/v2/services",
		"spans":           "/api/v2/spans?serviceName=payments",
		"remote_services": "/api/v2/remoteServices?serviceName=SHOP",
		"traces":          "/api/v2/traces?serviceName=cart&spanName=GET%20%2Fcart",
		"trace":           "/api/v2/trace/" + shopTraceID,
		"trace_many":      "/api/v2/traceMany?traceIds=" + shopTraceID + ",77," + shopTraceID,
		"dependencies":    "/api/v2/dependencies?endTs=1795255260000&lookback=86400000",
		"keys":            "/api/v2/autocompleteKeys",
		"values":          "/api/v2/autocompleteValues?key=span.kind",
		"values_of_key":   "/api/v2/autocompleteValues?key=host.name",
		"config":          "/config.json",
		"health":          "/health",
		"info":            "/info",
	} {
		t.Run(name, func(t *testing.T) {
			a := s.get(t, path)
			if a.Status != http.StatusOK || a.Kind() != "application/json" {
				t.Errorf("answered %d with %s", a.Status, a.Kind())
			}
			facetest.Golden(t, name, a.Body)
		})
	}
}

func TestASearchFindsTracesByWhatTheirSpansSay(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	for query, finds := range map[string]bool{
		"":                 true,
		"serviceName=shop": true,
		"serviceName=Shop&spanName=GET /CHECKOUT":                true,
		"serviceName=payments&spanName=pay":                      true,
		"serviceName=shop&spanName=pay":                          false,
		"spanName=Pay":                                           true,
		"serviceName=shop&remoteServiceName=cart":                true,
		"serviceName=shop&remoteServiceName=other":               false,
		"annotationQuery=error":                                  true,
		"serviceName=shop&annotationQuery=error and user.id=u1":  false, // one span does not say both
		"serviceName=cart&annotationQuery=error":                 false,
		"annotationQuery=error=no money":                         true,
		"annotationQuery=retry":                                  true,
		"annotationQuery=exception":                              true,
		"annotationQuery=http.path and user.id=u1":               true,
		"annotationQuery=http.status_code=402":                   true,
		"annotationQuery=http.status_code=403":                   false,
		"annotationQuery=host.name":                              true,
		"annotationQuery=nothing":                                false,
		"annotationQuery=otel.scope.name and otel.status_code":   true,
		"annotationQuery=span.kind=client":                       true,
		"serviceName=shop&minDuration=400000":                    true,
		"serviceName=shop&minDuration=400001":                    false,
		"serviceName=cart&minDuration=100000&maxDuration=170000": true,
		"serviceName=cart&maxDuration=150ms":                     false,
		"endTs=1795255200124":                                    true,
		"endTs=1795255200000&lookback=1000":                      false,
		"lookback=60000":                                         true,
		"lookback=30000":                                         false,
		"limit=1&unheard=of":                                     true,
		"serviceName=nobody":                                     false,
	} {
		escaped := strings.NewReplacer(" ", "%20").Replace(query)
		a := s.get(t, "/api/v2/traces?"+escaped)
		var traces [][]struct{ TraceID string }
		if err := json.Unmarshal(a.Body, &traces); err != nil || a.Status != http.StatusOK || traces == nil {
			t.Fatalf("%s is answered %d (%v): %s", query, a.Status, err, a.Body)
		}
		if got := len(traces) == 1 && len(traces[0]) == 4 && traces[0][0].TraceID == shopTraceID; got != finds || !finds && len(traces) != 0 {
			t.Errorf("%s finds %s, want %v", query, a.Body, finds)
		}
	}
}

func TestATraceIsFoundByEverySpelling(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	for _, id := range []string{shopTraceID, strings.ToUpper(shopTraceID), "00-" + shopTraceID + "-0000000000000001-01", shopTraceID + "-0000000000000001-1", "projects/p/traces/" + shopTraceID} {
		if a := s.get(t, "/api/v2/trace/"+id); a.Status != http.StatusOK {
			t.Errorf("%s is answered %d: %s", id, a.Status, a.Body)
		}
	}
}

func TestAnEmptyDatabaseIsAnsweredWithEmptyArrays(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t))
	for _, path := range []string{
		"/api/v2/services", "//api/v2/services", "/api/v2/spans?serviceName=a", "/api/v2/remoteServices?serviceName=a", "/api/v2/traces", "/api/v2/traces?serviceName=a&spanName=b",
		"/api/v2/traceMany?traceIds=1,2", "/api/v2/dependencies?endTs=1795255260000", "/api/v2/autocompleteValues?key=a",
	} {
		if a := s.get(t, path); a.Status != http.StatusOK || strings.TrimSpace(string(a.Body)) != "[]" {
			t.Errorf("%s is answered %d: %s", path, a.Status, a.Body)
		}
	}
}

func TestWhatIsNoQuestionIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t))
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/v2/spans", 400},
		{"GET", "/api/v2/spans?serviceName=", 400},
		{"GET", "/api/v2/remoteServices", 400},
		{"GET", "/api/v2/autocompleteValues", 400},
		{"GET", "/api/v2/traces?limit=x", 400},
		{"GET", "/api/v2/traces?limit=-1", 400},
		{"GET", "/api/v2/traces?minDuration=x", 400},
		{"GET", "/api/v2/traces?minDuration=-1", 400},
		{"GET", "/api/v2/traces?minDuration=9223372036854775807", 400},
		{"GET", "/api/v2/traces?minDuration=2&maxDuration=1", 400},
		{"GET", "/api/v2/traces?endTs=yesterday", 400},
		{"GET", "/api/v2/traces?lookback=x", 400},
		{"GET", "/api/v2/traces?annotationQuery=%3Dx", 400},
		{"GET", "/api/v2/traces?annotationQuery=" + strings.Repeat("a%20and%20", maxTerms+1), 400},
		{"GET", "/api/v2/traces?serviceName=a;b", 400},
		{"GET", "/api/v2/traceMany", 400},
		{"GET", "/api/v2/traceMany?traceIds=,", 400},
		{"GET", "/api/v2/traceMany?traceIds=xyz", 400},
		{"GET", "/api/v2/traceMany?traceIds=" + strings.Repeat("1,", 1501), 400},
		{"GET", "/api/v2/dependencies?endTs=x", 400},
		{"GET", "/api/v2/dependencies?lookback=-1", 400},
		{"GET", "/api/v2/trace/xyz", 400},
		{"GET", "/api/v2/trace/0", 400},
		{"GET", "/api/v2/trace/1", 404},
		{"GET", "/api/v2/trace/", 400},
		{"GET", "/api/v1/services", 404},
		{"GET", "/", 404},
		{"POST", "/api/v2/spans", 405},
		{"GET", "/api/v2/spans?serviceName=%00%ff", 200},
		{"GET", "/api/v2/traces?serviceName=%00%ff&spanName=%00&annotationQuery=%00=%00&remoteServiceName=%00", 200},
		{"GET", "/api/v2/traces?endTs=0&lookback=9223372036854", 200},
		{"GET", "/api/v2/traces?limit=1000000&lookback=9000000000000&endTs=NaN", 200},
		{"GET", "/api/v2/traces?serviceName=" + strings.Repeat("a", 20_000), 200},
		{"GET", "/api/v2/traces?annotationQuery=" + url.QueryEscape("a and  and b= and c=d=e"), 200},
	} {
		a := facetest.Ask(t.Context(), t, c.method, s.url+c.path)
		if a.Status != c.status || len(a.Body) == 0 {
			t.Errorf("%s %.80s is answered %d, want %d: %.200s", c.method, c.path, a.Status, c.status, a.Body)
		}
		names := strings.Contains(c.path, "/spans") || strings.Contains(c.path, "Services") || strings.Contains(c.path, "autocomplete")
		if c.status >= 400 && c.method == "GET" && names != (string(a.Body) == "[]\n" && a.Header.Get("Warning") != "") {
			t.Errorf("%s is answered %q with Warning %q", c.path, a.Body, a.Header.Get("Warning"))
		}
	}
}

func TestAFailureOfTheDatabaseIsToldWithItsStatus(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	st.Close()
	s := start(t, st, func(c *tracesearch.Config) { c.Ready = st.Ping })
	for _, path := range []string{"/api/v2/services", "/api/v2/traces?serviceName=a", "/api/v2/trace/" + shopTraceID, "/api/v2/traceMany?traceIds=1", "/api/v2/dependencies", "/health"} {
		if a := s.get(t, path); a.Status != http.StatusServiceUnavailable && a.Status != http.StatusInternalServerError {
			t.Errorf("%s is answered %d: %s", path, a.Status, a.Body)
		}
	}
}

// breaking is a store whose traces cannot be read from some read on.
type breaking struct {
	*store.Store
	reads *atomic.Int64 // that succeed yet
}

func (b breaking) Trace(ctx context.Context, id plait.TraceID, maxSpans int, first ...plait.SpanID) (*plait.Trace, error) {
	if b.reads.Add(-1) < 0 {
		return nil, fmt.Errorf("read trace %s: %w", id, plait.ErrUnavailable)
	}
	return b.Store.Trace(ctx, id, maxSpans, first...)
}

func TestAnAnswerThatFailsUnderWayIsNeverTakenForTheWhole(t *testing.T) {
	t.Parallel()
	st := shopStore(t)
	other := shopTrace(t)
	for i := range other.Spans {
		other.Spans[i].TraceID[0]++
	}
	if _, err := st.WriteTraces(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	reads := &atomic.Int64{}
	s := start(t, breaking{st, reads})
	for n, whole := range map[int64]bool{2: true, 1: false, 0: false} {
		reads.Store(n)
		resp, err := http.Get(s.url + "/api/v2/traces")
		if err != nil {
			if whole {
				t.Error(err)
			}
			continue // the connection broke before the answer began
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if (err == nil && resp.StatusCode == http.StatusOK) != whole {
			t.Errorf("after %d reads: %s %s (%v)", n, resp.Status, body, err)
		}
	}
}

func TestALargeTraceIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t), func(c *tracesearch.Config) { c.MaxSpans = 2 })
	a := s.get(t, "/api/v2/trace/"+shopTraceID)
	var spans []struct{}
	if err := json.Unmarshal(a.Body, &spans); err != nil || len(spans) != 2 || !strings.Contains(a.Header.Get("Warning"), "more spans than these 2") {
		t.Errorf("answered %s with Warning %q (%v)", a.Body, a.Header.Get("Warning"), err)
	}
}

func TestRemoteServicesAreDrawnOnceAMinute(t *testing.T) {
	t.Parallel()
	r := recentLinks{turn: make(chan struct{}, 1)}
	var drawn []plait.TimeRange
	ask := func(at time.Time, fails error) error {
		_, err := r.get(t.Context(), at, func(within plait.TimeRange) ([]tracesearch.Link, error) {
			drawn = append(drawn, within)
			return nil, fails
		})
		return err
	}
	for _, c := range []struct {
		at    time.Duration
		fails error
		drawn int
	}{{0, plait.ErrUnavailable, 1}, {0, nil, 2}, {59 * time.Second, nil, 2}, {time.Minute, nil, 3}, {0, nil, 4}} {
		if err := ask(now.Add(c.at), c.fails); !errors.Is(err, c.fails) || len(drawn) != c.drawn {
			t.Errorf("%v later: drawn %d times with %v, want %d", c.at, len(drawn), err, c.drawn)
		}
	}
	if last := drawn[len(drawn)-1]; !last.To.Equal(now) || last.To.Sub(last.From) != time.Hour {
		t.Errorf("drawn of %v", last)
	}
	r.turn <- struct{}{}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.get(gone, now, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone is answered %v", err)
	}
}

func TestWhoOpensATraceByItsIDIsNoted(t *testing.T) {
	t.Parallel()
	var opened []plait.TraceID
	s := start(t, shopStore(t), func(c *tracesearch.Config) { c.Opened = func(id plait.TraceID) { opened = append(opened, id) } })
	for path, want := range map[string]int{
		"/api/v2/trace/" + shopTraceID: 1, "/api/v2/trace/77": 0, "/api/v2/traces": 0, "/api/v2/traceMany?traceIds=" + shopTraceID + ",77": 0,
	} {
		opened = nil
		s.get(t, path)
		if len(opened) != want || want > 0 && opened[0] != shopTrace(t).Spans[0].TraceID {
			t.Errorf("%s is noted as opening %v, want %d", path, opened, want)
		}
	}
}

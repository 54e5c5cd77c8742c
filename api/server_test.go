package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/tracecontext"
)

// A trace of the excerpt, and a span of it.
var (
	knownTrace = plait.TraceID{0x17, 0xb4, 0x94, 0x73, 0x93, 0xb6, 0x8e, 0x5d, 0xf1, 0xfa, 0xc3, 0x9e, 0xfc, 0x57, 0xb3, 0xa5}
	knownSpan  = plait.SpanID{0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31}
)

func TestATraceIsFoundInEverySpelling(t *testing.T) {
	t.Parallel()
	g := start(t, excerptStore(t))
	whole := answerOf[logsAnswer](t, g, root+"/logs?limit=5000&trace_id="+knownTrace.String())
	if len(whole.Logs) == 0 {
		t.Fatal("the trace has no logs")
	}
	spellings := tracecontext.Spellings(tracecontext.Context{TraceID: knownTrace, SpanID: knownSpan, Sampled: tracecontext.Sampled})
	spellings = append(spellings, tracecontext.Spelling{Value: strings.ToUpper(knownTrace.String())}, tracecontext.Spelling{Value: "0x" + knownTrace.String()})
	asked := 0
	for _, s := range spellings {
		if c, err := tracecontext.Parse(s.Value); err != nil || c.TraceID.Low() != knownTrace.Low() {
			continue // the value alone is a span id or the upper half of an id
		}
		asked++
		for name, id := range map[string]string{"escaped": url.PathEscape(s.Value), "query-escaped": url.QueryEscape(s.Value)} {
			id = strings.ReplaceAll(id, "+", "%20")
			if got := answerOf[traceAnswer](t, g, root+"/pivot/trace/"+id); got.Trace.TraceID != knownTrace {
				t.Errorf("%s %s %s leads to trace %v", s.Ecosystem, name, s.Value, got.Trace.TraceID)
			}
			if got := answerOf[traceMetricsAnswer](t, g, root+"/pivot/trace/"+id+"/metrics"); len(got.Metrics) == 0 {
				t.Errorf("%s %s %s leads to no metrics", s.Ecosystem, name, s.Value)
			}
			if got := answerOf[logsAnswer](t, g, root+"/pivot/trace/"+id+"/logs"); len(got.Logs) != len(whole.Logs) {
				t.Errorf("%s %s %s leads to %d logs of the trace, want %d", s.Ecosystem, name, s.Value, len(got.Logs), len(whole.Logs))
			}
		}
		if got := answerOf[logsAnswer](t, g, root+"/logs?limit=5000&trace_id="+url.QueryEscape(s.Value)); len(got.Logs) != len(whole.Logs) {
			t.Errorf("%s %s finds %d logs, want %d", s.Ecosystem, s.Value, len(got.Logs), len(whole.Logs))
		}
	}
	if asked < 8 {
		t.Errorf("only %d spellings were asked for", asked)
	}
	// As Google Cloud writes it, with a slash and a semicolon that nobody escaped.
	if got := answerOf[logsAnswer](t, g, root+"/pivot/trace/"+knownTrace.String()+"/123;o=1/logs?limit=1"); len(got.Logs) != 1 {
		t.Errorf("an unescaped spelling leads to %d logs, want 1", len(got.Logs))
	}
}

func TestLogsOfATraceComeInPages(t *testing.T) {
	t.Parallel()
	g := start(t, excerptStore(t))
	path := root + "/pivot/trace/" + knownTrace.String() + "/logs?limit="
	whole := answerOf[logsAnswer](t, g, path+"1000")
	var paged []string
	for cursor := ""; ; {
		page := answerOf[logsAnswer](t, g, path+"3&cursor="+cursor)
		for _, l := range page.Logs {
			paged = append(paged, l.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	var want []string
	for i, l := range whole.Logs {
		want = append(want, l.ID)
		if i > 0 && l.Time < whole.Logs[i-1].Time {
			t.Errorf("log %d of %s comes after one of %s", i, l.Time, whole.Logs[i-1].Time)
		}
	}
	if len(want) < 4 || !slices.Equal(paged, want) {
		t.Errorf("pages hold %d records %v, want %d", len(paged), paged, len(want))
	}
	span := whole.Logs[0].SpanID
	for _, id := range []string{span, "0x" + strings.ToUpper(span)} {
		logs := answerOf[logsAnswer](t, g, path+"100&span_id="+id).Logs
		if len(logs) == 0 {
			t.Errorf("no logs of span %s", id)
		}
		for _, l := range logs {
			if l.SpanID != span {
				t.Errorf("logs of span %s have one of span %s", id, l.SpanID)
			}
		}
	}
}

func TestALogLeadsToItsTraceAndSpan(t *testing.T) {
	t.Parallel()
	g := start(t, excerptStore(t))
	line := answerOf[logsAnswer](t, g, root+"/logs?limit=1&trace_id="+knownTrace.String()).Logs[0]
	found := answerOf[logAnswer](t, g, root+"/pivot/log?lines=5&id="+url.QueryEscape(line.ID))
	if found.Log.ID != line.ID || found.Trace == nil || found.Trace.TraceID != knownTrace {
		t.Fatalf("the record's id leads to %s of trace %v", found.Log.ID, found.Trace)
	}
	if found.Span == nil || found.Span.SpanID.String() != line.SpanID || found.Path[len(found.Path)-1] != *found.Span {
		t.Errorf("the record's span is %v, want %s", found.Span, line.SpanID)
	}
	if len(found.Before) != 5 || found.Before[4].Time > line.Time || found.Before[4].Service != line.Service {
		t.Errorf("before the line come %d lines of %s", len(found.Before), line.Service)
	}
	again := answerOf[logAnswer](t, g, root+"/pivot/log?"+url.Values{"time": {line.Time}, "service": {line.Service}, "body": {"order"}}.Encode())
	if again.Log.Service != line.Service {
		t.Errorf("by its time a line of %s is found, want %s", again.Log.Service, line.Service)
	}
}

func TestFailuresAreProblems(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t))
	d := readDescription(t)
	unknown := strings.Repeat("ab", 16)
	for path, want := range map[string]int{
		"/nothing/here":                                                           404,
		root + "/pivot/trace/":                                                    404,
		root + "/pivot/trace/" + unknown:                                          404,
		root + "/pivot/trace/" + unknown + "/":                                    404,
		root + "/pivot/trace/" + unknown + "/nope":                                404,
		root + "/logs/":                                                           404,
		root + "/pivot/trace/" + unknown + "/logs":                                404,
		root + "/pivot/trace/" + unknown + "/metrics":                             404,
		root + "/pivot/trace/not-an-id":                                           400,
		root + "/pivot/trace/%zz":                                                 400,
		root + "/pivot/metric":                                                    400,
		root + "/pivot/metric?query=rate(":                                        400,
		root + "/pivot/metric?query=up&start=now&end=now-1h":                      400,
		root + "/pivot/metric?query=traces_spanmetrics_latency{service=~%22(%22}": 400,
		root + "/pivot/metric?query=up&limit=0":                                   400,
		root + "/pivot/metric?query=up&limit=201":                                 400,
		root + "/pivot/metric?query=up&min=low":                                   400,
		root + "/pivot/log":                                                       400,
		root + "/pivot/log?id=nonsense":                                           400,
		root + "/pivot/log?time=2026-01-01T00:00:00Z":                             404,
		root + "/logs?severity=loud":                                              400,
		root + "/logs?servce=x":                                                   400,
		root + "/traces?service=x&service=y":                                      400,
		root + "/logs?trace_id=zz":                                                400,
		root + "/logs?span_id=zz":                                                 400,
		root + "/logs?start=yesterday":                                            400,
		root + "/logs?cursor=%21":                                                 400,
		root + "/pivot/trace/" + unknown + "/logs?cursor=%21":                     400,
		root + "/traces?status=bad":                                               400,
		root + "/traces?kind=bad":                                                 400,
		root + "/traces?attr=bad":                                                 400,
		root + "/traces?min_duration=2s&max_duration=1s":                          400,
		root + "/pivot/metric?query=up&min=0.5&max=0.4":                           400,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = path // as it stands, well formed or not
		resp, body := do(t, req)
		if resp.StatusCode != want {
			t.Errorf("%s is answered %d %s, want %d", path, resp.StatusCode, body, want)
		}
		if strings.Contains(path, "%zz") {
			continue // net/http itself answers what is no URL
		}
		for _, wrong := range d.validate("", resp, body) {
			t.Errorf("%s: %s", path, wrong)
		}
	}
}

func TestOtherMethodsAreNotAllowed(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t))
	for _, path := range []string{root + "/logs", root + "/pivot/trace/" + knownTrace.String(), "/metrics"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, g.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, body := do(t, req); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Content-Type") != ask.ProblemType {
			t.Errorf("DELETE %s is answered %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestHeadIsAnsweredAsGetWithoutABody(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t))
	for _, path := range []string{
		"/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/openapi.yaml", "/nothing/here",
		root + "/logs", root + "/traces", root + "/logs?limit=0", root + "/pivot/trace/" + knownTrace.String(),
	} {
		asGet, _ := g.get(t, path)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, g.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, body := do(t, req)
		if resp.StatusCode != asGet.StatusCode || resp.Header.Get("Content-Type") != asGet.Header.Get("Content-Type") || len(body) > 0 {
			t.Errorf("HEAD %s is answered %s %s %s, GET %s %s", path, resp.Status, resp.Header.Get("Content-Type"), body, asGet.Status, asGet.Header.Get("Content-Type"))
		}
	}
}

func TestErrorsOfNoKindStayWithTheOperator(t *testing.T) {
	t.Parallel()
	p, _ := ask.ProblemOf(errors.New("password is hunter2"), http.StatusInternalServerError)
	if p.Status != 500 || strings.Contains(p.Detail, "hunter2") {
		t.Errorf("an unknown error is answered %+v", p)
	}
	p, retry := ask.ProblemOf(fmt.Errorf("ask: %w", plait.ErrUnavailable), http.StatusInternalServerError)
	if p.Status != 503 || retry == 0 {
		t.Errorf("an unreachable database is answered %+v, retry after %v", p, retry)
	}
	p, _ = ask.ProblemOf(plait.Errorf(plait.ErrInvalid, "parameter q: too odd"), http.StatusInternalServerError)
	if p.Status != 400 || p.Detail != "parameter q: too odd" {
		t.Errorf("invalid input is answered %+v", p)
	}
}

func TestReadinessFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	g := start(t, s, func(_ *Config, d *Deps) {
		d.Ready = func(context.Context) error { return errors.New("connection refused") }
	})
	if resp, _ := g.get(t, "/readyz"); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("/readyz without a database is answered %s", resp.Status)
	}
	readOnly := start(t, s, func(_ *Config, d *Deps) {
		d.Ready = func(context.Context) error { return errors.Join(plait.ErrUnavailable, plait.ErrReadOnly) }
	})
	if resp, body := readOnly.get(t, "/readyz"); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "takes no writes") {
		t.Errorf("/readyz beside a read-only database is answered %s %s", resp.Status, body)
	}
	if resp, _ := g.get(t, "/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("/healthz without a database is answered %s", resp.Status)
	}
	ready := start(t, s)
	for _, path := range []string{"/ready", "//readyz", "//ready"} { // as Loki calls it, and with a slash at the end of an address
		if resp, body := ready.get(t, path); resp.StatusCode != http.StatusOK {
			t.Errorf("%s is answered %s %s", path, resp.Status, body)
		}
	}
	if resp, body := ready.get(t, "/readyz"); resp.StatusCode != http.StatusOK {
		t.Errorf("/readyz with a database is answered %s %s", resp.Status, body)
	}
}

func TestLargeAnswersAreCompressedForWhoTakesIt(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t))
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "br, gzip;q=0.5": "gzip", "gzip ; q=1": "gzip",
		"gzip;q=0": "", "br, gzip; Q=0.000": "", "gzip;q=none": "", "x-gzip-ish": "", "identity, *;q=0": "",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/openapi.yaml", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", accept)
		resp, _ := do(t, req)
		if resp.Header.Get("Content-Encoding") != want || resp.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q is answered with %q, varying by %q", accept, resp.Header.Get("Content-Encoding"), resp.Header.Get("Vary"))
		}
	}
}

func TestWhatIsAskedInGzipIsAnsweredWhole(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t))
	ask := func(method, path, accept string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, g.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", accept)
		resp, body := do(t, req)
		if resp.Header.Get("Content-Encoding") != "gzip" || len(body) == 0 {
			return resp, string(body)
		}
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(plain)
	}
	for path, compressed := range map[string]bool{
		"/openapi.json": true, "/api/v1/logs": false, "/api/v1/logs?limit=0": false, "/api/v1/nothing": false,
	} {
		plain, want := ask(http.MethodGet, path, "identity")
		packed, got := ask(http.MethodGet, path, "gzip")
		if got != want || packed.StatusCode != plain.StatusCode || packed.Header.Get("Content-Type") != plain.Header.Get("Content-Type") {
			t.Errorf("%s in gzip is answered %s %q, want %s %q", path, packed.Status, got, plain.Status, want)
		}
		if coding := packed.Header.Get("Content-Encoding"); (coding == "gzip") != compressed {
			t.Errorf("%s is answered in coding %q", path, coding)
		}
		if head, body := ask(http.MethodHead, path, "gzip"); head.StatusCode != plain.StatusCode || body != "" {
			t.Errorf("HEAD of %s is answered %s with %d bytes", path, head.Status, len(body))
		}
	}
}

func TestMetricsAreServedAsOpenMetricsWithExemplars(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x_seconds", Help: "x", Buckets: []float64{1}})
	registry.MustRegister(h)
	h.(prometheus.ExemplarObserver).ObserveWithExemplar(0.5, prometheus.Labels{"trace_id": knownTrace.String()})
	g := start(t, emptyStore(t), func(_ *Config, d *Deps) { d.Gatherer, d.Registerer = registry, registry })
	g.get(t, "/healthz")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	_, body := do(t, req)
	for _, want := range []string{`# {trace_id="` + knownTrace.String() + `"} 0.5`, `plait_api_request_seconds_count{code="200",route="/healthz"} 1`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("/metrics does not hold %s:\n%s", want, body)
		}
	}
}

func TestOtherHandlersAreMountedWithTheirPaths(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t), func(_ *Config, d *Deps) {
		d.Faces = []Face{{Prefix: "/prometheus", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.URL.Path) })}}
	})
	resp, err := http.Post(g.url+"/prometheus/api/v1/query", "application/x-www-form-urlencoded", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "POST /prometheus/api/v1/query" {
		t.Errorf("the mounted handler sees %s", body)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"address":  func(c *Config) { c.Addr = "nowhere" },
		"base URL": func(c *Config) { c.BaseURL = "plait" },
		"timeout":  func(c *Config) { c.QueryTimeout = 0 },
	} {
		c := DefaultConfig()
		change(&c)
		if _, err := New(c, Deps{}); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("a wrong %s is answered with %v, want ErrInvalid", name, err)
		}
	}
}

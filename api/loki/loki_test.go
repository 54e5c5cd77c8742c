package loki

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	questions "github.com/plaithq/plait/query"
)

const (
	traceHex = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanHex  = "00f067aa0ba902b7"
)

// shop writes records of two services.
func shop(t *testing.T, s *server) {
	t.Helper()
	cart := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "cart"), attr("k8s.pod.name", "p-1"), attr("host.name", "a")}}
	pay := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "pay")}}
	var trace plait.TraceID
	var span plait.SpanID
	if err := trace.UnmarshalText([]byte(traceHex)); err != nil {
		t.Fatal(err)
	}
	if err := span.UnmarshalText([]byte(spanHex)); err != nil {
		t.Fatal(err)
	}
	at := func(minute int) int64 { return base.Add(time.Duration(minute)*time.Minute).UnixNano() + 5 }
	s.write(t,
		plait.LogRecord{TimeNanos: at(1), Resource: cart, Body: plait.StringValue(`{"order":"17","took":"20ms"}`), Severity: 9},
		plait.LogRecord{TimeNanos: at(2), Resource: cart, Body: plait.StringValue("payment refused"), Severity: 17, TraceID: trace, SpanID: span, Attributes: plait.Attributes{attr("order.id", "17")}},
		plait.LogRecord{TimeNanos: at(3), Resource: pay, Body: plait.StringValue("card declined"), Severity: 13, TraceID: trace},
		plait.LogRecord{TimeNanos: at(4), Resource: pay, Body: plait.StringValue("an id in the line: " + traceHex)},
	)
}

func TestLinesComeInStreams(t *testing.T) {
	t.Parallel()
	s := start(t)
	shop(t, s)
	params := url.Values{"query": {`{service_name="cart"} |= "refused" | logfmt | label_format x="y"`}, "limit": {"10"}}
	_, body := s.get(t, root+"query_range", params, "X-Loki-Response-Encoding-Flags: categorize-labels")
	before, _, _ := strings.Cut(body, `,"stats"`)
	want := `{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"],"result":[{"stream":{"k8s_pod_name":"p-1","service_name":"cart"},"values":[["` +
		fmt.Sprint(base.Add(2*time.Minute).UnixNano()+5) + `","payment refused",{"structuredMetadata":{"detected_level":"error","host_name":"a","order_id":"17","severity_number":"17","span_id":"` +
		spanHex + `","trace_id":"` + traceHex + `"},"parsed":{"x":"y"}}]]}]`
	if before != want {
		t.Errorf("%s, want %s", before, want)
	}
	_, body = s.get(t, root+"query_range", params)
	before, _, _ = strings.Cut(body, `,"stats"`)
	want = `{"status":"success","data":{"resultType":"streams","result":[{"stream":{"detected_level":"error","host_name":"a","k8s_pod_name":"p-1","order_id":"17","service_name":"cart","severity_number":"17","span_id":"` +
		spanHex + `","trace_id":"` + traceHex + `","x":"y"},"values":[["` + fmt.Sprint(base.Add(2*time.Minute).UnixNano()+5) + `","payment refused"]]}]`
	if before != want {
		t.Errorf("without categories: %s, want %s", before, want)
	}
}

func TestQueriesFindLines(t *testing.T) {
	t.Parallel()
	s := start(t)
	shop(t, s)
	for query, want := range map[string][]string{
		`{service_name=~".+"} | trace_id="` + traceHex + `"`:                                                                                   {"card declined", "payment refused"},
		`{service_name=~".+"} | trace_id="` + strings.ToUpper(traceHex) + `"`:                                                                  {"card declined", "payment refused"},
		`{trace_id="` + traceHex + `"}`:                                                                                                        {"card declined", "payment refused"},
		`{service_name=~".+"} |= "` + traceHex + `"`:                                                                                           {"an id in the line: " + traceHex, "card declined", "payment refused"},
		`{service_name=~".+"} |= "` + traceHex + `" |= "` + spanHex + `"`:                                                                      {"payment refused"},
		`{service_name="cart"} | logfmt | json | drop __error__ | trace_id="` + traceHex + `"`:                                                 {"payment refused"},
		"{service_name=\"pay\"} | label_format x=`{{ contains \"" + traceHex + "\" __line__  }}` | x=\"true\" OR trace_id=\"" + traceHex + `"`: {"an id in the line: " + traceHex, "card declined"},
		`{service_name=~".+"} | trace_id=~"` + strings.ToUpper(traceHex) + `|4b"`:                                                              {"card declined", "payment refused"},
		`{service_name="pay"} | trace_id!="` + strings.ToUpper(traceHex) + `"`:                                                                 {"an id in the line: " + traceHex},
		`{service_name="pay"} | trace_id!~"4b|` + strings.ToUpper(traceHex) + `"`:                                                              {"an id in the line: " + traceHex},
		`{service_name=~".+"} | order_id="17"`:                                                                                                 {"payment refused"},
		`{service_name=~".+"} | order_id=~"16|17"`:                                                                                             {"payment refused"},
		`{service_name=~".+"} | order_id="18"`:                                                                                                 nil,
		`{service_name=~".+"} | json | logfmt | drop __error__ | order="17"`:                                                                   {`{"order":"17","took":"20ms"}`},
		`{service_name=~".+"} | json | logfmt | drop __error__ | order_id="17"`:                                                                {"payment refused"},
		`{service_name="cart"} | json | order="17"`:                                                                                            {`{"order":"17","took":"20ms"}`},
		`{service_name=~".+"} | detected_level="warn"`:                                                                                         {"card declined"},
		`{k8s_pod_name="p-1"} != "refused"`:                                                                                                    {`{"order":"17","took":"20ms"}`},
		`{host_name="a"}`:                                                                                                                      nil,
		`{service_name=~".+"} |~ "(?i)REFUSED|declined"`:                                                                                       {"card declined", "payment refused"},
	} {
		got := s.lines(t, query)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestDirectionAndLimitDecideWhichLinesCome(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "cart")}}
	var all []plait.LogRecord
	for i := range 500 {
		all = append(all, plait.LogRecord{TimeNanos: base.Add(time.Duration(i) * time.Millisecond).UnixNano(), Resource: r, Body: plait.StringValue(fmt.Sprint("line ", i, " of ", i%2))})
	}
	s.write(t, all...)
	if got := s.lines(t, `{service_name="cart"} |= "of 1"`, "limit", "3"); !slices.Equal(got, []string{"line 499 of 1", "line 497 of 1", "line 495 of 1"}) {
		t.Errorf("backward: %q", got)
	}
	if got := s.lines(t, `{service_name="cart"} | line_format "{{__line__}}!" |= "of 1"`, "limit", "3", "direction", "forward"); !slices.Equal(got, []string{"line 1 of 1!", "line 3 of 1!", "line 5 of 1!"}) {
		t.Errorf("forward: %q", got)
	}
	if got := s.lines(t, `{service_name="cart"}`); len(got) != defaultLimit {
		t.Errorf("%d lines without a limit", len(got))
	}
	if got := s.lines(t, `{service_name="cart"}`, "interval", "100ms", "limit", "50", "direction", "forward"); len(got) != 5 || got[1] != "line 100 of 0" {
		t.Errorf("by an interval: %q", got)
	}
	if got := s.lines(t, `{service_name="cart"}`, "start", fmt.Sprint(base.UnixNano()), "end", fmt.Sprint(base.Add(3*time.Millisecond).UnixNano())); len(got) != 3 {
		t.Errorf("between the first and before the fourth: %q", got)
	}
}

func TestMetricsAreCountedFromLines(t *testing.T) {
	t.Parallel()
	s := start(t)
	shop(t, s)
	for _, tt := range []struct{ path, query, want string }{
		{"query", `vector(1)+vector(1)`, `"resultType":"vector","result":[{"metric":{},"value":[4000000000,"2"]}]`},
		{"query", `1 + 1`, `"resultType":"scalar","result":[4000000000,"2"]`},
	} {
		if _, body := s.get(t, root+tt.path, url.Values{"query": {tt.query}, "time": {"4000000000"}}); !strings.Contains(body, tt.want) {
			t.Errorf("%s: %s", tt.query, body)
		}
	}
	end := fmt.Sprint(base.Add(5 * time.Minute).Unix())
	_, body := s.get(t, root+"query", url.Values{"query": {`sum by (service_name) (count_over_time({service_name=~".+"}[10m]))`}, "time": {end}})
	if want := `[{"metric":{"service_name":"cart"},"value":[` + end + `,"2"]},{"metric":{"service_name":"pay"},"value":[` + end + `,"2"]}]`; !strings.Contains(body, want) {
		t.Errorf("%s, want %s", body, want)
	}
	_, body = s.get(t, root+"query_range", url.Values{
		"query": {`sum by (level, detected_level) (count_over_time({service_name="pay"} | drop __error__[1m]))`}, "start": {fmt.Sprint(base.Unix())}, "end": {end}, "step": {"60000ms"},
	})
	if !strings.Contains(body, `"resultType":"matrix"`) || !strings.Contains(body, `{"metric":{"detected_level":"warn"},"values":[[`+fmt.Sprint(base.Add(4*time.Minute).Unix())+`,"1"]]}`) {
		t.Error(body)
	}
}

func TestStreamsAreListedAndCounted(t *testing.T) {
	t.Parallel()
	s := start(t)
	shop(t, s)
	for path, want := range map[string]string{
		"labels": `{"status":"success","data":["k8s_pod_name","service_name"]}`,
		"labels?query=" + url.QueryEscape(`{service_name="pay"}`):                       `{"status":"success","data":["service_name"]}`,
		"label/service_name/values":                                                     `{"status":"success","data":["cart","pay"]}`,
		"label/k8s.pod.name/values":                                                     `{"status":"success","data":["p-1"]}`,
		"label/k8s%252Epod/name/values":                                                 `{"status":"success","data":["p-1"]}`,
		"label/__stream_shard__/values":                                                 `{"status":"success","data":[]}`,
		"series?match[]=" + url.QueryEscape(`{service_name="cart"}`):                    `{"status":"success","data":[{"k8s_pod_name":"p-1","service_name":"cart"}]}`,
		"index/stats?query=" + url.QueryEscape(`{service_name="pay"}`):                  `{"streams":1,"chunks":1,"entries":2,"bytes":102}`,
		"detected_labels":                                                               `{"detectedLabels":[{"label":"k8s_pod_name","cardinality":1},{"label":"service_name","cardinality":2}]}`,
		"detected_field/order/values?query=" + url.QueryEscape(`{service_name="cart"}`): `{"values":["17"],"limit":1000}`,
		"labels?start=1&end=2":                                                          `{"status":"success","data":[]}`,
		"format_query?query=" + url.QueryEscape(`sum(rate({a="b"}[5m]))`):               "",
		"status/buildinfo":                                                              "", "drilldown-limits": "", "patterns?query=" + url.QueryEscape(`{service_name="pay"}`): "",
		"detected_fields?query=" + url.QueryEscape(`{service_name="cart"}`): "", "index/volume_range?query=" + url.QueryEscape(`{service_name=~".+"}`): "",
	} {
		for _, prefix := range []string{root, "/loki//api/v1/", "/loki/loki/api/v1/", "/loki/api/v1/loki/api/v1/"} {
			p, params, _ := strings.Cut(path, "?")
			values, err := url.ParseQuery(params)
			if err != nil {
				t.Fatal(err)
			}
			if status, body := s.get(t, prefix+p, values); status != http.StatusOK || want != "" && strings.TrimSpace(body) != want {
				t.Errorf("%s: %d %s, want %s", prefix+path, status, body, want)
			}
		}
	}
	_, body := s.get(t, root+"index/volume", url.Values{"query": {`{service_name=~".+"}`}})
	// The larger comes first.
	if first, second := strings.Index(body, `"pay"`), strings.Index(body, `"cart"`); first < 0 || second < first {
		t.Errorf("%s", body)
	}
}

func TestQuestionsThatAreWrongAreToldSo(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, tt := range []struct {
		path   string
		params url.Values
		says   string
	}{
		{"query_range", url.Values{"query": {`{a="x"`}}, "parse error at line 1, col"},
		{"query_range", url.Values{}, "query"},
		{"query_range", url.Values{"query": {`{a="x"}`}, "start": {"5"}, "end": {"4"}}, "is before the start"},
		{"query_range", url.Values{"query": {`{a="x"}`}, "direction": {"sideways"}}, "direction"},
		{"query_range", url.Values{"query": {`{a="x"}`}, "limit": {"5001"}}, "limit"},
		{"query_range", url.Values{"query": {`{a="x"}`}, "start": {"yesterday"}}, "start"},
		{"query_range", url.Values{"query": {`rate({a="x"}[1m])`}, "step": {"1ms"}}, "steps"},
		{"query_range", url.Values{"query": {`rate({a="x"}[1m])`}, "step": {"-5"}}, "step"},
		{"query", url.Values{"query": {`{a="x"}`}}, "query_range"},
		{"series", url.Values{"match[]": {"{"}}, "parse error"},
		{"index/volume", url.Values{"query": {`rate({a="b"}[1m])`}}, ""},
	} {
		if status, body := s.get(t, root+tt.path, tt.params); status != http.StatusBadRequest || !strings.Contains(body, tt.says) {
			t.Errorf("%s %v: %d %s", tt.path, tt.params, status, body)
		}
	}
	if status, _ := s.get(t, root+"rules", nil); status != http.StatusNotFound {
		t.Errorf("an unknown path: %d", status)
	}
}

func TestQuestionsComeAsFormsToo(t *testing.T) {
	t.Parallel()
	s := start(t)
	shop(t, s)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+root+"query_range", strings.NewReader(url.Values{"query": {`{service_name="cart"}`}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, body := do(t, req); status != http.StatusOK || !strings.Contains(body, "payment refused") {
		t.Errorf("%d %s", status, body)
	}
}

func TestAnEmptyDatabaseAnswersEveryQuestion(t *testing.T) {
	t.Parallel()
	s := start(t)
	for path := range answers {
		status, body := s.get(t, root+path, url.Values{"query": {`rate({a="b"}[1m])`}})
		if strings.HasPrefix(path, "query") || path == "format_query" {
			if status != http.StatusOK {
				t.Errorf("%s: %d %s", path, status, body)
			}
			continue
		}
		if status, body = s.get(t, root+path, url.Values{"query": {`{a="b"}`}}); status != http.StatusOK || strings.Contains(body, "null") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// blocked is a reader whose search lasts as long as its context.
type blocked struct{ began, ended chan struct{} }

func (b *blocked) Logs(ctx context.Context, _ questions.Logs) ([]plait.LogRecord, string, error) {
	close(b.began)
	<-ctx.Done()
	close(b.ended)
	return nil, "", ctx.Err()
}

func (*blocked) LogStreams(context.Context, questions.LogStreams) ([]questions.LogStream, error) {
	return nil, nil
}

func (*blocked) LogPatterns(context.Context, questions.LogPatterns) ([]questions.LogPattern, error) {
	return nil, nil
}

func (*blocked) LogGroups(context.Context, questions.LogGroups) ([]questions.LogGroup, bool, error) {
	return nil, false, nil
}

func TestASearchEndsWhenItsClientIsGone(t *testing.T) {
	t.Parallel()
	b := &blocked{began: make(chan struct{}), ended: make(chan struct{})}
	s := start(t, func(c *Config) { c.Logs = b })
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+root+"query_range?query="+url.QueryEscape(`{a="b"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-b.began
	cancel()
	<-b.ended
	<-gone
}

package jaeger

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/facetest"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/store/storetest"
)

const shopTraceID = "4bf90000000000000000000000000036"

func TestAnswersOnTheShop(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	for name, path := range map[string]string{
		"services":        "/api/services",
		"operation_names": "/api/services/cart%2Fv1/operations",
		"operations":      "/api/operations?service=shop",
		"trace":           "/api/traces/" + shopTraceID,
		"trace_raw":       "/api/traces/" + shopTraceID + "?raw=true&start=1700000000000",
		"dependencies":    "/api/dependencies?endTs=1795255260000&lookback=86400000",
		"problem":         "/api/traces?service=shop&minDuration=fast",
		"not_found":       "/api/traces/4bf90000000000000000000000000037",
	} {
		t.Run(name, func(t *testing.T) {
			_, body := s.get(t, path)
			facetest.Golden(t, name, body)
		})
	}
}

// found are the ids of the traces that a search finds.
func found(t *testing.T, s *server, query string) []string {
	t.Helper()
	status, body := s.get(t, "/api/traces?"+query)
	var a struct {
		Data []struct {
			TraceID string            `json:"traceID"`
			Spans   []json.RawMessage `json:"spans"`
		} `json:"data"`
		Total  int             `json:"total"`
		Errors json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(body, &a); err != nil || status != http.StatusOK {
		t.Fatalf("%s is answered %d with %v: %s", query, status, err, body)
	}
	if len(a.Data) != a.Total || string(a.Errors) != "null" {
		t.Errorf("%s: %d traces, total %d, errors %s", query, len(a.Data), a.Total, a.Errors)
	}
	ids := []string{}
	for _, trace := range a.Data {
		if len(trace.Spans) == 0 {
			t.Errorf("%s: a trace without spans", query)
		}
		ids = append(ids, trace.TraceID)
	}
	return ids
}

func TestASearchFindsTracesByWhatTheirSpansSay(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	for query, finds := range map[string]bool{
		"service=shop":                                             true,
		"service=Shop":                                             false, // as in Jaeger
		"service=cart/v1&operation=get%20/cart":                    true,
		"service=shop&operation=get%20/cart":                       false,
		"service=shop&operation=":                                  true,
		"service=shop&operation=all":                               false,
		`service=shop&tags={"error":"true"}`:                       true,
		`service=shop&tags={"error":true}`:                         true,
		`service=cart/v1&tags={"error":"true"}`:                    false,
		`service=cart/v1&tags={"error":"false"}`:                   true,
		"service=shop&tags=error=true%20http.status_code=500":      true,
		`service=shop&tags="user.id"="u1"%20error`:                 true,
		"service=shop&tag=user.id:u1&tag=http.status_code:500":     true,
		"service=shop&tag=user.id:u2":                              false,
		`service=shop&tags={"http.status_code":500}`:               true,
		`service=shop&tags={"http.status_code":"501"}`:             false,
		`service=shop&tags={"ratio":"0.5","cached":"false"}`:       true,
		`service=shop&tags={"span.kind":"server"}`:                 true,
		`service=shop&tags={"span.kind":"consumer"}`:               false,
		`service=cart/v1&tags={"otel.status_code":"OK"}`:           true,
		`service=shop&tags={"otel.status_description":"no stock"}`: true,
		`service=shop&tags={"otel.scope.name":"net/http"}`:         true,
		`service=shop&tags={"otel.scope.version":"1.3"}`:           false,
		`service=shop&tags={"host.name":"a"}`:                      true,
		`service=shop&tags={"host.name":"b"}`:                      false,
		`service=shop&tags={"event":"exception"}`:                  true,
		`service=shop&tags={"exception.type":"StockError"}`:        true,
		`service=shop&tags={}`:                                     true,
		"service=shop&minDuration=300ms":                           true,
		"service=shop&minDuration=401ms":                           false,
		"service=cart/v1&minDuration=1ms&maxDuration=50ms":         true,
		"service=cart/v1&maxDuration=1ms":                          false,
		"service=shop&start=1795255200123456&end=1795255200123456": true, // both ends count
		"service=shop&end=1795255200123455":                        false,
		"service=shop&start=NaN&end=":                              true,
		"service=shop&lookback=1h":                                 true,
		"service=shop&lookback=30s":                                false,
		"service=shop&lookback=custom":                             true,
		"service=shop&limit=1&prettyPrint=true&unheard=of":         true,
		"service=nobody":                                           false,
		"traceID=" + shopTraceID:                                   true,
		"traceID=4BF90000-0000-0000-0000-000000000036":             true,
	} {
		query = strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D", " ", "%20").Replace(query)
		if got := found(t, s, query); (len(got) == 1 && got[0] == shopTraceID) != finds || !finds && len(got) != 0 {
			t.Errorf("%s finds %v, want %v", query, got, finds)
		}
	}
}

func TestIDsOfWhichNothingIsStoredAreToldBesideTheTraces(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	_, body := s.get(t, "/api/traces?traceID="+shopTraceID+"&traceID=77")
	var a struct {
		Data   []struct{}
		Errors []errorJSON
	}
	if err := json.Unmarshal(body, &a); err != nil || len(a.Data) != 1 || len(a.Errors) != 1 || a.Errors[0].Code != 404 {
		t.Errorf("answered %s (%v)", body, err)
	}
}

func TestATraceIsFoundByEverySpelling(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	for _, id := range []string{
		shopTraceID, strings.ToUpper(shopTraceID), "00-" + shopTraceID + "-0000000000000001-01", shopTraceID + ":1:0:1",
		"Root=1-4bf90000-000000000000000000000036", "projects/p/traces/" + shopTraceID, "projects%2Fp%2Ftraces%2F" + shopTraceID, "%20" + shopTraceID,
	} {
		if status, body := s.get(t, "/api/traces/"+id); status != http.StatusOK {
			t.Errorf("%s is answered %d: %s", id, status, body)
		}
	}
}

func TestAServiceIsFoundHoweverItsNameIsEscaped(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	for _, name := range []string{"cart/v1", "cart%2Fv1", "cart%252Fv1"} {
		if _, body := s.get(t, "/api/services/"+name+"/operations"); !strings.Contains(string(body), `["SELECT","get /cart"]`) {
			t.Errorf("the operations of %s are %s", name, body)
		}
	}
}

func TestAnEmptyDatabaseIsAnsweredWithEmptyLists(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t))
	for _, path := range []string{"/api/services", "//api/services", "/api/services/cart/operations", "/api/operations?service=cart", "/api/traces?service=cart", "/api/dependencies?endTs=1795255260000&lookback=1000", "/api/dependencies"} {
		status, body := s.get(t, path)
		if status != http.StatusOK || !strings.HasPrefix(string(body), `{"data":[]`) {
			t.Errorf("%s is answered %d: %s", path, status, body)
		}
	}
}

func TestWhatIsNoQuestionIsRefusedInJaegersWords(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t))
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/traces", 400},
		{"GET", "/api/traces?service=", 400},
		{"GET", "/api/operations", 400},
		{"GET", "/api/traces?service=a&limit=x", 400},
		{"GET", "/api/traces?service=a&limit=-1", 400},
		{"GET", "/api/traces?service=a&limit=99999999999999999999", 400},
		{"GET", "/api/traces?service=a&start=yesterday", 400},
		{"GET", "/api/traces?service=a&start=1795255300000000&end=1795255200000000", 400},
		{"GET", "/api/traces?service=a&lookback=-1h", 400},
		{"GET", "/api/traces?service=a&minDuration=2s&maxDuration=1s", 400},
		{"GET", "/api/traces?service=a&minDuration=-1s", 400},
		{"GET", "/api/traces?service=a&maxDuration=10", 400},
		{"GET", "/api/traces?service=a&tag=x", 400},
		{"GET", "/api/traces?service=a&tag=:x", 400},
		{"GET", "/api/traces?service=a&tags=%7B", 400},
		{"GET", "/api/traces?service=a&tags=%7B%22a%22:null%7D", 400},
		{"GET", "/api/traces?service=a&tags=%7B%22a%22:%7B%7D%7D", 400},
		{"GET", "/api/traces?service=a&tags=%22a", 400},
		{"GET", "/api/traces?service=a&tags=%3Da", 400},
		{"GET", "/api/traces?service=a&tags=" + strings.Repeat("a%3Db%20", maxTags+1), 400},
		{"GET", "/api/traces?service=a;b", 400},
		{"GET", "/api/traces?service=%zz", 400},
		{"GET", "/api/traces?traceID=xyz", 400},
		{"GET", "/api/traces?traceID=0", 400},
		{"GET", "/api/dependencies?endTs=x", 400},
		{"GET", "/api/dependencies?lookback=-1", 400},
		{"GET", "/api/traces/xyz", 400},
		{"GET", "/api/traces/00000000000000000000000000000000", 400},
		{"GET", "/api/traces/%00", 400},
		{"GET", "/api/traces/1", 404},
		{"GET", "/api/services/a", 404},
		{"GET", "/api/services/", 404},
		{"GET", "/api", 404},
		{"GET", "/", 404},
		{"POST", "/api/traces?service=a", 405},
		{"DELETE", "/api/services", 405},
		{"GET", "/api/traces?service=" + url.QueryEscape("a\x00b\xff"), 200},
		{"GET", "/api/traces?service=a&tag=" + url.QueryEscape("a\x00:\xff"), 200},
		{"GET", "/api/services/%00%ff/operations", 200},
		{"GET", "/api/operations?service=%00", 200},
		{"GET", "/api/traces?service=a&limit=1000000", 200},
		{"GET", "/api/traces?service=" + strings.Repeat("a", 20_000), 200},
	} {
		status, body := s.ask(t.Context(), t, c.method, c.path)
		var a envelope
		if err := json.Unmarshal(body, &a); err != nil || status != c.status {
			t.Errorf("%s %.80s is answered %d (%v), want %d: %s", c.method, c.path, status, err, c.status, body)
			continue
		}
		if status >= 400 && (len(a.Errors) != 1 || a.Errors[0].Code != status || a.Errors[0].Msg == "" || a.Data != nil) {
			t.Errorf("%s %.80s is answered %s", c.method, c.path, body)
		}
	}
}

func TestAFailureOfTheDatabaseIsToldWithItsStatus(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	st.Close()
	s := start(t, st)
	for _, path := range []string{"/api/services", "/api/traces?service=a", "/api/traces/" + shopTraceID, "/api/traces?traceID=" + shopTraceID} {
		if status, body := s.get(t, path); status != http.StatusServiceUnavailable && status != http.StatusInternalServerError {
			t.Errorf("%s is answered %d: %s", path, status, body)
		}
	}
}

func TestTagsAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`a=b`:                  "a=b",
		` a=b  c="d e" `:       "a=b;c=d e",
		`"a b"="c\"d\\"`:       `a b=c"d\`,
		`error`:                "error=true",
		`error x=`:             "error=true;x=",
		`a=b=c`:                "a=b=c",
		`{"b":"1","a":2.50}`:   "a=2.50;b=1",
		`{"a":"x \u00e9 \"y"}`: "a=x é \"y",
		`a="b`:                 "",
		`=b`:                   "",
		`{"a":["b"]}`:          "",
		`{"":"b"}`:             "",
		`{"a":1`:               "",
	} {
		tags, err := readTags(nil, []string{text})
		if want == "" {
			if !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%s is read as %v with %v", text, tags, err)
			}
			continue
		}
		var said []string
		for _, tag := range tags {
			said = append(said, tag.Key+"="+tag.Value)
		}
		if got := strings.Join(said, ";"); err != nil || got != want {
			t.Errorf("%s is read as %s (%v), want %s", text, got, err, want)
		}
	}
}

func FuzzTags(f *testing.F) {
	for _, text := range []string{`a=b c="d e"`, `{"a":"b","c":1}`, `"`, `\`, `{`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := readTags([]string{text}, []string{text}); err != nil && !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%q: %v is of no kind", text, err)
		}
	})
}

func TestNoTraceHasARingOfReferences(t *testing.T) {
	t.Parallel()
	id := func(n byte) plait.SpanID { return plait.SpanID{7: n} }
	trace := plait.TraceID{15: 1}
	r := &plait.Resource{}
	spans := []plait.Span{
		{SpanID: id(1), ParentSpanID: id(2), Resource: r},
		{SpanID: id(2), ParentSpanID: id(1), Resource: r},
		{SpanID: id(3), ParentSpanID: id(3), Resource: r},
		{SpanID: id(4), Resource: r, Links: []plait.Link{{TraceID: trace, SpanID: id(5)}, {TraceID: trace, SpanID: id(4)}}},
		{SpanID: id(5), ParentSpanID: id(4), Resource: r, Links: []plait.Link{{TraceID: trace, SpanID: id(4)}}},
		{SpanID: id(6), Resource: r}, {SpanID: id(6), Resource: r}, {SpanID: id(6), Resource: r},
	}
	for i := range spans {
		spans[i].TraceID, spans[i].StartNanos, spans[i].EndNanos = trace, int64(i+1)*1000, int64(i+2)*1000
	}
	shown := show(&plait.Trace{TraceID: trace, Spans: spans}, false)
	seen := map[plait.SpanID]bool{}
	for _, s := range shown.Spans {
		if seen[s.SpanID] {
			t.Errorf("two spans have the id %s", s.SpanID)
		}
		seen[s.SpanID] = true
		if len(s.References) > 0 && !seen[s.References[0].SpanID] {
			t.Errorf("span %s refers to %s, which comes after it", s.SpanID, s.References[0].SpanID)
		}
	}
	if len(shown.Spans) != len(spans) {
		t.Errorf("%d of %d spans are shown", len(shown.Spans), len(spans))
	}
}

func TestTracesThatNobodyMeansAreShownWhole(t *testing.T) {
	t.Parallel()
	const n = 20_000
	trace := plait.TraceID{15: 1}
	r := &plait.Resource{}
	for name, span := range map[string]func(i int) plait.Span{
		"all with one id":            func(int) plait.Span { return plait.Span{SpanID: plait.SpanID{7: 1}} },
		"all with one id, of itself": func(int) plait.Span { return plait.Span{SpanID: plait.SpanID{7: 1}, ParentSpanID: plait.SpanID{7: 1}} },
		"all of parents that are not here": func(i int) plait.Span {
			return plait.Span{SpanID: plait.SpanIDFromInt64(int64(i + 1)), ParentSpanID: plait.SpanIDFromInt64(int64(i + 1 + n))}
		},
		"one below the other": func(i int) plait.Span {
			return plait.Span{SpanID: plait.SpanIDFromInt64(int64(i + 1)), ParentSpanID: plait.SpanIDFromInt64(int64(i))}
		},
		"a ring": func(i int) plait.Span {
			return plait.Span{SpanID: plait.SpanIDFromInt64(int64(i + 1)), ParentSpanID: plait.SpanIDFromInt64(int64((i+1)%n + 1))}
		},
		"roots that follow each other": func(i int) plait.Span {
			links := make([]plait.Link, 10)
			for l := range links {
				links[l] = plait.Link{TraceID: trace, SpanID: plait.SpanIDFromInt64(int64((i+l)%n + 1))}
			}
			return plait.Span{SpanID: plait.SpanIDFromInt64(int64(i + 1)), Links: links}
		},
	} {
		spans := make([]plait.Span, n)
		for i := range spans {
			spans[i] = span(i)
			spans[i].TraceID, spans[i].Resource, spans[i].StartNanos, spans[i].EndNanos = trace, r, int64(i), int64(2*n-i)
		}
		shown := show(&plait.Trace{TraceID: trace, Spans: spans}, false)
		ids := map[plait.SpanID]bool{}
		for _, s := range shown.Spans {
			ids[s.SpanID] = true
		}
		if len(shown.Spans) != n || len(ids) != n || ids[plait.SpanID{}] {
			t.Errorf("%s: %d spans with %d ids are shown of %d", name, len(shown.Spans), len(ids), n)
		}
	}
}

func TestWhoOpensATraceByItsIDIsNoted(t *testing.T) {
	t.Parallel()
	var opened []plait.TraceID
	s := start(t, shopStore(t), func(c *tracesearch.Config) { c.Opened = func(id plait.TraceID) { opened = append(opened, id) } })
	for path, want := range map[string]int{
		"/api/traces/" + shopTraceID: 1, "/api/v3/traces/" + shopTraceID: 1, "/api/traces/77": 0, "/api/traces?service=shop": 0, "/api/traces?traceID=" + shopTraceID: 0,
	} {
		opened = nil
		s.get(t, path)
		if len(opened) != want || want > 0 && opened[0] != shopTrace().Spans[0].TraceID {
			t.Errorf("%s is noted as opening %v, want %d", path, opened, want)
		}
	}
}

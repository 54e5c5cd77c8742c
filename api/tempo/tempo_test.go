package tempo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/wire/otlp"
)

func TestAnswersAreAsTheirFilesSay(t *testing.T) {
	t.Parallel()
	s := shopServer(t)
	for name, path := range map[string]string{
		"search":            "/api/search?" + asked(`{ status = error && span.http.status_code >= 500 } | select(span.items, span.ratio, event.exception.type)`),
		"search_newest":     "/api/search",
		"search_grouped":    "/api/search?" + asked(`{} | by(resource.service.name) | count() > 1`),
		"search_mixed":      "/api/search?" + asked(`{ .mixed != nil }`, "spss", "10"),
		"search_tags":       "/api/search?tags=" + url.QueryEscape(`service.name=shop http.status_code=500`) + "&minDuration=100ms",
		"search_none":       "/api/search?" + asked(`{ name = "nobody" }`),
		"search_structure":  "/api/search?" + asked(`{ kind = server } &>> { name = "SELECT" } | select(nestedSetParent, nestedSetLeft, nestedSetRight)`, "spss", "20"),
		"trace_v1":          "/api/traces/" + shopID.String(),
		"trace_v2":          "/api/v2/traces/" + shopID.String(),
		"tags_v1":           "/api/search/tags",
		"tags_v2":           "/api/v2/search/tags",
		"tags_of_one_scope": "/api/v2/search/tags?scope=event",
		"values_v1":         "/api/search/tag/service.name/values",
		"values_v2":         "/api/v2/search/tag/span.http.status_code/values",
		"values_status":     "/api/v2/search/tag/status/values",
		"values_name":       "/api/v2/search/tag/name/values",
		"values_filtered":   "/api/v2/search/tag/name/values?q=" + url.QueryEscape(`{ resource.service.name = "cart" && name = "x" && span. }`),
		"values_root":       "/api/v2/search/tag/rootName/values",
		"values_event":      "/api/v2/search/tag/event.exception.type/values",
		"values_ids":        "/api/v2/search/tag/trace:id/values",
		"values_slash":      "/api/v2/search/tag/span.a%2Fb/values",
		"metrics":           "/api/metrics/query_range?" + asked(`{} | rate() by (resource.service.name)`, "start", "1795255200", "end", "1795255260", "step", "30s", "exemplars", "1"),
		"metrics_instant":   "/api/metrics/query?" + asked(`{ kind = server } | max_over_time(duration)`, "start", "1795255000", "end", "1795255260"),
		"buildinfo":         "/api/status/buildinfo",
	} {
		golden(t, name, s.get(t, path))
	}
}

func TestATraceInProtobufIsWholeForGrafana(t *testing.T) {
	t.Parallel()
	s := shopServer(t)
	for path, wrapped := range map[string]bool{"/api/traces/": false, "/api/v2/traces/": true} {
		a := s.get(t, path+shopID.String(), "Accept", protobuf)
		if a.status != http.StatusOK || a.kind != protobuf {
			t.Fatalf("%s: %d %s", path, a.status, a.kind)
		}
		trace := a.body
		if wrapped {
			number, kind, n := protowire.ConsumeTag(trace)
			if number != fieldTrace || kind != protowire.BytesType {
				t.Fatalf("%s begins with field %d", path, number)
			}
			trace, _ = protowire.ConsumeBytes(trace[n:])
		}
		got, err := otlp.DecodeTraces(trace)
		if err != nil || len(got.Spans) != 4 {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
}

func TestATraceIsFoundByAnySpellingOfItsID(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	short := shopTrace()
	for i := range short.Spans {
		short.Spans[i].TraceID = plait.TraceID{14: 0x0a, 15: 0xbc}
	}
	for _, traces := range []*plait.Traces{shopTrace(), short} {
		if _, err := st.WriteTraces(t.Context(), traces); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, st)
	for _, id := range []string{shopID.String(), strings.ToUpper(shopID.String()), "abc", "ABC", "0abc", " " + shopID.String(), "00-" + shopID.String() + "-0000000000000001-01"} {
		if a := s.get(t, "/api/v2/traces/"+url.PathEscape(id)); a.status != http.StatusOK {
			t.Errorf("%q: %d %s", id, a.status, a.body)
		}
	}
	for id, want := range map[string]int{"12345678": http.StatusNotFound, "nope": http.StatusBadRequest, strings.Repeat("a", 33): http.StatusBadRequest} {
		if a := s.get(t, "/api/traces/"+id); a.status != want {
			t.Errorf("%q: %d %s", id, a.status, a.body)
		}
	}
}

// known are all keys that Grafana knows in the answer of a search.
var known = map[string]bool{
	"traces": true, "metrics": true, "traceID": true, "rootServiceName": true, "rootTraceName": true, "startTimeUnixNano": true, "durationMs": true,
	"spanSets": true, "serviceStats": true, "spans": true, "matched": true, "attributes": true, "spanID": true, "name": true, "durationNanos": true,
	"spanCount": true, "errorCount": true, "inspectedTraces": true, "inspectedBytes": true, "completedJobs": true, "totalJobs": true,
	"key": true, "value": true, "stringValue": true, "intValue": true, "doubleValue": true, "boolValue": true,
}

func TestASearchHasNoKeyThatGrafanaDoesNotKnow(t *testing.T) {
	t.Parallel()
	a := shopServer(t).search(t, `{} | select(span.items, span.ratio, span.cached, span.mixed, resource.host.name, event.exception.type, statusMessage)`, "spss", "10")
	var answer any
	if err := json.Unmarshal(a.body, &answer); err != nil {
		t.Fatal(err)
	}
	var look func(v any, services bool)
	look = func(v any, services bool) {
		switch v := v.(type) {
		case map[string]any:
			for key, below := range v {
				if !services && !known[key] {
					t.Errorf("key %q", key)
				}
				look(below, key == "serviceStats")
			}
		case []any:
			for _, below := range v {
				look(below, false)
			}
		}
	}
	look(answer, false)
}

func TestFailuresAreLinesOfText(t *testing.T) {
	t.Parallel()
	s := shopServer(t)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/api/search?" + asked(`{ nope`):                                                                    {400, "line 1, column 3"},
		"/api/search?" + asked(`{} | rate()`):                                                               {400, "/api/metrics/query_range"},
		"/api/search?" + asked(`{}`, "limit", "-1"):                                                         {400, "limit"},
		"/api/search?" + asked(`{}`, "spss", "x"):                                                           {400, "spss"},
		"/api/search?" + asked(`{}`, "start", "yesterday"):                                                  {400, "start"},
		"/api/search?" + asked(`{}`, "start", "200", "end", "100"):                                          {400, ""},
		"/api/search?tags=" + url.QueryEscape(`=x`):                                                         {400, "tags"},
		"/api/search?minDuration=fast":                                                                      {400, "minDuration"},
		"/api/search?" + asked(`{ .a =~ "(" }`):                                                             {400, ""},
		"/api/metrics/query_range?" + asked(`{}`):                                                           {400, "rate()"},
		"/api/metrics/query_range?" + asked(`{} | rate()`, "step", "-1s"):                                   {400, "step"},
		"/api/metrics/query_range?" + asked(`{} | rate()`, "start", "1", "end", "1795255260", "step", "1s"): {400, ""},
		"/api/v2/search/tags?scope=moon":                                                                    {400, "scope"},
		"/api/v2/search/tag/x":                                                                              {404, ""},
		"/api/v2/search/tag//values":                                                                        {404, ""},
		"/api/metrics/summary":                                                                              {404, ""},
		"/api/search/" + strings.Repeat("(", 10):                                                            {404, ""},
	} {
		a := s.get(t, path)
		if a.status != want.status || !strings.Contains(string(a.body), want.text) || !strings.HasPrefix(a.kind, "text/plain") {
			t.Errorf("%s: %d %s: %s", path, a.status, a.kind, a.body)
		}
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	t.Parallel()
	a := shopServer(t).search(t, strings.Repeat("(", 10_000)+"{}"+strings.Repeat(")", 10_000))
	if a.status != http.StatusBadRequest {
		t.Errorf("%d", a.status)
	}
}

func TestASearchStopsAtItsLimitWithTheNewest(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	many := &plait.Traces{}
	for i := range 60 {
		one := shopTrace().Spans[0]
		one.TraceID = plait.TraceID{0: 1, 15: byte(i)}
		one.StartNanos -= int64(i) * int64(time.Second)
		one.EndNanos = one.StartNanos + 1000
		many.Spans = append(many.Spans, one)
	}
	if _, err := st.WriteTraces(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	s := start(t, st)
	for limit, want := range map[string]int{"": usualTraces, "0": usualTraces, "7": 7, "59": 59, "100000": 60} {
		var found struct {
			Traces []struct{ TraceID string }
		}
		a := s.search(t, `{ span.http.status_code = 500 }`, "limit", limit)
		if err := json.Unmarshal(a.body, &found); err != nil || len(found.Traces) != want {
			t.Errorf("limit %q: %d traces, want %d, %v", limit, len(found.Traces), want, err)
			continue
		}
		for i, trace := range found.Traces {
			if wanted := fmt.Sprintf("01%028x%02x", 0, i); trace.TraceID != wanted {
				t.Errorf("limit %q: trace %d is %s, want %s", limit, i, trace.TraceID, wanted)
			}
		}
	}
}

func TestATraceThatOverlapsTheRangeIsFound(t *testing.T) {
	t.Parallel()
	s := shopServer(t) // from base on, for 400 ms
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.3f", float64(base.Add(d).UnixMilli())/1000) }
	for _, r := range []struct {
		from, to time.Duration
		found    bool
	}{
		{-time.Minute, -time.Second, false},
		{-time.Minute, 100 * time.Millisecond, true},
		{300 * time.Millisecond, time.Minute, true}, // spans that match began before it
		{time.Second, time.Minute, false},
	} {
		a := s.search(t, `{ name = "SELECT" }`, "start", seconds(r.from), "end", seconds(r.to))
		if found := strings.Contains(string(a.body), shopID.String()); a.status != http.StatusOK || found != r.found {
			t.Errorf("from %v to %v: found %v, %d %s", r.from, r.to, found, a.status, a.body)
		}
	}
}

func TestReadyAndEcho(t *testing.T) {
	t.Parallel()
	s := shopServer(t)
	for path, want := range map[string]string{"/api/echo": "echo", "/ready": "ready\n"} {
		if a := s.get(t, path); a.status != http.StatusOK || string(a.body) != want {
			t.Errorf("%s: %d %q", path, a.status, a.body)
		}
	}
}

func TestWhoOpensATraceByItsIDIsNoted(t *testing.T) {
	t.Parallel()
	var opened []plait.TraceID
	s := shopServer(t, func(c *tracesearch.Config) { c.Opened = func(id plait.TraceID) { opened = append(opened, id) } })
	for path, want := range map[string]int{
		"/api/traces/" + shopID.String(): 1, "/api/v2/traces/" + shopID.String(): 1, "/api/traces/77": 0, "/api/search?" + asked("{}"): 0,
	} {
		opened = nil
		s.get(t, path)
		if len(opened) != want || want > 0 && opened[0] != shopID {
			t.Errorf("%s is noted as opening %v, want %d", path, opened, want)
		}
	}
}

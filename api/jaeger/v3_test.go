package jaeger

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/plaithq/plait/api/facetest"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/wire/otlp"
)

func TestAnswersOfTheThirdVersion(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	for name, path := range map[string]string{
		"v3_services":     "/api/v3/services",
		"v3_operations":   "/api/v3/operations?service=shop&span_kind=server",
		"v3_summaries":    "/api/v3/trace-summaries?query.serviceName=shop&query.startTimeMin=2026-11-21T09:00:00.000Z&query.startTimeMax=2026-11-21T11:00:00.000Z&query.searchDepth=20",
		"v3_trace":        "/api/v3/traces/" + strings.ToUpper(shopTraceID) + "?start_time=2026-11-21T09:00:00Z",
		"v3_trace_raw":    "/api/v3/traces/" + shopTraceID + "?raw_traces=true",
		"v3_dependencies": "/api/v3/dependencies?startTime=2026-11-21T09:00:00Z&endTime=2026-11-21T11:00:00Z",
		"v3_problem":      "/api/v3/traces?query.durationMin=fast",
		"v3_not_found":    "/api/v3/traces/77",
	} {
		t.Run(name, func(t *testing.T) {
			_, body := s.get(t, path)
			facetest.Golden(t, name, body)
		})
	}
}

func TestTheThirdVersionFindsTracesInBothSpellings(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t))
	for query, finds := range map[string]bool{
		"":                                true, // of any service
		"query.serviceName=shop":          true,
		"query.service_name=shop":         true,
		"query.service_name=nobody":       false,
		"query.operationName=GET%20/cart": true,
		"query.operation_name=none":       false,
		"query.attributes=%7B%22http.status_code%22:%22500%22%7D":           true,
		"query.attributes=%7B%22http.status_code%22:%22501%22%7D":           false,
		"query.duration_min=0.4s":                                           true,
		"query.durationMin=0.400001s":                                       false,
		"query.start_time_max=2026-11-21T10:00:00.123455Z":                  false,
		"query.startTimeMin=2026-11-21T10:00:00.123456Z&query.num_traces=5": true,
		"query.raw_traces=true&query.unheard=of":                            true,
	} {
		status, body := s.get(t, "/api/v3/traces?"+query)
		var a struct {
			Result json.RawMessage `json:"result"`
		}
		if err := json.Unmarshal(body, &a); err != nil || status != http.StatusOK {
			t.Fatalf("%s is answered %d (%v): %s", query, status, err, body)
		}
		traces, err := otlp.DecodeTracesJSON(a.Result)
		if err != nil || (len(traces.Spans) == len(shopTrace().Spans)) != finds || !finds && len(traces.Spans) > 0 {
			t.Errorf("%s finds %s (%v), want %v", query, body, err, finds)
		}
		_, body = s.get(t, "/api/v3/trace-summaries?"+query)
		if got := strings.Contains(string(body), shopTraceID); got != finds {
			t.Errorf("summaries of %s are %s, want %v", query, body, finds)
		}
	}
}

func TestWhatIsNoQuestionIsRefusedInTheThirdVersionsWords(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t))
	for path, want := range map[string]int{
		"/api/v3/services":                                    200,
		"/api/v3/operations":                                  400,
		"/api/v3/operations?service=a":                        200,
		"/api/v3/operations?service=%00":                      200,
		"/api/v3/traces":                                      200,
		"/api/v3/traces?query.searchDepth=-1":                 400,
		"/api/v3/traces?query.startTimeMin=x":                 400,
		"/api/v3/traces?query.attributes=%7B":                 400,
		"/api/v3/traces?a=;":                                  400,
		"/api/v3/trace-summaries":                             200,
		"/api/v3/trace-summaries?query.searchDepth=many":      400,
		"/api/v3/dependencies":                                200,
		"/api/v3/dependencies?endTime=x":                      400,
		"/api/v3/dependencies?start_time=2&end_time=1":        400,
		"/api/v3/traces/xyz":                                  400,
		"/api/v3/traces/1":                                    404,
		"/api/v3/nothing":                                     404,
		"/api/v3/":                                            404,
		"/api/v3/traces/" + strings.Repeat("7", 20_000):       400,
		"/api/v3/traces?query.serviceName=%00%ff&query.a=%ff": 200,
	} {
		status, body := s.get(t, path)
		var a struct {
			Error struct {
				HTTPCode int
				Message  string
			}
		}
		if err := json.Unmarshal(body, &a); err != nil || status != want || status >= 400 && (a.Error.HTTPCode != status || a.Error.Message == "") || strings.Contains(string(body), "null") {
			t.Errorf("%.80s is answered %d (%v), want %d: %.200s", path, status, err, want, body)
		}
	}
}

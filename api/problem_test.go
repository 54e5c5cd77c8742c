package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/plaithq/plait/api/ask"
)

// details asks for paths as they stand, and compares how each is answered.
func details(t *testing.T, g *gateway, want map[string]ask.Problem) {
	t.Helper()
	d := readDescription(t)
	for path, want := range want {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = path
		resp, body := do(t, req)
		for _, wrong := range d.validate("", resp, body) {
			t.Errorf("%s: %s", path, wrong)
		}
		var got ask.Problem
		if err := json.Unmarshal(body, &got); err != nil {
			t.Errorf("%s is answered %s: %v", path, body, err)
			continue
		}
		want.Title, got.Missing = http.StatusText(want.Status), nil
		if got != want || resp.StatusCode != want.Status {
			t.Errorf("%s is answered %d %+v, want %+v", path, resp.StatusCode, got, want)
		}
	}
}

func TestProblemsSayWhatIsWrongWithAQuestion(t *testing.T) {
	t.Parallel()
	trace := root + "/pivot/trace/" + knownTrace.String()
	unknownLog := strings.Repeat("A", 56)
	const hint = " (a semicolon in a value is %3B, a percent sign %25)"
	details(t, start(t, emptyStore(t)), map[string]ask.Problem{
		root + "/logs?limit=1;foo":             {Status: 400, Detail: "the query string is malformed: invalid semicolon separator in query" + hint},
		root + "/logs?limit=1&service=%zz":     {Status: 400, Detail: `the query string is malformed: invalid URL escape "%zz"` + hint},
		trace + "/logs?severity=error;x":       {Status: 400, Detail: "the query string is malformed: invalid semicolon separator in query" + hint},
		trace + "?limit=1":                     {Status: 400, Detail: `there is no parameter "limit" here, only slim`},
		trace + "/logs?severity=warn":          {Status: 404, Detail: "no span or log record of trace " + knownTrace.String() + " is stored"},
		trace:                                  {Status: 404, Detail: "no span or log record of trace " + knownTrace.String() + " is stored"},
		trace + "/logs":                        {Status: 404, Detail: "no span or log record of trace " + knownTrace.String() + " is stored"},
		trace + "/metrics":                     {Status: 404, Detail: "no span or log record of trace " + knownTrace.String() + " is stored"},
		root + "/pivot/trace/1234567890123456": {Status: 404, Detail: "no span or log record of trace 00000000000000001234567890123456 or 0000000000000000000462d53c8abac0 is stored"},
		root + "/pivot/log?id=" + unknownLog:   {Status: 404, Detail: "no log record " + unknownLog + " is stored"},
		trace + "/":                            {Status: 404, Detail: "there is nothing at this path; /openapi.json lists what there is"},
		root + "/service-map?limit=1&also=2":   {Status: 400, Detail: `there is no parameter "also" here, only bins, end, start`},
	})
}

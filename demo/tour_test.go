package demo

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestTourWorksAsPrinted types the tour's commands into one shell, against answers in the
// API's form, compact and indented.
func TestTourWorksAsPrinted(t *testing.T) {
	const id = "5759e988bd862e3fe1be46a994272793"
	for _, answer := range []string{
		`{"exemplars":[{"series":{"service":"storefront"},"trace_id":"` + id + `","trace":{"trace_id":"0"}}]}`,
		"{\n  \"exemplars\": [\n    {\n      \"trace_id\": \"" + id + "\"\n    }\n  ]\n}\n",
	} {
		var mu sync.Mutex
		var asked []string
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked = append(asked, r.URL.Path)
			mu.Unlock()
			if r.URL.Path == "/api/v1/pivot/metric" {
				if got := r.URL.Query().Get("query"); got != `traces_spanmetrics_latency{service="storefront"}` {
					t.Errorf("the query arrives as %s", got)
				}
				_, _ = w.Write([]byte(answer))
			}
		}))
		var script strings.Builder
		for line := range strings.Lines(Tour(api.URL+"/", "bin/plait")) {
			if command := strings.TrimSpace(line); strings.HasPrefix(command, "curl ") || strings.HasPrefix(command, "TRACE=") {
				script.WriteString(command + "\n")
			}
		}
		shell := exec.CommandContext(t.Context(), "sh", "-e")
		shell.Stdin = strings.NewReader(script.String())
		if out, err := shell.CombinedOutput(); err != nil {
			t.Errorf("the tour's commands: %v\n%s", err, out)
		}
		api.Close()
		metric := "/api/v1/pivot/metric"
		want := []string{metric, metric, "/api/v1/pivot/trace/" + id, "/api/v1/pivot/trace/" + id + "/logs"}
		if !slices.Equal(asked, want) {
			t.Errorf("the tour asks for %v, want %v", asked, want)
		}
	}
}

package api

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/plaithq/plait"
)

func TestWhoOpensATraceByItsIDIsNoted(t *testing.T) {
	t.Parallel()
	var opened []plait.TraceID
	g := start(t, excerptStore(t), func(_ *Config, d *Deps) { d.Opened = func(id plait.TraceID) { opened = append(opened, id) } })
	line := answerOf[logsAnswer](t, g, root+"/logs?limit=1&trace_id="+knownTrace.String()).Logs[0]
	const window = "start=1674982096478&end=1674982196272"
	of := root + "/pivot/trace/" + knownTrace.String()
	for path, want := range map[string]bool{
		of:                                    true,
		of + "?slim=1":                        true,
		of + "/logs":                          true,
		of + "/metrics":                       true,
		of + "/usual":                         true,
		of + "/span?span_id=11718eecbcc72451": true,
		root + "/pivot/trace/00000000000000001111111111111111":                    false,
		root + "/traces?limit=5&" + window:                                        false,
		root + "/logs?limit=5&traces=true&" + window:                              false,
		root + "/pivot/metric?query=traces_spanmetrics_latency&limit=2&" + window: false,
		root + "/spikes?" + window:                                                false,
		root + "/why-missing?id=" + knownTrace.String():                           false,
		root + "/pivot/log?lines=1&id=" + url.QueryEscape(line.ID):                true,
	} {
		opened = nil
		resp, body := g.get(t, path)
		if resp.StatusCode != http.StatusOK && want {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
		if got := slices.Contains(opened, knownTrace); got != want || len(opened) > 0 && !want {
			t.Errorf("%s is noted as opening %v, want the trace: %v", path, opened, want)
		}
	}
}

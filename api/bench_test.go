package api

import (
	"net/http"
	"testing"
)

// BenchmarkLookups asks over a socket for a trace of 30 spans and 11 log records, among those of
// the excerpt.
func BenchmarkLookups(b *testing.B) {
	g := start(b, excerptStore(b))
	for name, path := range map[string]string{
		"trace":  root + "/pivot/trace/" + knownTrace.String(),
		"logs":   root + "/pivot/trace/" + knownTrace.String() + "/logs",
		"search": root + "/logs?trace_id=" + knownTrace.String(),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if resp, body := g.get(b, path); resp.StatusCode != http.StatusOK {
					b.Fatalf("%s: %s", resp.Status, body)
				}
			}
		})
	}
}

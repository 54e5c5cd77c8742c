package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// links makes the addresses that answers point to.
type links struct{ base string }

const root = "/api/v1"

func newLinks(base string) links { return links{strings.TrimSuffix(base, "/")} }

// linksKey is where a request's context has the prefix that a proxy took off its path.
type linksKey struct{}

// forwardedPrefix is what proxies call it.
const forwardedPrefix = "X-Forwarded-Prefix"

// maxPrefix bounds a prefix in bytes.
const maxPrefix = 256

// withPrefix notes the prefix of a request's path. One that is no path is not believed.
func withPrefix(ctx context.Context, header http.Header) context.Context {
	prefix, _, _ := strings.Cut(header.Get(forwardedPrefix), ",")
	prefix = strings.TrimRight(strings.TrimSpace(prefix), "/")
	noPath := func(c rune) bool {
		return !strings.ContainsRune("/-._~", c) && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}
	if len(prefix) > maxPrefix || !strings.HasPrefix(prefix, "/") || strings.HasPrefix(prefix, "//") || strings.ContainsFunc(prefix, noPath) {
		return ctx
	}
	return context.WithValue(ctx, linksKey{}, prefix)
}

// linksFor makes the addresses of an answer: below the configured base, or else below the prefix that a
// proxy says it took off.
func (s *Server) linksFor(ctx context.Context) links {
	if prefix, ok := ctx.Value(linksKey{}).(string); ok && s.links.base == "" {
		return newLinks(prefix)
	}
	return s.links
}

func (l links) to(path string, query url.Values) string {
	address := l.base + root + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// traceLinks lead from a trace onwards.
type traceLinks struct {
	Trace   string `json:"trace"`
	Logs    string `json:"logs"`
	Metrics string `json:"metrics"`
}

func (l links) trace(id plait.TraceID) traceLinks {
	path := "/pivot/trace/" + id.String()
	return traceLinks{Trace: l.to(path, nil), Logs: l.to(path+"/logs", nil), Metrics: l.to(path+"/metrics", nil)}
}

// logLinks lead from a log record onwards.
type logLinks struct {
	Log   string `json:"log,omitempty"`
	Trace string `json:"trace,omitempty"`
}

func (l links) log(r *plait.LogRecord) logLinks {
	var to logLinks
	if r.ID != "" {
		to.Log = l.to("/pivot/log", url.Values{"id": {r.ID}})
	}
	if !r.TraceID.IsZero() {
		to.Trace = l.trace(r.TraceID).Trace
	}
	return to
}

// pivot leads from a query in a window to the traces behind it.
func (l links) pivot(query string, r plait.TimeRange) string {
	return l.to("/pivot/metric", url.Values{
		"query": {query},
		"start": {r.From.UTC().Format(time.RFC3339Nano)},
		"end":   {r.To.UTC().Format(time.RFC3339Nano)},
	})
}

// queryRange asks Plait's Prometheus API for a query's values.
func (l links) queryRange(query string, r plait.TimeRange) string {
	return l.base + "/prometheus/api/v1/query_range?" + url.Values{
		"query": {query},
		"start": {r.From.UTC().Format(time.RFC3339Nano)},
		"end":   {r.To.UTC().Format(time.RFC3339Nano)},
		"step":  {"15s"},
	}.Encode()
}

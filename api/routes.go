package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/tracecontext"
)

// endpoint is one question that can be asked.
type endpoint struct {
	path   string // as openapi.yaml has it
	params reflect.Type
	answer func(s *Server, c echo.Context, id string) error
}

// endpoints is all of them.
var endpoints = []endpoint{
	question("/pivot/metric", (*Server).pivotMetric),
	question(tracePath, (*Server).pivotTrace),
	question(tracePath+"/logs", (*Server).traceLogs),
	question(tracePath+"/metrics", (*Server).traceMetrics),
	question(tracePath+"/span", (*Server).traceSpan),
	question(tracePath+"/usual", (*Server).traceUsual),
	question("/pivot/log", (*Server).pivotLog),
	question("/heatmap", (*Server).heatmap),
	question("/compare", (*Server).compare),
	question("/logs", (*Server).searchLogs),
	question("/logs/volume", (*Server).logVolume),
	question("/log-templates", (*Server).logTemplates),
	question("/traces", (*Server).searchTraces),
	question("/spans/volume", (*Server).spanVolume),
	question("/service-map", (*Server).serviceMap),
	question("/services", (*Server).listServices),
	question("/intake", (*Server).intake),
	question("/about", (*Server).about),
	question("/correlation", (*Server).correlation),
	question("/why-missing", (*Server).whyMissing),
	question("/spikes", (*Server).spikes),
}

// question makes an endpoint of a function from parameters to an answer.
func question[P, A any](path string, f func(*Server, context.Context, P) (A, error)) endpoint {
	return endpoint{root + path, reflect.TypeFor[P](), func(s *Server, c echo.Context, id string) error {
		query, err := ask.ReadQuery(c.Request().URL)
		if err != nil {
			return err
		}
		params, err := ask.Parse[P](query, id)
		if err != nil {
			return err
		}
		ctx, release := s.memory.Begin(withPrefix(c.Request().Context(), c.Request().Header))
		defer release()
		answer, err := f(s, ctx, params)
		if err != nil {
			return err
		}
		return send(c, answer)
	}}
}

func send(c echo.Context, answer any) error {
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	c.Response().WriteHeader(http.StatusOK)
	e := json.NewEncoder(c.Response())
	e.SetEscapeHTML(false)
	return e.Encode(answer)
}

// tracePath ends in an id. Some spellings of ids have slashes in them, which a router would
// take for the path's own, so what follows the prefix is taken apart here.
const (
	tracePath = "/pivot/trace/{id}"
	tracesAt  = root + "/pivot/trace/"
)

// mount registers the endpoints with a router. They are in no group: a group with middleware
// answers wrong methods with 404.
func (s *Server) mount(e *echo.Echo, around ...echo.MiddlewareFunc) {
	byRest := map[string]endpoint{} // what follows a trace id
	for _, q := range endpoints {
		if rest, ok := strings.CutPrefix(q.path, root+tracePath); ok {
			byRest[rest] = q
			continue
		}
		get(e, q.path, func(c echo.Context) error { return q.answer(s, c, "") }, around...)
	}
	get(e, tracesAt+"*", func(c echo.Context) error {
		id, rest, err := splitTracePath(c.Request().URL)
		if err != nil {
			return err
		}
		return byRest[rest].answer(s, c, id)
	}, around...)
}

// splitTracePath returns the id and what follows it, "", "/logs", "/metrics", "/span" or "/usual", or echo.ErrNotFound
// for a path that nothing is at.
func splitTracePath(u *url.URL) (id, rest string, err error) {
	escaped := strings.TrimPrefix(u.EscapedPath(), tracesAt)
	for _, end := range []string{"/logs", "/metrics", "/span", "/usual"} {
		if before, ok := strings.CutSuffix(escaped, end); ok {
			escaped, rest = before, end
			break
		}
	}
	if id, err = url.PathUnescape(escaped); err != nil || id == "" || strings.HasSuffix(escaped, "/") || belowATrace(escaped) {
		return "", "", echo.ErrNotFound
	}
	return id, rest, nil
}

// slashesInIDs is how many slashes a spelling may have that nobody escaped: Google Cloud's
// projects/P/traces/T has three, base64 may have a few.
const slashesInIDs = 8

// belowATrace says that a path, escaped, is no id, but goes on after one.
func belowATrace(path string) bool {
	if !strings.Contains(path, "/") || isTraceID(path) {
		return false
	}
	at := 0
	for range slashesInIDs {
		next := strings.IndexByte(path[at:], '/')
		if next < 0 {
			return false
		}
		if isTraceID(path[:at+next]) {
			return true
		}
		at += next + 1
	}
	return false
}

func isTraceID(escaped string) bool {
	id, err := url.PathUnescape(escaped)
	return err == nil && len(tracecontext.ParseAll(id)) > 0
}

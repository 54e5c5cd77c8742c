package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/plaithq/plait"
)

// alive answers as long as the process does.
func (s *Server) alive(c echo.Context) error {
	return c.String(http.StatusOK, "ok\n")
}

// ready answers when the database does.
func (s *Server) ready(c echo.Context) error {
	if err := s.deps.Ready(c.Request().Context()); err != nil {
		return plait.OfKind(plait.ErrUnavailable, err)
	}
	return c.String(http.StatusOK, "ready\n")
}

// landing tells whoever opens the port in a browser what is here.
func (s *Server) landing(c echo.Context) error {
	return c.HTML(http.StatusOK, landingPage)
}

const landingPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Plait</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}code{background:#eee;padding:0 .3em}</style>
<h1>Plait</h1>
<p>Logs, traces and metrics, joined.</p>
<ul>
<li><a href="api/v1/traces?limit=20">the newest traces</a>, <a href="api/v1/traces?status=error">those that failed</a></li>
<li><a href="api/v1/logs?limit=50">the newest log records</a>, <a href="api/v1/logs?severity=error">errors</a></li>
<li><a href="api/v1/pivot/metric?query=traces_spanmetrics_latency">the traces behind the latency of the last hour</a></li>
<li><a href="api/v1/service-map">which service calls which</a></li>
<li><a href="metrics">metrics with exemplars</a>, for Prometheus to scrape</li>
<li><a href="openapi.json">the API</a>, also as <a href="openapi.yaml">YAML</a></li>
</ul>
</html>
`

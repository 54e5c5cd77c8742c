package api

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/plaithq/plait/api/ask"
)

// answerError writes every failure of the API.
func (s *Server) answerError(err error, c echo.Context) {
	status := http.StatusInternalServerError
	if routing, ok := errors.AsType[*echo.HTTPError](err); ok {
		status = routing.Code
	}
	p, retry := ask.ProblemOf(err, status)
	if missing, ok := errors.AsType[*notHere](err); ok {
		p.Missing = missing.why
	}
	ctx := c.Request().Context()
	if p.Status == http.StatusInternalServerError || p.Status == http.StatusServiceUnavailable {
		s.log.ErrorContext(ctx, "request not answered", "path", c.Request().URL.Path, "status", p.Status, "error", err)
	}
	if c.Response().Committed {
		return
	}
	if err := p.Write(c.Response(), retry); err != nil {
		s.log.DebugContext(ctx, "answer not sent", "error", err)
	}
}

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

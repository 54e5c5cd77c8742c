package api

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// gzipFrom is the size in bytes from which answers are compressed.
const gzipFrom = 1400

// compression answers in gzip who takes it. Echo's middleware looks for the word alone, which
// stands in a refusal of it, too.
func compression() echo.MiddlewareFunc {
	// Telemetry repeats itself: the fastest level leaves a tenth of it, at a third of the usual cost.
	compress := middleware.GzipWithConfig(middleware.GzipConfig{Level: gzip.BestSpeed, MinLength: gzipFrom})
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		compressed := compress(next)
		return func(c echo.Context) error {
			if takesGzip(c.Request().Header) {
				return compressed(c)
			}
			c.Response().Header().Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
			return next(c)
		}
	}
}

// takesGzip reads Accept-Encoding: gzip is taken where it is named with no weight or one above 0.
func takesGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(h.Get(echo.HeaderAcceptEncoding), ",") {
		name, parameter, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		key, weight, weighted := strings.Cut(parameter, "=")
		if !weighted || !strings.EqualFold(strings.TrimSpace(key), "q") {
			return true
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
		return err == nil && q > 0
	}
	return false
}

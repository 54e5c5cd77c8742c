package api

import (
	"fmt"
	"net/http"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"
)

// gzipFrom is the size in bytes from which answers are compressed.
const gzipFrom = 1400

// compression answers in gzip who takes it.
func compression() (echo.MiddlewareFunc, error) {
	// Telemetry repeats itself: the fastest level leaves a tenth of it, at a third of the usual cost. Encoders of
	// zstd take several times the memory of gzip's.
	wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.MinSize(gzipFrom), gzhttp.EnableZstd(false))
	if err != nil {
		return nil, fmt.Errorf("compress answers: %w", err)
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			plain := c.Response()
			wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				c.SetResponse(echo.NewResponse(w, c.Echo()))
				defer func() {
					if !c.Response().Committed { // whoever answers an error or a panic comes when compression has ended
						c.SetResponse(plain)
					}
				}()
				err = next(c)
			})).ServeHTTP(plain, c.Request())
			return err
		}
	}, nil
}

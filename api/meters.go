package api

import (
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// meters are what the API measures of itself.
type meters struct {
	seconds *prometheus.HistogramVec
}

func newMeters(r prometheus.Registerer) (*meters, error) {
	m := &meters{seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "plait_api_request_seconds",
		Help:    "Time to answer requests of the API, by route and status.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"route", "code"})}
	return m, r.Register(m.seconds)
}

// observe measures a request, and has a failure answered before.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		begin := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		route := c.Path()
		if route == "" {
			route = "none"
		}
		s.meters.seconds.WithLabelValues(route, strconv.Itoa(c.Response().Status)).Observe(time.Since(begin).Seconds())
		return nil
	}
}

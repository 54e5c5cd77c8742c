package main

import (
	"log/slog"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api"
	"github.com/plaithq/plait/api/jaeger"
	promapi "github.com/plaithq/plait/api/prometheus"
	"github.com/plaithq/plait/api/zipkin"
	"github.com/plaithq/plait/store"
)

// faces are the APIs that stand beside Plait's own.
func (c config) faces(st *store.Store, memory *plait.AnswerMemory, log *slog.Logger) ([]api.Face, error) {
	timeout, maxSpans := time.Duration(c.QueryTimeout), c.api().MaxSpans
	asJaeger, err := jaeger.NewHandler(jaeger.Config{Reader: st, Timeout: timeout, MaxSpans: maxSpans, Memory: memory, Logger: log})
	if err != nil {
		return nil, err
	}
	asZipkin, err := zipkin.NewHandler(zipkin.Config{
		Reader: st, Timeout: timeout, MaxSpans: maxSpans, Memory: memory, Ready: st.Ping, Version: version, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	return []api.Face{
		{Prefix: promapi.Prefix, Handler: promapi.NewHandler(promapi.Config{
			Storage: st.Metrics(), Ready: st.Ping, Timeout: timeout, Version: version, Logger: log,
		})},
		{Prefix: jaeger.Prefix, Handler: asJaeger},
		{Prefix: zipkin.Prefix, Handler: asZipkin},
	}, nil
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api"
	"github.com/plaithq/plait/api/jaeger"
	"github.com/plaithq/plait/api/loki"
	promapi "github.com/plaithq/plait/api/prometheus"
	"github.com/plaithq/plait/api/tempo"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/api/zipkin"
	"github.com/plaithq/plait/correlate/spikes"
	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/store"
)

// faces are the APIs that stand beside Plait's own.
func (c config) faces(st *store.Store, memory *plait.AnswerMemory, ended <-chan struct{}, log *slog.Logger) ([]api.Face, error) {
	timeout := time.Duration(c.QueryTimeout)
	ofTraces := tracesearch.Config{
		Timeout: timeout, MaxSpans: c.api().MaxSpans, Memory: memory, Ready: st.Ping, Opened: st.NoteOpened, Version: version, Logger: log,
	}
	asJaeger, err := jaeger.NewHandler(st, ofTraces)
	if err != nil {
		return nil, err
	}
	asZipkin, err := zipkin.NewHandler(st, ofTraces)
	if err != nil {
		return nil, err
	}
	asTempo, err := tempo.NewHandler(st, ofTraces)
	if err != nil {
		return nil, err
	}
	asLoki, err := c.loki(st, memory, ended, log)
	if err != nil {
		return nil, err
	}
	return []api.Face{
		{Prefix: promapi.Prefix, Handler: promapi.NewHandler(promapi.Config{
			Storage: st.Metrics(),
			Spikes:  func(ctx context.Context, q spikes.Question) (*spikes.Answer, error) { return spikes.Find(ctx, st, q) },
			Ready:   st.Ping, Timeout: timeout, Version: version, Logger: log,
		})},
		{Prefix: tempo.Prefix, Handler: asTempo},
		{Prefix: tempo.StreamPrefix, Handler: tempo.NewStreamHandler(st, ofTraces)},
		{Prefix: jaeger.Prefix, Handler: asJaeger},
		{Prefix: zipkin.Prefix, Handler: asZipkin},
		{Prefix: loki.Prefix, Handler: asLoki},
	}, nil
}

// loki is the API of Loki. Its tails end with the gateway.
func (c config) loki(st *store.Store, memory *plait.AnswerMemory, ended <-chan struct{}, log *slog.Logger) (http.Handler, error) {
	mapping, err := c.lokiMapping()
	if err != nil {
		return nil, err
	}
	return loki.NewHandler(loki.Config{
		Logs: st, Mapping: mapping, Timeout: time.Duration(c.QueryTimeout), Memory: memory, Version: version, Ended: ended, Logger: log,
	})
}

// lokiMapping says which attributes are labels, in LogQL and where log records go on to a Loki.
func (c config) lokiMapping() (*entry.Mapping, error) {
	attributes := c.LokiLabels
	if attributes == nil {
		attributes = entry.DefaultLabels()
	}
	mapping, err := entry.NewMapping(attributes)
	if err != nil {
		return nil, fmt.Errorf("--loki-labels: %w", err)
	}
	return mapping, nil
}

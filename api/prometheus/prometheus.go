// Package prometheus answers Prometheus's query API below /prometheus, with Prometheus's own
// engine and handlers, so that Grafana's Prometheus data source cannot tell the difference.
// The API server mounts its handler. It takes nothing in, and whatever Prometheus would
// answer from its scrape targets is answered from what was pushed.
//
// Everything that is particular to Prometheus's module is shut in here: its constructor
// changes with every release (upstream.go).
package prometheus

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/httputil"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/spikes"
)

// Prefix is the path below which the handler expects its requests.
const Prefix = "/prometheus"

// Storage is what the API reads. Its errors are taken for the database's failures, and the
// context of a query ends its work.
type Storage interface {
	storage.SampleAndChunkQueryable
	storage.ExemplarQueryable
	// Limited returns the same samples for queries that read pages of so many bytes: what needs more
	// than four of them at once for samples, or eight for series, ends with plait.ErrTooLarge.
	Limited(pageBytes int) storage.SampleAndChunkQueryable
	// Metadata returns what is known of a metric family, or of all when metric is empty, in
	// order of their names and at most limit of them. It is whole unless its bytes left some out.
	Metadata(ctx context.Context, metric string, limit int) (all []plait.MetricMetadata, whole bool, err error)
}

// Config says what queries may cost.
type Config struct {
	Storage Storage
	// Spikes finds what the series SpikesMetric tell; nil: there are none.
	Spikes func(context.Context, spikes.Question) (*spikes.Answer, error)
	// MaxSamples bounds the samples that a large query, of which one runs at a time, may hold in
	// memory; 0 means 5,000,000 (of 16 bytes each).
	MaxSamples int
	// Timeout ends a query; 0 means two minutes.
	Timeout time.Duration
	// Ready says whether the database can be asked; nil: it always can.
	Ready func(context.Context) error
	// Version is Plait's, shown as the revision of the build.
	Version string

	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil means that the engine's metrics are not collected
}

const (
	defaultMaxSamples = 3_000_000
	defaultTimeout    = 2 * time.Minute
	lookback          = 5 * time.Minute
)

// NewHandler returns the handler of everything below Prefix.
func NewHandler(c Config) http.Handler {
	if c.MaxSamples == 0 {
		c.MaxSamples = defaultMaxSamples
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) error { return nil }
	}
	promParser := parser.NewParser(parser.Options{
		EnableExperimentalFunctions:  true,
		ExperimentalDurationExpr:     true,
		EnableExtendedRangeSelectors: true,
		EnableBinopFillModifiers:     true,
	})
	engine := newEngines(c.queryable(), promql.EngineOpts{
		Logger:               c.Logger,
		Reg:                  c.Registerer,
		MaxSamples:           c.MaxSamples,
		Timeout:              c.Timeout,
		LookbackDelta:        lookback,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		EnablePerStepStats:   true,
		Parser:               promParser,
	})
	router := route.New().WithPrefix(Prefix + "/api/v1")
	newUpstream(c, engine, promParser).Register(router)

	mux := http.NewServeMux()
	lists := make(chan struct{}, listsAtOnce)
	mux.Handle("GET "+Prefix+"/api/v1/metadata", atOnce(lists, httputil.CompressionHandler{Handler: &metadataHandler{storage: c.Storage}}))
	for _, path := range []string{"series", "labels", "label/"} {
		mux.Handle(Prefix+"/api/v1/"+path, atOnce(lists, router))
	}
	mux.Handle("POST "+Prefix+"/api/v1/read", newRemoteRead(c))
	mux.HandleFunc(Prefix+"/-/healthy", say("Plait is healthy.\n"))
	mux.HandleFunc(Prefix+"/-/ready", whenReady(c.Ready, say("Plait is ready to answer PromQL.\n")))
	mux.Handle(Prefix+"/api/v1/query_exemplars", atOnce(lists, emptyList(router)))
	mux.Handle(Prefix+"/", router)
	return singleSlashes(escapedNames(smallQueries(normalTimes(withTimeout(c.Timeout, retryAfter(mux))))))
}

// queryable returns what makes the storage of queries that read pages of so many bytes.
func (c Config) queryable() func(pageBytes int) storage.Queryable {
	slots := make(chan struct{}, spikesAtOnce)
	return func(pageBytes int) storage.Queryable {
		if c.Spikes == nil {
			return c.Storage.Limited(pageBytes)
		}
		return &withSpikes{c.Storage.Limited(pageBytes), c.Spikes, slots}
	}
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(text)) // a client that is gone needs no answer
	}
}

func whenReady(ready func(context.Context) error, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			http.Error(w, "The database cannot be asked.", http.StatusServiceUnavailable)
			return
		}
		next(w, r)
	}
}

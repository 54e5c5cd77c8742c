package prometheus

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/notifications"
	v1 "github.com/prometheus/prometheus/web/api/v1"

	"github.com/plaithq/plait"
)

// compatible is the version of Prometheus whose behaviour this is. Data sources choose by it
// what they may ask.
const compatible = "3.15.0"

// noOrigin matches none: pages of other sites may not read what the browser of an engineer on call
// can reach. Grafana asks from its server.
var noOrigin = regexp.MustCompile(`$^.`)

// newUpstream calls Prometheus's constructor, an argument a line.
func newUpstream(c Config, engine promql.QueryEngine, promParser parser.Parser) *v1.API {
	own := prometheus.NewRegistry() // for metrics that nobody looks at
	promauto.With(own).NewGauge(prometheus.GaugeOpts{
		Name: "prometheus_tsdb_head_chunks", Help: "What /status/tsdb shows: there is no head in memory.",
	})
	began := time.Now()
	return v1.NewAPI(
		engine,
		c.Storage.Limited(listPage), // series and labels: samples are the engine's
		nil,                         // appender
		nil,                         // appender, version 2
		c.Storage,                   // exemplars
		func(context.Context) v1.ScrapePoolsRetriever { return nothing{} },
		func(context.Context) v1.TargetRetriever { return nothing{} },
		func(context.Context) v1.AlertmanagerRetriever { return nothing{} },
		func() config.Config { return config.DefaultConfig },
		map[string]string{},   // flags
		v1.GlobalURLOptions{}, // for links to alerts
		func(next http.HandlerFunc) http.HandlerFunc { return next }, // always ready
		nothing{}, // TSDB statistics
		"",        // data directory
		false,     // admin endpoints
		false,     // search endpoints
		0,         // limit of search
		c.Logger,
		func(context.Context) v1.RulesRetriever { return nothing{} },
		0, 0, 0, // bounds of remote read, which has a handler of its own
		false, // agent
		noOrigin,
		func() (v1.RuntimeInfo, error) {
			return v1.RuntimeInfo{
				StartTime: began, ServerTime: time.Now(), ReloadConfigSuccess: true, LastConfigTime: began,
				GoroutineCount: runtime.NumGoroutine(), GOMAXPROCS: runtime.GOMAXPROCS(0),
			}, nil
		},
		&v1.PrometheusVersion{Version: compatible, Revision: c.Version, Branch: "plait", GoVersion: runtime.Version()},
		func() []notifications.Notification { return nil },
		func() (<-chan notifications.Notification, func(), bool) { return nil, nil, false },
		own, // gatherer of its own metrics
		own, // registerer
		nil, // statistics renderer
		false,
		nil, // remote write, which comes in by ingest
		false,
		false,
		false, // OTLP, likewise
		false, // start times as zero samples
		lookback,
		false, // type and unit labels
		false, // metadata in the WAL
		overrideErrorCode,
		features.NewRegistry(),
		v1.OpenAPIOptions{},
		promParser,
	)
}

// overrideErrorCode answers 503 where it is the database that fails, or time that runs out, as the
// engine's own limit of time is answered. Its first parameter has a type that Prometheus does
// not export.
func overrideErrorCode[kind ~int](_ kind, err error) (int, bool) {
	if _, ok := errors.AsType[promql.ErrStorage](err); ok || errors.Is(err, plait.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		return http.StatusServiceUnavailable, true
	}
	return 0, false
}

// nothing stands for those parts of a Prometheus server that a Plait has none of: scraping,
// rules, alerts, a TSDB.
type nothing struct{}

var errNoTSDB = errors.New("samples are in Postgres: there is no TSDB to administer")

func (nothing) ScrapePools() []string                      { return []string{} }
func (nothing) TargetsActive() map[string][]*scrape.Target { return nil }
func (nothing) TargetsDropped() map[string][]*scrape.Target {
	return nil
}
func (nothing) TargetsDroppedCounts() map[string]int { return nil }
func (nothing) ScrapePoolConfig(string) (*config.ScrapeConfig, error) {
	return nil, errors.New("nothing is scraped")
}
func (nothing) Alertmanagers() []*url.URL            { return nil }
func (nothing) DroppedAlertmanagers() []*url.URL     { return nil }
func (nothing) RuleGroups() []*rules.Group           { return nil }
func (nothing) AlertingRules() []*rules.AlertingRule { return nil }
func (nothing) CleanTombstones() error               { return errNoTSDB }
func (nothing) Snapshot(string, bool) error          { return errNoTSDB }
func (nothing) BlockMetas() ([]tsdb.BlockMeta, error) {
	return nil, nil
}
func (nothing) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	return tsdb.WALReplayStatus{}, nil
}
func (nothing) Delete(context.Context, int64, int64, ...*labels.Matcher) error { return errNoTSDB }
func (nothing) Stats(string, int) (*tsdb.Stats, error) {
	return &tsdb.Stats{IndexPostingStats: &index.PostingsStats{}}, nil
}

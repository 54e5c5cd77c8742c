package api

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/correlate/health"
	"github.com/plaithq/plait/sockets"
)

// Config says where the API listens and how long it works on a question. Start from
// DefaultConfig.
type Config struct {
	// Addr is the host:port to listen on.
	Addr string
	// BaseURL is put before the paths in links: the address at which readers find the API, or the path
	// alone under which a proxy serves it. Empty leaves links as paths, below the prefix that a proxy
	// says it took off (X-Forwarded-Prefix).
	BaseURL string
	// AllowedHosts are names of the gateway for requests over loopback, besides localhost and
	// loopback addresses: exact, "*.example.com" or "*".
	AllowedHosts []string
	// MaxConnections bounds the connections. Beyond it a new one takes the place of an idle one.
	MaxConnections int
	// QueryTimeout is how long one question may take.
	QueryTimeout time.Duration
	// MaxSpans bounds the spans of a trace that are read, MaxLogs its log records.
	MaxSpans, MaxLogs int
	// AnswerBytes bounds the telemetry in all answers that are built at the same time.
	AnswerBytes int64
	// ShutdownGrace is how long Run lets questions finish that are being answered.
	ShutdownGrace time.Duration
}

// DefaultConfig is what plait serve starts with.
func DefaultConfig() Config {
	return Config{
		Addr:           "127.0.0.1:7080",
		MaxConnections: 1024,
		QueryTimeout:   30 * time.Second,
		MaxSpans:       20_000,
		MaxLogs:        20_000,
		AnswerBytes:    32 << 20,
		ShutdownGrace:  20 * time.Second,
	}
}

// Validate says which setting cannot be used, as a *plait.SettingError.
func (c Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return &plait.SettingError{Field: "Addr", Problem: fmt.Sprintf("%q is not host:port", c.Addr)}
	}
	if !isBaseURL(c.BaseURL) {
		return &plait.SettingError{Field: "BaseURL", Problem: fmt.Sprintf("%q is not like https://plait.example.com/prefix or /prefix", c.BaseURL)}
	}
	for _, n := range []struct {
		field string
		value int64
	}{
		{"MaxConnections", int64(c.MaxConnections)}, {"QueryTimeout", int64(c.QueryTimeout)}, {"ShutdownGrace", int64(c.ShutdownGrace)},
		{"MaxSpans", int64(c.MaxSpans)}, {"MaxLogs", int64(c.MaxLogs)}, {"AnswerBytes", c.AnswerBytes},
	} {
		if n.value <= 0 {
			return &plait.SettingError{Field: n.field, Problem: fmt.Sprintf("%d is not more than 0", n.value)}
		}
	}
	if err := sockets.CheckHostNames(c.AllowedHosts); err != nil {
		return &plait.SettingError{Field: "AllowedHosts", Problem: plait.Message(err)}
	}
	return nil
}

// isBaseURL says whether links can begin with a text.
func isBaseURL(base string) bool {
	u, err := url.Parse(base)
	if err != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	web := (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	path := u.Scheme == "" && u.Host == "" && strings.HasPrefix(base, "/")
	return base == "" || web || path
}

// Deps are what a Server works with. The five readers are required.
type Deps struct {
	Traces   correlate.TraceReader
	Logs     correlate.LogReader
	Metrics  correlate.MetricReader
	Services ServiceLister
	Volumes  VolumeReader

	// Intake tells what became of requests with telemetry, by door; nil: nothing.
	Intake func() []plait.IntakeReport
	// Limited tells when limits of ingest left records out, in stretches that overlap a range, the newest first; nil: never.
	Limited func(context.Context, plait.TimeRange) ([]plait.Limited, error)
	// Noticed tells what was noticed of each service while a range passed; nil: nothing.
	Noticed func(plait.TimeRange) map[string]health.Noticed
	// Opened is told of each trace that somebody opened by its id, and returns at once; nil: nobody is told.
	Opened func(plait.TraceID)
	// About is what the program is and how it is set.
	About About
	// Ready says whether the database can be asked; nil: it always can.
	Ready func(context.Context) error
	// Gatherer is what /metrics shows; nil: nothing.
	Gatherer prometheus.Gatherer
	// Memory is what the answers of the API and of its faces share; nil: Config.AnswerBytes for the API alone.
	Memory *plait.AnswerMemory
	// Faces are other APIs on the same port: those that Grafana's data sources speak.
	Faces []Face
	// Page is the page in the browser; nil: none.
	Page Page

	Logger     *slog.Logger          // nil: slog.Default
	Registerer prometheus.Registerer // nil: metrics are kept to itself
	Now        func() time.Time      // nil: time.Now
}

// About is what the program is and how it is set.
type About struct {
	Version string
	// RetentionTraces, RetentionLogs and RetentionMetrics are how long telemetry is kept.
	RetentionTraces, RetentionLogs, RetentionMetrics time.Duration
	// GrafanaURL is where a Grafana shows this gateway's data, empty where none is known.
	GrafanaURL string
	// PrivatePostgres says that the gateway runs its Postgres by itself.
	PrivatePostgres bool
	// IngestAddr and OTLPGRPCAddr are where the doors listen.
	IngestAddr, OTLPGRPCAddr string
}

// Face is an API beside Plait's own.
type Face struct {
	// Prefix is the path below which it answers, without a slash at its end: "/prometheus".
	Prefix string
	// Handler gets the requests with their paths as they came in.
	Handler http.Handler
}

// Page is the files that a browser shows.
type Page interface {
	http.Handler
	// Paths lists where they are. A path that ends in /* stands for all below it.
	Paths() []string
}

func (d *Deps) setDefaults() {
	if d.Ready == nil {
		d.Ready = func(context.Context) error { return nil }
	}
	if d.Limited == nil {
		d.Limited = func(context.Context, plait.TimeRange) ([]plait.Limited, error) { return nil, nil }
	}
	if d.Opened == nil {
		d.Opened = func(plait.TraceID) {}
	}
	if d.Noticed == nil {
		d.Noticed = func(plait.TimeRange) map[string]health.Noticed { return nil }
	}
	if d.Intake == nil {
		d.Intake = func() []plait.IntakeReport { return nil }
	}
	if d.Gatherer == nil {
		d.Gatherer = prometheus.NewRegistry()
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.Registerer == nil {
		d.Registerer = prometheus.NewRegistry()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
}

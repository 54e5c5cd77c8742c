package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/correlate/health"
	"github.com/plaithq/plait/exemplars"
	"github.com/plaithq/plait/forward"
	"github.com/plaithq/plait/ingest"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/web"
)

// What rooms ask of one another, without naming each other.
var (
	_ ingest.Writer          = (*store.Store)(nil)
	_ ingest.SpanObserver    = (*exemplars.Generator)(nil)
	_ ingest.LimitObserver   = (*store.Store)(nil)
	_ correlate.TraceReader  = (*store.Store)(nil)
	_ correlate.LogReader    = (*store.Store)(nil)
	_ correlate.MetricReader = (*store.Store)(nil)
)

type serveCommand struct {
	config      `prefix:""`
	PrintConfig bool `help:"Print the settings as YAML, after flags, environment and file, and end."`
}

// Run runs the gateway until the context ends.
func (c *serveCommand) Run(ctx context.Context, std console) error {
	if c.PrintConfig {
		return c.print(std.out)
	}
	return serve(ctx, c.config, newLogger(std.err, c.LogLevel, c.LogFormat), nil)
}

// serve runs the gateway until ctx ends, then stops it in good order. whenReady, if given, is
// called once all listeners answer, and runs beside the gateway; when it returns an error the
// gateway stops.
//
// It reads from top to bottom as the gateway starts, and the defers run from bottom to top as
// it stops: doors refuse, what was taken in is committed, the histograms are written a last
// time, the pools close, the private Postgres shuts down.
func serve(ctx context.Context, c config, log *slog.Logger, whenReady func(context.Context, endpoints) error) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(c.MemoryLimit))
	}
	c.warnIfExposed(log)
	registry := newRegistry()

	// Before a Postgres is made, which takes a while.
	if err := c.probePorts(ctx); err != nil {
		return err
	}
	db, err := openDatabase(ctx, c.databaseConfig, c.PostgresListen, log)
	if err != nil {
		return err
	}
	defer db.close()

	st, err := store.Open(ctx, c.store(db.url, log, registry))
	if err != nil {
		return err
	}
	defer st.Close()

	histograms, err := exemplars.New(c.exemplars(st, log, registry))
	if err != nil {
		return err
	}
	forwarder, err := c.forwarder(ctx, st, registry, log)
	if err != nil {
		return err
	}
	watch := health.NewWatch(st, time.Now)
	doors, err := ingest.New(c.ingest(), ingest.Deps{Writer: watch, DigestKey: st.DigestKey(), Spans: histograms, Limits: st, Logger: log, Registerer: registry})
	if err != nil {
		return err
	}
	answers, err := c.answers(ctx, st, watch, doors, registry, log)
	if err != nil {
		return err
	}
	if err := doors.Listen(); err != nil {
		return err
	}
	if err := answers.Listen(); err != nil {
		return errors.Join(err, doors.Shutdown(ctx))
	}
	at := endpoints{ingest: "http://" + doors.HTTPAddr().String(), grpc: doors.GRPCAddr().String(), api: "http://" + answers.Addr().String()}
	log.Info("plait is ready", "version", version, "otlp_http", at.ingest, "otlp_grpc", at.grpc, "api", at.api)
	parts := []part{{"histograms", histograms.Run}, {"api", answers.Run}, {"ingest", doors.Run}}
	if forwarder != nil {
		parts = append([]part{{"forward", forwarder.Run}}, parts...)
	}
	if whenReady != nil {
		parts = append(parts, part{"demo", func(ctx context.Context) error { return whenReady(ctx, at) }})
	}
	defer log.Info("plait has stopped")
	defer context.AfterFunc(ctx, func() { log.Info("stopping: what was taken in is finished, nothing more is taken") })()
	return runParts(ctx, db.failed(), parts)
}

// answers makes what answers questions: Plait's own API, and the faces beside it.
func (c config) answers(ctx context.Context, st *store.Store, watch *health.Watch, doors *ingest.Server, registry *prometheus.Registry, log *slog.Logger) (*api.Server, error) {
	memory := plait.NewAnswerMemory(c.api().AnswerBytes)
	faces, err := c.faces(st, memory, ctx.Done(), log)
	if err != nil {
		return nil, err
	}
	page, err := web.New()
	if err != nil {
		return nil, err
	}
	return api.New(c.api(), api.Deps{
		Traces: st, Logs: st, Metrics: st, Services: st, Volumes: st, Ready: st.Ping, Gatherer: registry, Logger: log, Registerer: registry,
		Intake: doors.Intake, Limited: st.Limited, Noticed: watch.Noticed, Opened: st.NoteOpened, About: c.about(),
		Memory: memory, Faces: faces, Page: page,
	})
}

// probePorts says which address cannot be listened on.
func (c config) probePorts(ctx context.Context) error {
	for _, a := range c.listeners() {
		if a.addr == "" {
			continue
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.addr)
		if err != nil {
			return fmt.Errorf("--%s: %w", a.flag, err)
		}
		defer l.Close() // after all of them, which must differ
	}
	return nil
}

// endpoints are where a running gateway listens.
type endpoints struct {
	ingest string // base URL of OTLP/HTTP
	grpc   string // host:port of OTLP/gRPC
	api    string // base URL of the API
}

func (c config) store(databaseURL string, log *slog.Logger, registry *prometheus.Registry) store.Config {
	return store.Config{
		DatabaseURL:      databaseURL,
		RetentionTraces:  time.Duration(c.RetentionTraces),
		RetentionLogs:    time.Duration(c.RetentionLogs),
		RetentionMetrics: time.Duration(c.RetentionMetrics),
		Thin:             c.thin(),
		Outbox:           forward.Encoding(),
		Logger:           log,
		Registerer:       registry,
	}
}

func (c *config) thin() store.ThinPolicy {
	return store.ThinPolicy{
		After: time.Duration(c.ThinAfter), Keep: float64(c.ThinKeep), Services: c.ThinServices.shares(),
		SlowerThan: c.ThinSlowerThan, RareBelow: c.ThinRareBelow, MaxPerSecond: c.ThinMaxRate, KeepOpened: c.ThinKeepOpened,
	}
}

func (c config) exemplars(w exemplars.Writer, log *slog.Logger, registry *prometheus.Registry) exemplars.Config {
	out := exemplars.Config{Writer: w, MaxSeries: c.MaxSeries, Logger: log, Registerer: registry}
	if c.GatewayName != "" {
		out.Labels = plait.Labels{{Name: "instance", Value: c.GatewayName}}
	}
	return out
}

func (c config) ingest() ingest.Config {
	in := ingest.DefaultConfig()
	in.HTTPAddr, in.GRPCAddr, in.JaegerGRPCAddr, in.XRayAddr = c.IngestAddr, c.OTLPGRPCAddr, c.JaegerGRPCAddr, c.XRayAddr
	in.MaxBodyBytes, in.MaxInFlightBytes = int64(c.MaxBody), int64(c.MaxInFlight)
	in.MaxSpansPerSecond, in.MaxRecordsPerSecond = c.MaxSpansPerSecond, c.MaxRecordsPerSecond
	in.ServiceLimits = c.Limits.list
	in.MaxConnections, in.ShutdownGrace = c.MaxConnections, time.Duration(c.Grace)
	in.AllowedOrigins, in.AllowedHosts = c.CORSAllowedOrigins, c.AllowedHosts
	in.PromoteResourceAttributes = c.PromoteResourceAttributes
	return in
}

// about is what readers are told of the gateway.
func (c config) about() api.About {
	return api.About{
		Version: version, GrafanaURL: c.GrafanaURL, PrivatePostgres: c.DatabaseURL == "",
		RetentionTraces: time.Duration(c.RetentionTraces), RetentionLogs: time.Duration(c.RetentionLogs), RetentionMetrics: time.Duration(c.RetentionMetrics),
		IngestAddr: c.IngestAddr, OTLPGRPCAddr: c.OTLPGRPCAddr,
	}
}

func (c config) api() api.Config {
	out := api.DefaultConfig()
	out.Addr, out.QueryTimeout, out.ShutdownGrace = c.APIAddr, time.Duration(c.QueryTimeout), time.Duration(c.Grace)
	out.BaseURL, out.AllowedHosts, out.MaxConnections = c.ExternalURL, c.AllowedHosts, c.MaxConnections
	return out
}

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/plaithq/plait/store"
)

// databaseConfig says which Postgres to use.
type databaseConfig struct {
	DatabaseURL string `help:"A Postgres 15 or newer to use, as postgres://user:password@host/database. Without it Plait runs a private Postgres below --data-dir." placeholder:"URL" yaml:"database-url"`
	DataDir     string `help:"Where the private Postgres lives." default:"./plait-data" type:"path" placeholder:"DIR" yaml:"data-dir"`
}

// config is every setting of the gateway. Flags go before environment variables (PLAIT_ and
// the flag's name in capitals), these before the YAML file, whose keys are the flags' names.
type config struct {
	ConfigFile kong.ConfigFlag `name:"config" help:"YAML file with settings; its keys are the names of the flags." placeholder:"FILE" yaml:"-"`

	databaseConfig `yaml:",inline"`

	PostgresListen string `help:"Where the private Postgres may be asked over TCP by readers' roles (plait migrate reader-role makes one), such as 127.0.0.1:5433. Without it only its own user can, by the socket." placeholder:"ADDR" yaml:"postgres-listen"`

	OTLPGRPCAddr string `name:"otlp-grpc-addr" help:"Where OTLP/gRPC is taken in." default:"127.0.0.1:4317" placeholder:"ADDR" yaml:"otlp-grpc-addr"`
	IngestAddr   string `help:"Where OTLP/HTTP and every other way in over HTTP is served." default:"127.0.0.1:4318" placeholder:"ADDR" yaml:"ingest-addr"`
	APIAddr      string `name:"api-addr" help:"Where queries, pivots and /metrics are served." default:"127.0.0.1:7080" placeholder:"ADDR" yaml:"api-addr"`

	RetentionTraces  period `help:"How long spans are kept." default:"7d" placeholder:"PERIOD" yaml:"retention-traces"`
	RetentionLogs    period `help:"How long log records are kept." default:"7d" placeholder:"PERIOD" yaml:"retention-logs"`
	RetentionMetrics period `help:"How long samples and exemplars are kept." default:"30d" placeholder:"PERIOD" yaml:"retention-metrics"`

	MaxBody      byteSize      `help:"Largest request taken in, after decompression." default:"16MiB" placeholder:"SIZE" yaml:"max-body"`
	MaxInFlight  byteSize      `help:"Memory for requests that wait for their commit; above it senders are asked to come back." default:"64MiB" placeholder:"SIZE" yaml:"max-in-flight"`
	MemoryLimit  byteSize      `help:"Soft limit of the process's memory, without Postgres. GOMEMLIMIT in the environment goes before it." default:"220MiB" placeholder:"SIZE" yaml:"memory-limit"`
	MaxSeries    int           `help:"Most combinations of service, operation, kind and status that get histograms of their own; what is above is folded and counted." default:"5000" placeholder:"N" yaml:"max-series"`
	GatewayName  string        `help:"Name of this gateway, needed when several share a database: the series that it derives from spans carry it as the label instance, so that their counters do not mix." placeholder:"NAME" yaml:"gateway-name"`
	QueryTimeout time.Duration `help:"Longest time for one query." default:"30s" placeholder:"DURATION" yaml:"query-timeout"`
	Grace        time.Duration `help:"How long an orderly stop may take." default:"20s" placeholder:"DURATION" yaml:"grace"`

	PromoteResourceAttributes []string `help:"Resource attributes that OTLP metrics get as labels, besides target_info." placeholder:"KEY" yaml:"promote-resource-attributes"`

	LogLevel  string `help:"Level of Plait's own log: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL" yaml:"log-level"`
	LogFormat string `help:"Format of Plait's own log: text or json." enum:"text,json" default:"text" placeholder:"FORMAT" yaml:"log-format"`
}

// Validate checks what flags alone cannot. Kong calls it once all sources are read.
func (c *config) Validate() error {
	for _, a := range []struct{ flag, addr string }{
		{"otlp-grpc-addr", c.OTLPGRPCAddr}, {"ingest-addr", c.IngestAddr}, {"api-addr", c.APIAddr},
	} {
		if _, port, err := net.SplitHostPort(a.addr); err != nil || !isPort(port) {
			return fmt.Errorf("--%s: %q is not an address with a port up to 65535, such as 127.0.0.1:4318", a.flag, a.addr)
		}
	}
	if err := c.validatePostgresListen(); err != nil {
		return err
	}
	for _, r := range []struct {
		flag string
		p    period
	}{{"retention-traces", c.RetentionTraces}, {"retention-logs", c.RetentionLogs}, {"retention-metrics", c.RetentionMetrics}} {
		if d := time.Duration(r.p); d < time.Hour || d > store.MaxRetention {
			return fmt.Errorf("--%s: %s is not between 1h and %s: each day is a partition, and a question without a time opens them all",
				r.flag, r.p, period(store.MaxRetention))
		}
	}
	if c.MaxBody < 1<<16 || c.MaxInFlight < c.MaxBody {
		return errors.New("--max-body must be at least 64KiB and not above --max-in-flight")
	}
	if c.MaxSeries < 1 || c.QueryTimeout <= 0 || c.Grace <= 0 {
		return errors.New("--max-series, --query-timeout and --grace must be positive")
	}
	return c.validate()
}

func (c *config) validatePostgresListen() error {
	if c.PostgresListen == "" {
		return nil
	}
	if _, port, err := net.SplitHostPort(c.PostgresListen); err != nil || !isPort(port) || port == "0" {
		return fmt.Errorf("--postgres-listen: %q is not an address with a port from 1 to 65535, such as 127.0.0.1:5433", c.PostgresListen)
	}
	if c.DatabaseURL != "" {
		return errors.New("--postgres-listen is for the private Postgres; the one of --database-url listens where its own settings say")
	}
	return nil
}

func (c *databaseConfig) validate() error {
	if c.DatabaseURL == "" {
		return nil
	}
	u, err := url.Parse(c.DatabaseURL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return errors.New("--database-url: not a URL such as postgres://user:password@host:5432/database")
	}
	return nil
}

// print writes the settings as YAML that --config takes, with the database password masked.
func (c config) print(w io.Writer) error {
	if u, err := url.Parse(c.DatabaseURL); err == nil && c.DatabaseURL != "" {
		c.DatabaseURL = u.Redacted()
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return fmt.Errorf("print the settings: %w", err)
	}
	return e.Close()
}

// newLogger makes Plait's own log, which goes to w.
func newLogger(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // the flag takes no other than these levels
	options := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// warnIfExposed says when somebody else's machine can reach the gateway, which asks for no password.
func (c *config) warnIfExposed(log *slog.Logger) {
	for _, a := range []string{c.OTLPGRPCAddr, c.IngestAddr, c.APIAddr} {
		if !isLoopback(a) {
			log.Warn("this address can be reached from other machines, and no token is asked for", "addr", a)
		}
	}
	if c.PostgresListen != "" && !isLoopback(c.PostgresListen) {
		log.Warn("the private Postgres can be reached from other machines: readers need their password, but what they read is not encrypted on its way", "addr", c.PostgresListen)
	}
}

func isLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api"
	"github.com/plaithq/plait/bytesize"
	"github.com/plaithq/plait/duration"
	"github.com/plaithq/plait/ingest"
	"github.com/plaithq/plait/store"
)

// databaseConfig says which Postgres to use.
type databaseConfig struct {
	DatabaseURL string `help:"A Postgres 15 or newer to use, as postgres://user:password@host/database or as keywords and values. Without it Plait runs a private Postgres below --data-dir." placeholder:"URL" yaml:"database-url"`
	DataDir     string `help:"Where the private Postgres lives." default:"./plait-data" type:"path" placeholder:"DIR" yaml:"data-dir"`
}

// config is every setting of the gateway. Flags go before environment variables (PLAIT_ and
// the flag's name in capitals), these before the YAML file, whose keys are the flags' names.
type config struct {
	ConfigFile kong.ConfigFlag `name:"config" help:"YAML file with settings; its keys are the names of the flags." placeholder:"FILE" yaml:"-"`

	databaseConfig `yaml:",inline"`

	PostgresListen string `help:"Where the private Postgres may be asked over TCP by readers' roles (plait migrate reader-role makes one), such as 127.0.0.1:5433. Without it only its own user can, by the socket." placeholder:"ADDR" yaml:"postgres-listen"`

	OTLPGRPCAddr   string `name:"otlp-grpc-addr" help:"Where OTLP/gRPC is taken in." default:"${otlp_grpc_addr}" placeholder:"ADDR" yaml:"otlp-grpc-addr"`
	IngestAddr     string `help:"Where OTLP/HTTP and every other way in over HTTP is served." default:"${ingest_addr}" placeholder:"ADDR" yaml:"ingest-addr"`
	JaegerGRPCAddr string `name:"jaeger-grpc-addr" help:"Where gRPC is taken in as well, for senders that have the port of Jaeger's collector set, such as 127.0.0.1:14250. Nowhere by default." placeholder:"ADDR" yaml:"jaeger-grpc-addr"`
	XRayAddr       string `name:"xray-addr" help:"Where datagrams of AWS X-Ray's SDKs are taken in over UDP, such as 127.0.0.1:2000. Nowhere by default." placeholder:"ADDR" yaml:"xray-addr"`
	APIAddr        string `name:"api-addr" help:"Where queries, pivots and /metrics are served." default:"${api_addr}" placeholder:"ADDR" yaml:"api-addr"`

	RetentionTraces  duration.Duration `help:"How long spans are kept." default:"7d" placeholder:"DURATION" yaml:"retention-traces"`
	RetentionLogs    duration.Duration `help:"How long log records are kept." default:"7d" placeholder:"DURATION" yaml:"retention-logs"`
	RetentionMetrics duration.Duration `help:"How long samples and exemplars are kept." default:"30d" placeholder:"DURATION" yaml:"retention-metrics"`

	ThinAfter      duration.Duration `help:"How long after its end a day's traces are made fewer, with their log records: those that failed, were slow, are rare, were opened by somebody or have an exemplar from outside are kept, and a share of the rest (docs/operations.md). 0s is never." default:"0s" placeholder:"DURATION" yaml:"thin-after"`
	ThinKeep       share             `help:"The share of a thinned day's other traces that is kept, chosen by their ids." default:"10%" placeholder:"PERCENT" yaml:"thin-keep"`
	ThinServices   thinServices      `help:"The share that thinning keeps of the traces through single services, as a list in YAML (docs/operations.md). Of a trace through several the highest counts." placeholder:"YAML" yaml:"thin-services"`
	ThinSlowerThan float64           `help:"Thinning keeps traces with a span that took more than so many times what 95 % of its operation's spans of the day took; 0 keeps none for that." default:"2" placeholder:"N" yaml:"thin-slower-than"`
	ThinRareBelow  int64             `help:"Thinning keeps traces with a span of an operation that had fewer than so many traces on that day; 0 keeps none for that." default:"50" placeholder:"N" yaml:"thin-rare-below"`
	ThinKeepOpened bool              `help:"Thinning keeps traces that somebody opened by their ids, over any of the APIs." default:"true" negatable:"" yaml:"thin-keep-opened"`
	ThinMaxRate    float64           `help:"Thinning keeps at most so many of the other traces of each hour, on an average in a second; 0 means as many as --thin-keep says." default:"0" placeholder:"N" yaml:"thin-max-rate"`

	MaxBody        bytesize.Size     `help:"Largest request taken in, after decompression." default:"${max_body}" placeholder:"SIZE" yaml:"max-body"`
	MaxInFlight    bytesize.Size     `help:"Memory for requests that wait for their commit; above it senders are asked to come back." default:"${max_in_flight}" placeholder:"SIZE" yaml:"max-in-flight"`
	MaxConnections int               `help:"Most open connections to each listener; above it a new one takes the place of an idle one." default:"${max_connections}" placeholder:"N" yaml:"max-connections"`
	MemoryLimit    bytesize.Size     `help:"Soft limit of the process's memory, without Postgres. GOMEMLIMIT in the environment goes before it." default:"220MiB" placeholder:"SIZE" yaml:"memory-limit"`
	MaxSeries      int               `help:"Most combinations of service, operation, kind and status that get histograms of their own; what is above is folded and counted." default:"5000" placeholder:"N" yaml:"max-series"`
	GatewayName    string            `help:"Name of this gateway, needed when several share a database: the series that it derives from spans carry it as the label instance, so that their counters do not mix." placeholder:"NAME" yaml:"gateway-name"`
	QueryTimeout   duration.Duration `help:"Longest time for one query." default:"${query_timeout}" placeholder:"DURATION" yaml:"query-timeout"`
	Grace          duration.Duration `help:"How long an orderly stop may take." default:"${grace}" placeholder:"DURATION" yaml:"grace"`

	MaxSpansPerSecond   int `help:"Most spans stored in a second, on average; above it traces are sampled, those with errors last. 0 is no limit." default:"0" placeholder:"N" yaml:"max-spans-per-second"`
	MaxRecordsPerSecond int `help:"Most log records stored in a second, on average; above it they are sampled, those of errors last. 0 is no limit." default:"0" placeholder:"N" yaml:"max-records-per-second"`

	Limits serviceLimits `help:"What single services may have stored in a second, as a list in YAML (docs/operations.md). None by default." placeholder:"YAML" yaml:"limits"`

	PromoteResourceAttributes []string `help:"Resource attributes that OTLP metrics get as labels, besides target_info." placeholder:"KEY" yaml:"promote-resource-attributes"`
	LokiLabels                []string `name:"loki-labels" help:"Resource attributes that are stream labels in LogQL, in place of Loki's own list." placeholder:"KEY" yaml:"loki-labels"`

	CORSAllowedOrigins []string `name:"cors-allowed-origins" help:"Web origins whose pages may send telemetry from a browser: https://shop.example, https://*.example.com, or * for all." placeholder:"ORIGIN" yaml:"cors-allowed-origins"`
	AllowedHosts       []string `help:"Names of the gateway, besides localhost, that requests over a loopback address may use: plait.example, *.example.com, or * for all. Listeners that other machines reach take any." placeholder:"HOST" yaml:"allowed-hosts"`
	ExternalURL        string   `name:"external-url" help:"Where readers reach the API, as https://host/prefix or /prefix: what links in its answers begin with. Without it links are relative to the host, below what a proxy sends as X-Forwarded-Prefix." placeholder:"URL" yaml:"external-url"`
	GrafanaURL         string   `name:"grafana-url" help:"Where a Grafana shows this gateway's data, as https://grafana.example: what the page's links to it begin with." placeholder:"URL" yaml:"grafana-url"`

	Forward forwardTargets `help:"Targets that get what is committed, as a list in YAML (docs/forwarding.md)." placeholder:"YAML" yaml:"forward"`

	LogLevel  string `help:"Level of Plait's own log: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL" yaml:"log-level"`
	LogFormat string `help:"Format of Plait's own log: text or json." enum:"text,json" default:"text" placeholder:"FORMAT" yaml:"log-format"`
}

// Validate checks what flags alone cannot. Kong calls it once all sources are read.
func (c *config) Validate() error {
	for _, a := range append(c.listeners(), listener{flag: "xray-addr", addr: c.XRayAddr, optional: true, example: "127.0.0.1:2000"}) {
		if _, port, err := net.SplitHostPort(a.addr); (err != nil || !isPort(port)) && (a.addr != "" || !a.optional) {
			return fmt.Errorf("--%s: %q is not an address with a port up to 65535, such as %s", a.flag, a.addr, a.example)
		}
	}
	if u, err := url.Parse(c.GrafanaURL); c.GrafanaURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("--grafana-url: %q is not like https://grafana.example", c.GrafanaURL)
	}
	if err := c.validatePostgresListen(); err != nil {
		return err
	}
	for _, r := range []struct {
		flag string
		d    duration.Duration
	}{{"retention-traces", c.RetentionTraces}, {"retention-logs", c.RetentionLogs}, {"retention-metrics", c.RetentionMetrics}} {
		if d := time.Duration(r.d); d < time.Hour || d > store.MaxRetention {
			return fmt.Errorf("--%s: %s is not between 1h and %s: each day is a partition, and a question without a time opens them all",
				r.flag, r.d, duration.Duration(store.MaxRetention))
		}
	}
	if err := flagError(c.thin().Validate(time.Duration(c.RetentionTraces))); err != nil {
		return err
	}
	if c.MaxSeries < 1 {
		return fmt.Errorf("--max-series: %d is not more than 0", c.MaxSeries)
	}
	if err := c.Forward.validate(); err != nil {
		return err
	}
	if err := flagError(c.ingest().Validate()); err != nil {
		return err
	}
	if err := flagError(c.api().Validate()); err != nil {
		return err
	}
	return c.validate()
}

// listener is a setting that says where something is served.
type listener struct {
	flag, addr string
	optional   bool // empty: nowhere
	what       string
	example    string
}

// listeners are those over TCP that the gateway itself has.
func (c *config) listeners() []listener {
	return []listener{
		{flag: "otlp-grpc-addr", addr: c.OTLPGRPCAddr, what: "OTLP/gRPC", example: "127.0.0.1:4317"},
		{flag: "ingest-addr", addr: c.IngestAddr, what: "OTLP/HTTP", example: "127.0.0.1:4318"},
		{flag: "jaeger-grpc-addr", addr: c.JaegerGRPCAddr, optional: true, what: "Jaeger's gRPC", example: "127.0.0.1:14250"},
		{flag: "api-addr", addr: c.APIAddr, what: "the API", example: "127.0.0.1:7080"},
	}
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

// flagsOf names the flags behind the fields of the rooms' configurations.
var flagsOf = map[string]string{
	"HTTPAddr": "ingest-addr", "GRPCAddr": "otlp-grpc-addr", "JaegerGRPCAddr": "jaeger-grpc-addr", "XRayAddr": "xray-addr", "Addr": "api-addr",
	"MaxBodyBytes": "max-body", "MaxInFlightBytes": "max-in-flight", "MaxConnections": "max-connections",
	"MaxSpansPerSecond": "max-spans-per-second", "MaxRecordsPerSecond": "max-records-per-second", "ServiceLimits": "limits",
	"ThinAfter": "thin-after", "ThinKeep": "thin-keep", "ThinServices": "thin-services", "ThinSlowerThan": "thin-slower-than", "ThinRareBelow": "thin-rare-below", "ThinMaxRate": "thin-max-rate",
	"QueryTimeout": "query-timeout", "ShutdownGrace": "grace",
	"AllowedOrigins": "cors-allowed-origins", "AllowedHosts": "allowed-hosts", "BaseURL": "external-url",
}

// flagError names the flag, or the setting of the same name, with which a room cannot work.
func flagError(err error) error {
	var s *plait.SettingError
	if !errors.As(err, &s) || flagsOf[s.Field] == "" {
		return err
	}
	return fmt.Errorf("--%s: %s", flagsOf[s.Field], s.Problem)
}

// defaults are the rooms' own, as kong's variables.
func defaults() kong.Vars {
	in, out := ingest.DefaultConfig(), api.DefaultConfig()
	size := func(n int64) string { return bytesize.Size(n).String() }
	return kong.Vars{
		"otlp_grpc_addr": in.GRPCAddr, "ingest_addr": in.HTTPAddr, "api_addr": out.Addr,
		"max_body": size(in.MaxBodyBytes), "max_in_flight": size(in.MaxInFlightBytes), "max_connections": strconv.Itoa(in.MaxConnections),
		"query_timeout": out.QueryTimeout.String(), "grace": in.ShutdownGrace.String(),
	}
}

func (c *databaseConfig) validate() error {
	if c.DatabaseURL == "" {
		return nil
	}
	// Why it cannot be read is not told: that would show what is in it.
	if err := (store.Config{DatabaseURL: c.DatabaseURL}).Validate(); err != nil {
		return errors.New("--database-url: neither a URL such as postgres://user:password@host:5432/database nor keywords and values such as 'host=db user=plait dbname=plait', or a file that it names cannot be read")
	}
	return nil
}

// print writes the settings as YAML that --config takes, with secrets masked.
func (c config) print(w io.Writer) error {
	c.DatabaseURL = maskSecrets(c.DatabaseURL)
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
	for _, a := range []string{c.OTLPGRPCAddr, c.IngestAddr, c.JaegerGRPCAddr, c.XRayAddr, c.APIAddr} {
		if a != "" && !isLoopback(a) {
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

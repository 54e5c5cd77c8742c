package ingest

import (
	"fmt"
	"net"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sockets"
)

// Config says where the doors listen and how much they take. Start from DefaultConfig.
type Config struct {
	// HTTPAddr is where OTLP/HTTP and every other way in over HTTP listens.
	HTTPAddr string
	// GRPCAddr is where OTLP/gRPC listens.
	GRPCAddr string
	// JaegerGRPCAddr is a second address where gRPC listens: senders of Jaeger's have its collector's port set. Nowhere when
	// empty.
	JaegerGRPCAddr string
	// XRayAddr is where datagrams of X-Ray's SDKs are taken, over UDP; nowhere when empty.
	XRayAddr string

	// MaxBodyBytes bounds one request's body, as it is sent and again once it is decompressed.
	MaxBodyBytes int64
	// MaxInFlightBytes bounds the memory of all requests that are being read, decoded or
	// waiting for their commit. A request that does not fit is told to come back.
	MaxInFlightBytes int64

	// MaxSpansPerSecond and MaxRecordsPerSecond bound how many spans and log records are stored in a second, on average over
	// some seconds; beyond it they are sampled (limits.go). 0 is no bound.
	MaxSpansPerSecond, MaxRecordsPerSecond int
	// ServiceLimits do the same for single services. A record has to pass its service's limit and that of all together.
	ServiceLimits []ServiceLimit

	// MaxAttributeBytes bounds one attribute value and one log body; longer ones are cut.
	MaxAttributeBytes int
	// MaxNameBytes bounds names: of services, spans, events, scopes, and attribute keys. A
	// service and a span name share an index entry, which Postgres limits to 2704 bytes.
	MaxNameBytes int
	// MaxAttributes bounds the attributes of one record, event, link, scope or resource; the
	// rest is counted as dropped.
	MaxAttributes int

	// MaxConnections bounds the connections to each port. Beyond it a new connection
	// takes the place of an idle one.
	MaxConnections int
	// BodyTimeout is how long a body may take to arrive, StallTimeout the same for each 16 KiB of it,
	// HeaderTimeout for a request's head. They end requests whose sender stalls.
	BodyTimeout, StallTimeout, HeaderTimeout time.Duration
	// IdleTimeout is how long a connection without a request is kept.
	IdleTimeout time.Duration
	// ShutdownGrace is how long Run lets accepted requests finish.
	ShutdownGrace time.Duration

	// PromoteResourceAttributes are resource attributes that series of OTLP metrics get as labels,
	// besides job, instance and the series target_info.
	PromoteResourceAttributes []string

	// AllowedOrigins are the web origins whose pages may send (CORS): as a browser writes them
	// ("https://shop.example"), with one * for any text ("https://*.example.com"), or "*" for
	// all. None by default.
	AllowedOrigins []string
	// AllowedHosts are names of the gateway for requests over loopback, besides localhost and
	// loopback addresses: exact, "*.example.com" or "*".
	AllowedHosts []string
}

// maxNameBytes keeps two names within one index entry of Postgres.
const maxNameBytes = 1280

// DefaultConfig is what plait serve starts with.
func DefaultConfig() Config {
	return Config{
		HTTPAddr:          "127.0.0.1:4318",
		GRPCAddr:          "127.0.0.1:4317",
		MaxBodyBytes:      16 << 20,
		MaxInFlightBytes:  64 << 20,
		MaxAttributeBytes: 1 << 20,
		MaxNameBytes:      1024,
		MaxAttributes:     10_000,
		MaxConnections:    1024,
		BodyTimeout:       30 * time.Second,
		StallTimeout:      10 * time.Second,
		HeaderTimeout:     10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ShutdownGrace:     20 * time.Second,
	}
}

// Validate says which setting cannot be used, as a *plait.SettingError.
func (c Config) Validate() error {
	for _, addr := range []struct {
		field, value string
		optional     bool
	}{{"HTTPAddr", c.HTTPAddr, false}, {"GRPCAddr", c.GRPCAddr, false}, {"JaegerGRPCAddr", c.JaegerGRPCAddr, true}, {"XRayAddr", c.XRayAddr, true}} {
		if _, _, err := net.SplitHostPort(addr.value); err != nil && (addr.value != "" || !addr.optional) {
			return setting(addr.field, "%q is not host:port", addr.value)
		}
	}
	for _, n := range []struct {
		field string
		value int64
	}{
		{"MaxBodyBytes", c.MaxBodyBytes},
		{"MaxAttributeBytes", int64(c.MaxAttributeBytes)},
		{"MaxNameBytes", int64(c.MaxNameBytes)},
		{"MaxAttributes", int64(c.MaxAttributes)},
		{"MaxConnections", int64(c.MaxConnections)},
		{"BodyTimeout", int64(c.BodyTimeout)},
		{"StallTimeout", int64(c.StallTimeout)},
		{"HeaderTimeout", int64(c.HeaderTimeout)},
		{"IdleTimeout", int64(c.IdleTimeout)},
		{"ShutdownGrace", int64(c.ShutdownGrace)},
	} {
		if n.value <= 0 {
			return setting(n.field, "%d is not more than 0", n.value)
		}
	}
	for _, n := range []struct {
		field string
		value int
	}{{"MaxSpansPerSecond", c.MaxSpansPerSecond}, {"MaxRecordsPerSecond", c.MaxRecordsPerSecond}} {
		if n.value < 0 {
			return setting(n.field, "%d is less than 0", n.value)
		}
	}
	if err := checkServiceLimits(c.ServiceLimits); err != nil {
		return setting("ServiceLimits", "%w", err)
	}
	if c.MaxNameBytes > maxNameBytes {
		return setting("MaxNameBytes", "%d is more than %d, so that two names fit an index entry of Postgres", c.MaxNameBytes, maxNameBytes)
	}
	if c.MaxBodyBytes < minBodyBytes {
		return setting("MaxBodyBytes", "%d bytes are less than %d", c.MaxBodyBytes, minBodyBytes)
	}
	if least := bodyCost*(c.MaxBodyBytes+1) + requestCost; c.MaxInFlightBytes < least {
		return setting("MaxInFlightBytes", "%d bytes cannot hold one request of %d bytes, which needs %d: raise it, or take smaller requests",
			c.MaxInFlightBytes, c.MaxBodyBytes, least)
	}
	if err := checkOrigins(c.AllowedOrigins); err != nil {
		return setting("AllowedOrigins", "%w", err)
	}
	if err := sockets.CheckHostNames(c.AllowedHosts); err != nil {
		return setting("AllowedHosts", "%w", err)
	}
	return nil
}

// minBodyBytes is below what a usual batch has.
const minBodyBytes = 64 << 10

func setting(field, format string, args ...any) error {
	return &plait.SettingError{Field: field, Problem: plait.Message(fmt.Errorf(format, args...))}
}

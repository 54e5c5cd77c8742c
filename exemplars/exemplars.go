// Package exemplars derives latency histograms and the service graph from spans, and chooses
// the exemplars that lead from them back to traces. Ingest tells it of spans after their
// commit, so that no exemplar exists before its trace; the API's /metrics collects its
// series, and Run writes them through a Writer so that PromQL finds them. It reads nothing from
// the database: what it counts are spans that arrive while it runs.
//
// The series, with the names that Tempo's users and Grafana's service graph know:
//
//	traces_spanmetrics_calls_total, traces_spanmetrics_latency (seconds)
//	    service, span_name, span_kind, status_code
//	traces_service_graph_request_total, …_request_failed_total,
//	…_request_server_seconds, …_request_client_seconds
//	    client, server, connection_type
//
// Histograms are classic and native at once. The status is a label, so the failed have
// exemplars of their own; in each bucket the slowest span of the last minute is kept.
package exemplars

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// Writer stores series; *store.Store does. A nil error means that they are committed.
type Writer interface {
	WriteMetrics(ctx context.Context, m *plait.Metrics) (plait.Receipt, error)
}

// Config sets up a Generator. Zero fields have the defaults that are named here.
type Config struct {
	// MaxSeries bounds the combinations of service, operation, kind and status, and the edges
	// of the service graph: 5000 of each. What comes above is folded into spanmetrics.Other:
	// the operations of a service, and services above a twentieth of it.
	// plait_exemplars_folded_spans_total counts it.
	MaxSeries int
	// MaxLabelBytes bounds the label values of all these series together, and as much again those
	// of the edges: 512 KiB. They stand in some twenty lines of each scrape.
	MaxLabelBytes int
	// Buckets are the upper bounds of the classic buckets in seconds, ascending, without +Inf:
	// spanmetrics.LatencyBuckets, by which pivots tell the bucket of a span.
	Buckets []float64
	// Interval is the time between two writes of the series: 15 s.
	Interval time.Duration
	// Idle is the time after which a series that saw no span is forgotten: 15 min.
	Idle time.Duration
	// PairWait is how long one side of a call waits for the other: 1 min.
	PairWait time.Duration
	// MaxPending bounds the sides that wait: 50,000. Above it the oldest go early.
	MaxPending int
	// Labels are added to the series that are written (not to /metrics, where the scraper adds
	// its own). Gateways that share a database need something that tells them apart.
	Labels plait.Labels

	Writer     Writer                // nil: Run writes nothing
	Now        func() time.Time      // time.Now
	Logger     *slog.Logger          // slog.Default()
	Registerer prometheus.Registerer // the generator is registered with it; nil: not
}

func (c Config) withDefaults() Config {
	setDefault(&c.MaxSeries, 5000)
	setDefault(&c.MaxLabelBytes, 512<<10)
	setDefault(&c.Interval, 15*time.Second)
	setDefault(&c.Idle, 15*time.Minute)
	setDefault(&c.PairWait, time.Minute)
	setDefault(&c.MaxPending, 50_000)
	if c.Buckets == nil {
		c.Buckets = spanmetrics.LatencyBuckets()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Validate says what is wrong with the settings.
func (c Config) Validate() error {
	switch {
	case c.MaxSeries < 0 || c.MaxLabelBytes < 0 || c.Interval < 0 || c.Idle < 0 || c.PairWait < 0 || c.MaxPending < 0:
		return plait.Errorf(plait.ErrInvalid, "exemplars: negative setting")
	case !slices.IsSorted(c.Buckets):
		return plait.Errorf(plait.ErrInvalid, "exemplars: buckets are not in ascending order")
	}
	return nil
}

// Spans that ended longer ago than maxAge, or ahead of the clock by more than maxAhead, do
// not count: a histogram tells of the time at which it is scraped, and an import of last year's
// spans would show as a spike of today. Pivots read spans where no series was kept.
const (
	maxAge   = time.Hour
	maxAhead = 5 * time.Minute
)

// Generator turns spans into series. Its methods may be called by many goroutines at once.
type Generator struct {
	config  Config
	bounds  bounds
	started time.Time

	mu       sync.Mutex // guards what follows; held for some 100 ns a span
	names    names
	services map[string]struct{}
	calls    map[callKey]*call
	edges    map[spanmetrics.Edge]*edge
	labels   struct{ calls, edges int } // bytes of their label values
	pairs    pairs
	counts   counters
}

// New makes a generator and registers it with Config.Registerer.
func New(c Config) (*Generator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	g := &Generator{
		config:   c,
		started:  c.Now(),
		bounds:   newBounds(c.Buckets),
		names:    names{},
		services: map[string]struct{}{},
		calls:    map[callKey]*call{},
		edges:    map[spanmetrics.Edge]*edge{},
		pairs:    newPairs(c.PairWait, c.MaxPending),
	}
	if c.Registerer != nil {
		if err := c.Registerer.Register(g); err != nil {
			return nil, fmt.Errorf("register span metrics: %w", err)
		}
	}
	return g, nil
}

// counters are the generator's own counts.
type counters struct {
	folded   uint64
	late     uint64
	early    uint64
	unpaired uint64
	failures uint64 // of writes
}

// names keeps one copy of each string that outlives its request.
type names map[string]string

// maxNames bounds the copies that are shared; a sender that makes up names gets one for each use.
const maxNames = 20_000

// keep returns a copy of s that may be kept.
func (n names) keep(s string) string {
	if kept, ok := n[s]; ok {
		return kept
	}
	kept := strings.Clone(s)
	if len(n) < maxNames {
		n[kept] = kept
	}
	return kept
}

// ObserveSpans counts spans that were committed. It keeps no part of them.
func (g *Generator) ObserveSpans(spans []plait.Span) {
	now := g.config.Now()
	earliest, latest := now.Add(-maxAge).UnixNano(), now.Add(maxAhead).UnixNano()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expirePairs(now)
	var resource *plait.Resource
	var service string
	for i := range spans {
		s := &spans[i]
		seen := spanmetrics.SeenNanos(s)
		if seen < earliest {
			g.counts.late++
			continue
		}
		if seen > latest {
			g.counts.early++
			continue
		}
		if s.Resource != resource || i == 0 {
			resource, service = s.Resource, spanmetrics.Clip(s.Resource.Service())
		}
		o := observe(s, seen, now)
		g.observeCall(s, service, &o, now)
		g.observeSide(s, service, &o, now)
	}
}

// observation is what a histogram takes of a span.
type observation struct {
	seconds float64
	nanos   int64
	example exemplar
}

func observe(s *plait.Span, seen int64, now time.Time) observation {
	nanos := spanmetrics.DurationNanos(s)
	seconds := float64(nanos) / 1e9
	return observation{
		seconds: seconds,
		nanos:   nanos,
		example: exemplar{
			trace: s.TraceID, span: s.SpanID, seconds: seconds, atNanos: min(seen, now.UnixNano()), keptNanos: now.UnixNano(),
		},
	}
}

// Run writes the series at every interval and forgets what is idle, until ctx ends; it then writes
// once more. What could not be written is written at the next interval.
func (g *Generator) Run(ctx context.Context) error {
	ticker := time.NewTicker(g.config.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			now := g.config.Now()
			g.expire(now)
			g.flush(ctx, g.onTheBeat(now))
		case <-ctx.Done():
			g.flushLast(ctx)
			return nil
		}
	}
}

// onTheBeat is the last time before now that is a whole number of intervals after the start: samples
// at equal distances take less room.
func (g *Generator) onTheBeat(now time.Time) time.Time {
	return now.Add(-(now.Sub(g.started) % g.config.Interval))
}

// lastFlush is the time that the last write may take.
const lastFlush = 5 * time.Second

func (g *Generator) flushLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer cancel()
	now := g.config.Now()
	g.expire(now)
	g.flush(ctx, now)
}

// expire forgets what no span was seen of for a while.
func (g *Generator) expire(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expirePairs(now)
	before := now.Add(-g.config.Idle)
	for key, c := range g.calls {
		if c.seen.Before(before) {
			delete(g.calls, key)
			g.labels.calls -= key.bytes()
		}
	}
	for key, e := range g.edges {
		if e.seen.Before(before) {
			delete(g.edges, key)
			g.labels.edges -= edgeBytes(key)
		}
	}
	g.forgetNames()
}

// forgetNames lets go of the names that no series has any more.
func (g *Generator) forgetNames() {
	used, services := names{}, map[string]struct{}{}
	for key := range g.calls {
		used[key.service], used[key.name] = key.service, key.name
		services[key.service] = struct{}{}
	}
	for key := range g.edges {
		used[key.Client], used[key.Server] = key.Client, key.Server
	}
	for _, l := range [...]*line{&g.pairs.waiting, &g.pairs.answered} {
		for e := l.first; e != nil; e = e.after {
			used[e.Service], used[e.Peer] = e.Service, e.Peer
		}
	}
	g.names, g.services = used, services
}

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
//
// What comes late is written as increments at the spans' own times, and is not part of /metrics.
package exemplars

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
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
	// AllLate counts every span at its own time, for who writes beside the gateways of a database: an import.
	AllLate bool
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

// Spans that ended longer ago than maxAge are late: a histogram tells of the time at which it is scraped, and an import of last
// year's spans would show as a spike of today. They are counted at their own time (late.go). Those ahead of the clock by more than
// maxAhead do not count.
const (
	maxAge   = time.Hour
	maxAhead = 5 * time.Minute
)

// Generator turns spans into series. Its methods may be called by many goroutines at once.
type Generator struct {
	config  Config
	bounds  bounds
	started time.Time

	mu         sync.Mutex // guards what follows; held for some 100 ns a span
	population            // of spans that come while they happen
	past       population // of those that come late; it has no histograms
	counts     counters

	unsent []lateWrite // of the past; Run's
}

// New makes a generator and registers it with Config.Registerer.
func New(c Config) (*Generator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	g := &Generator{config: c, started: c.Now(), bounds: newBounds(c.Buckets)}
	g.population, g.past = newPopulation(g), newPopulation(g)
	g.past.late = newLate(&g.bounds)
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
	past     uint64 // spans that were counted at their own time
	late     uint64 // those that were not
	early    uint64
	unpaired uint64
	failures uint64 // of writes
}

// ObserveSpans counts spans that were committed. It keeps no part of them.
func (g *Generator) ObserveSpans(spans []plait.Span) {
	now := g.config.Now()
	earliest, latest := now.Add(-maxAge).UnixNano(), now.Add(maxAhead).UnixNano()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expirePairs(now)
	g.past.expirePairs(now)
	var resource *plait.Resource
	var service string
	for i := range spans {
		s := &spans[i]
		seen, of := spanmetrics.SeenNanos(s), &g.population
		if seen > latest {
			g.counts.early++
			continue
		}
		if seen < earliest || g.config.AllLate {
			if of = &g.past; !g.takesLate() {
				g.counts.late++
				continue
			}
			g.counts.past++
		}
		if s.Resource != resource || i == 0 {
			resource, service = s.Resource, spanmetrics.Clip(s.Resource.Service())
		}
		o := observe(s, seen, now)
		of.observeCall(s, service, &o, now)
		of.observeSide(s, service, &o, now)
	}
}

// observation is what a histogram takes of a span.
type observation struct {
	seconds  float64
	nanos    int64
	adjusted int64 // of how many spans it is one, see spanmetrics.AdjustedCount
	example  exemplar
}

func observe(s *plait.Span, seen int64, now time.Time) observation {
	nanos := spanmetrics.DurationNanos(s)
	seconds := float64(nanos) / 1e9
	return observation{
		seconds:  seconds,
		nanos:    nanos,
		adjusted: spanmetrics.AdjustedCount(s),
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
			g.flushLate(ctx)
		case <-g.past.late.wake:
			g.flushLate(ctx)
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

// lastFlush is the time that the last write may take, of a gateway, and of an import, whose end nobody has set.
const (
	lastFlush         = 5 * time.Second
	lastFlushOfImport = time.Minute
)

func (g *Generator) flushLast(ctx context.Context) {
	limit := lastFlush
	if g.config.AllLate {
		limit = lastFlushOfImport
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	now := g.config.Now()
	g.expire(now)
	g.flush(ctx, now)
	g.endLate(now)
	g.flushLate(ctx)
	g.tellUncounted(ctx)
}

// expire forgets what no span was seen of for a while.
func (g *Generator) expire(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.population.expire(now)
	g.past.expire(now)
}

package health

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/plaithq/plait"
)

// Writer stores what comes in.
type Writer interface {
	WriteTraces(ctx context.Context, t *plait.Traces) (plait.Receipt, error)
	WriteLogs(ctx context.Context, l *plait.Logs) (plait.Receipt, error)
	WriteMetrics(ctx context.Context, m *plait.Metrics) (plait.Receipt, error)
}

// Noticed is what was noticed of a service.
type Noticed struct {
	HalfIDs    int64 // spans and log records that came with half a trace id
	Duplicates int64 // those that came again
}

// Watch notices, on the way to the store, what nothing stored tells: ids that came in half and are stored whole, and requests that
// came again. It knows a day, in parts of ten minutes, of this gateway alone.
type Watch struct {
	Writer
	now func() time.Time

	mu    sync.Mutex
	parts []part // in order of time
}

type part struct {
	begin    time.Time
	services map[string]Noticed
}

const (
	partLength = 10 * time.Minute
	watchedFor = 24 * time.Hour
	// watchedServices bounds the services of a part: some 40 KB. More are not noticed.
	watchedServices = 200
	watchedName     = 128 // bytes
)

// NewWatch watches what a writer stores. Now is the gateway's clock.
func NewWatch(w Writer, now func() time.Time) *Watch { return &Watch{Writer: w, now: now} }

// WriteTraces stores spans, and notices what they are.
func (w *Watch) WriteTraces(ctx context.Context, t *plait.Traces) (plait.Receipt, error) {
	half := halves{}
	for i := range t.Spans {
		if s := &t.Spans[i]; isHalf(s.TraceID) {
			half.count(s.Resource)
		}
	}
	receipt, err := w.Writer.WriteTraces(ctx, t)
	if err == nil && receipt.Duplicate {
		again := halves{}
		for i := range t.Spans {
			again.count(t.Spans[i].Resource)
		}
		w.notice(again, func(n *Noticed, more int64) { n.Duplicates += more })
	} else if err == nil {
		w.notice(half, func(n *Noticed, more int64) { n.HalfIDs += more })
	}
	return receipt, err
}

// WriteLogs stores log records, and notices what they are.
func (w *Watch) WriteLogs(ctx context.Context, l *plait.Logs) (plait.Receipt, error) {
	half := halves{}
	for i := range l.Records {
		if r := &l.Records[i]; !r.TraceID.IsZero() && isHalf(r.TraceID) {
			half.count(r.Resource)
		}
	}
	receipt, err := w.Writer.WriteLogs(ctx, l)
	if err == nil && receipt.Duplicate {
		again := halves{}
		for i := range l.Records {
			again.count(l.Records[i].Resource)
		}
		w.notice(again, func(n *Noticed, more int64) { n.Duplicates += more })
	} else if err == nil {
		w.notice(half, func(n *Noticed, more int64) { n.HalfIDs += more })
	}
	return receipt, err
}

// halves counts records by resource. It is small: few of a request have something to notice.
type halves map[*plait.Resource]int64

func (h halves) count(r *plait.Resource) { h[r]++ }

// notice adds to what is known of the services.
func (w *Watch) notice(counts halves, add func(*Noticed, int64)) {
	if len(counts) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.current()
	for resource, n := range counts {
		name := resource.Service()
		seen, known := p.services[name]
		if !known && (len(p.services) == watchedServices || len(name) > watchedName) {
			continue
		}
		add(&seen, n)
		p.services[strings.Clone(name)] = seen
	}
}

// current is the part of now.
func (w *Watch) current() *part {
	begin := w.now().Truncate(partLength)
	if n := len(w.parts); n == 0 || w.parts[n-1].begin.Before(begin) {
		w.parts = append(w.parts, part{begin, map[string]Noticed{}})
	}
	for w.parts[0].begin.Before(begin.Add(-watchedFor)) {
		w.parts = w.parts[1:]
	}
	return &w.parts[len(w.parts)-1]
}

// Noticed is what was noticed of each service while a range passed, in whole parts.
func (w *Watch) Noticed(r plait.TimeRange) map[string]Noticed {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]Noticed{}
	for _, p := range w.parts {
		if p.begin.Before(r.To) && p.begin.Add(partLength).After(r.From) {
			for name, n := range p.services {
				sum := all[name]
				all[name] = Noticed{sum.HalfIDs + n.HalfIDs, sum.Duplicates + n.Duplicates}
			}
		}
	}
	return all
}

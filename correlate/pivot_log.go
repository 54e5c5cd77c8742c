package correlate

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/query"
)

// LogQuestion names a log line: by the record's ID, or by what a user sees of it.
type LogQuestion struct {
	ID      string
	Time    time.Time
	Service string
	Body    string // a part of it will do
	Lines   int    // how many lines before and after are wanted
}

// LogView is a log line with what surrounds it.
type LogView struct {
	Record plait.LogRecord
	// Trace is nil when the record names no trace or none of its spans is stored.
	Trace *plait.TraceSummary
	// Path leads from the root of the trace to the span that wrote the record, which is last.
	// It is empty when the record names no span or that span is not stored.
	Path []plait.Span
	// Before and After are the neighbouring lines of the same service instance, in time order.
	Before, After []plait.LogRecord
}

const (
	// sameLine is how far a record's time may be from the time by which it is asked for:
	// user interfaces show times in milliseconds or seconds.
	sameLine = time.Second
	// lineCandidates bounds the records among which a line is looked for.
	lineCandidates = 500
	// neighbourhood is how far away in time the lines around a line may be.
	neighbourhood = time.Hour
	// instanceShare is how many times more records are read than lines are wanted: the store
	// knows the service, and other instances of it write too.
	instanceShare = 8
	// pathSpans bounds the trace that is read to find the path to a span.
	pathSpans = 20_000
)

// Log finds a log line, its trace and span, and the lines around it. It returns
// plait.ErrNotFound when there is no such line.
func (p *Pivots) Log(ctx context.Context, q LogQuestion) (*LogView, error) {
	record, err := p.findLog(ctx, q)
	if err != nil {
		return nil, err
	}
	v := &LogView{Record: *record}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.traceOf(ctx, v) })
	g.Go(func() (err error) {
		v.Before, err = p.neighbours(ctx, record, false, q.Lines)
		slices.Reverse(v.Before)
		return err
	})
	g.Go(func() (err error) {
		v.After, err = p.neighbours(ctx, record, true, q.Lines)
		return err
	})
	return v, g.Wait()
}

func (p *Pivots) findLog(ctx context.Context, q LogQuestion) (*plait.LogRecord, error) {
	if q.ID != "" {
		record, err := p.logs.Log(ctx, q.ID)
		if errors.Is(err, plait.ErrNotFound) {
			return nil, plait.Errorf(plait.ErrNotFound, "no log record %s is stored", q.ID)
		}
		return record, err
	}
	line := query.LogLine(q.Service, q.Body)
	var candidates []plait.LogRecord
	for _, side := range []struct {
		within    plait.TimeRange
		ascending bool
	}{
		{plait.TimeRange{From: q.Time.Add(-sameLine), To: q.Time}, false},
		{plait.TimeRange{From: q.Time, To: q.Time.Add(sameLine)}, true},
	} {
		found, _, err := p.logs.Logs(ctx, query.Logs{
			Condition: line, Range: side.within, Ascending: side.ascending, Page: query.Page{Limit: lineCandidates},
		})
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, found...)
	}
	if len(candidates) == 0 {
		return nil, plait.Errorf(plait.ErrNotFound, "no such log line within %v of %s", sameLine, q.Time.Format(time.RFC3339Nano))
	}
	best := slices.MinFunc(candidates, func(a, b plait.LogRecord) int {
		if whole := a.Body.Text() == q.Body; whole != (b.Body.Text() == q.Body) {
			if whole {
				return -1
			}
			return 1
		}
		return cmp.Compare(distance(&a, q.Time), distance(&b, q.Time))
	})
	return &best, nil
}

// distance is how far a record is from a time.
func distance(r *plait.LogRecord, t time.Time) time.Duration {
	return time.Unix(0, r.TimeNanos).Sub(t).Abs()
}

// traceOf fills in the record's trace and the path to its span.
func (p *Pivots) traceOf(ctx context.Context, v *LogView) error {
	if v.Record.TraceID.IsZero() {
		return nil
	}
	trace, err := p.traces.Trace(ctx, v.Record.TraceID, pathSpans, v.Record.SpanID)
	if errors.Is(err, plait.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	tree := tracetree.Build(trace.Spans)
	summary, err := p.summary(ctx, tree, trace)
	if err != nil {
		return err
	}
	v.Trace = &summary
	tree.PlaceLogs([]plait.LogRecord{v.Record})
	at := slices.IndexFunc(tree.Nodes, func(n tracetree.Node) bool { return len(n.Logs) > 0 })
	for ; at >= 0; at = tree.Nodes[at].Parent {
		v.Path = append(v.Path, *tree.Nodes[at].Span)
	}
	slices.Reverse(v.Path)
	return nil
}

// neighbours returns the lines of the same instance next to a record, the nearest first.
func (p *Pivots) neighbours(ctx context.Context, of *plait.LogRecord, after bool, lines int) ([]plait.LogRecord, error) {
	if lines <= 0 {
		return nil, nil
	}
	at := time.Unix(0, of.TimeNanos)
	within := plait.TimeRange{From: at.Add(-neighbourhood), To: at}
	if after {
		within = plait.TimeRange{From: at, To: at.Add(neighbourhood)}
	}
	found, _, err := p.logs.Logs(ctx, query.Logs{
		Condition: query.Service(of.Resource.Service()), Range: within, Ascending: after, Page: query.Page{Limit: instanceShare*lines + 1},
	})
	if err != nil {
		return nil, err
	}
	here := tracetree.InstanceOf(of.Resource)
	found = slices.DeleteFunc(found, func(r plait.LogRecord) bool { return r.ID == of.ID || tracetree.InstanceOf(r.Resource) != here })
	return found[:min(lines, len(found))], nil
}

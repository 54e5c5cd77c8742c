package correlate

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/query"
)

// Pivots leads from one signal to the others. It may be used by many goroutines at once.
type Pivots struct {
	traces  TraceReader
	logs    LogReader
	metrics MetricReader
}

// NewPivots returns pivots over what the readers read.
func NewPivots(traces TraceReader, logs LogReader, metrics MetricReader) *Pivots {
	return &Pivots{traces: traces, logs: logs, metrics: metrics}
}

// TraceView is a trace with everything that is known about it.
type TraceView struct {
	Summary plait.TraceSummary
	Tree    *tracetree.Tree // with the logs placed
	// Unattached are the records of the trace that belong to no span here, in time order.
	Unattached []plait.LogRecord
	// Exemplars are the stored exemplars that point at the trace, in time order.
	Exemplars []plait.SeriesExemplar
	// Truncated and LogsTruncated say that the trace has more spans, or records, than were asked for.
	Truncated, LogsTruncated bool
}

// Trace returns the trace with its logs and exemplars, at most maxSpans and maxLogs of them. A
// trace of which only logs are stored has a tree without nodes. It returns plait.ErrNotFound
// when neither a span nor a log record is stored.
func (p *Pivots) Trace(ctx context.Context, id plait.TraceID, maxSpans, maxLogs int) (*TraceView, error) {
	v := &TraceView{}
	var trace *plait.Trace
	var records []plait.LogRecord
	var notFound error

	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		trace, err = p.traces.Trace(gctx, id, maxSpans)
		if errors.Is(err, plait.ErrNotFound) {
			notFound, err = err, nil
			trace = &plait.Trace{TraceID: id}
		}
		return err
	})
	g.Go(func() (err error) {
		records, v.LogsTruncated, err = p.logs.TraceLogs(gctx, id, maxLogs)
		return err
	})
	g.Go(func() (err error) {
		v.Exemplars, err = p.metrics.TraceExemplars(gctx, id)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if notFound != nil && len(records) == 0 {
		return nil, notFound
	}
	if wanted := spansOf(records); trace.Truncated && len(wanted) > 0 {
		var err error
		if trace, err = p.traces.Trace(ctx, id, maxSpans, wanted...); err != nil {
			return nil, err
		}
	}
	v.Tree = tracetree.Build(trace.Spans)
	v.Unattached = v.Tree.PlaceLogs(records)
	v.Truncated = trace.Truncated
	if len(trace.Spans) == 0 {
		v.Summary = logSummary(records)
		return v, nil
	}
	var err error
	v.Summary, err = p.summary(ctx, v.Tree, trace)
	return v, err
}

// spansOf returns the ids of the spans in which records were written, each once.
func spansOf(records []plait.LogRecord) []plait.SpanID {
	seen := map[plait.SpanID]struct{}{{}: {}}
	var ids []plait.SpanID
	for i := range records {
		if _, ok := seen[records[i].SpanID]; !ok {
			seen[records[i].SpanID] = struct{}{}
			ids = append(ids, records[i].SpanID)
		}
	}
	return ids
}

// summary adds up a trace, or takes what the store has added up when it was not read whole.
func (p *Pivots) summary(ctx context.Context, tree *tracetree.Tree, trace *plait.Trace) (plait.TraceSummary, error) {
	if trace.Truncated {
		stored, err := p.traces.TraceSummaries(ctx, []plait.TraceID{trace.TraceID})
		if err != nil {
			return plait.TraceSummary{}, err
		}
		if len(stored) == 1 {
			return stored[0], nil
		}
	}
	return tree.Summary(trace.TraceID), nil
}

// logSummary is what is known of a trace of which only log records are stored, in time order: its
// services, and that it started no later than the first of them. Records have no duration.
func logSummary(records []plait.LogRecord) plait.TraceSummary {
	s := plait.TraceSummary{TraceID: records[0].TraceID, StartNanos: records[0].TimeNanos}
	for i := range records {
		s.Services = append(s.Services, records[i].Resource.Service())
	}
	slices.Sort(s.Services)
	s.Services = slices.Compact(s.Services)
	return s
}

// TraceLogs returns a page of the records of a trace, those that q asks for, and the cursor of the
// next page, empty at the end. It returns plait.ErrNotFound when neither a span nor a log record of
// the trace is stored.
func (p *Pivots) TraceLogs(ctx context.Context, id plait.TraceID, q query.Logs) ([]plait.LogRecord, string, error) {
	records, next, err := p.logs.Logs(ctx, q)
	if err != nil || len(records) > 0 || next != "" {
		return records, next, err
	}
	// The question may leave out every record, the trace may have none, or there is nothing at all.
	stored, _, err := p.logs.TraceLogs(ctx, id, 1)
	if err != nil || len(stored) > 0 {
		return nil, "", err
	}
	summaries, err := p.traces.TraceSummaries(ctx, []plait.TraceID{id})
	if err == nil && len(summaries) == 0 {
		err = plait.Errorf(plait.ErrNotFound, "no trace %s is stored", id)
	}
	return nil, "", err
}

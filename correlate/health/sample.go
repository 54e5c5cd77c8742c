package health

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/query"
)

const (
	// recordsOfService is how many records of a service are read, half of them the newest and half the oldest.
	recordsOfService = 200
	// slices and tracesOfSlice say how many traces are read: the last of each part of the range.
	timeSlices     = 8
	tracesOfSlice  = 25
	tracesOfRare   = 3 // of a service that is in none of them
	rareServices   = 30
	spansOfTrace   = 2_000
	summariesAtOne = 500
	// onTheirWay is how long spans may be underway.
	onTheirWay = time.Minute
)

// sampled is what was read of a service.
type sampled struct {
	Service

	logs, joined     int64 // records that were read, and those of them with a trace id
	checked, found   int64 // of those with one, whose spans should be here, and are
	saidSampled      int64 // records that say that their trace is sampled
	missing, saidNot int64 // records of traces that are not here, and those of them that say they are not sampled
	halfRecords      int64

	spans, orphans, remoteOrphans int64
	halfSpans                     int64
	skews                         []int64 // of each trace
	roots                         int64   // server spans that begin a trace
	lostFrom                      map[string]int64

	// The setting of a limit that left out spans of the service, and of one that left out parents of its spans; empty: none did.
	limit, limitOfParents string

	language, scope string // telemetry.sdk.language, and a logger's scope
}

func (of *sampled) describe(r *plait.Resource) {
	if v, ok := r.Attributes.Get("telemetry.sdk.language"); ok && of.language == "" {
		of.language = v.Text()
	}
}

// readLogs reads some log records of each service, and looks for their traces.
func (s *survey) readLogs(ctx context.Context) error {
	settled := s.question.Now.Add(-onTheirWay).UnixNano()
	return each(ctx, s.largest(servicesRead, func(of *sampled) int64 { return of.LogRecords }), func(ctx context.Context, of *sampled) error {
		records, err := s.recordsOf(ctx, of)
		if err != nil {
			return err
		}
		var ids []plait.TraceID
		for i := range records {
			if !records[i].TraceID.IsZero() {
				ids = append(ids, records[i].TraceID)
			}
		}
		stored, err := s.stored(ctx, ids)
		if err != nil {
			return err
		}
		for i := range records {
			of.addRecord(&records[i], stored, settled)
		}
		return nil
	})
}

// recordsOf reads records of a service: all where they are few.
func (s *survey) recordsOf(ctx context.Context, of *sampled) ([]plait.LogRecord, error) {
	q := query.Logs{Condition: query.Service(of.Name), Range: s.question.Range, Page: query.Page{Limit: recordsOfService}}
	if of.LogRecords <= recordsOfService {
		records, _, err := s.reader.Logs(ctx, q)
		return records, err
	}
	q.Limit = recordsOfService / 2
	newest, _, err := s.reader.Logs(ctx, q)
	if err != nil {
		return nil, err
	}
	q.Ascending = true
	oldest, _, err := s.reader.Logs(ctx, q)
	return append(newest, oldest...), err
}

// stored tells which traces have spans here.
func (s *survey) stored(ctx context.Context, ids []plait.TraceID) (map[plait.TraceID]bool, error) {
	slices.SortFunc(ids, func(a, b plait.TraceID) int { return slices.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	stored := make(map[plait.TraceID]bool, len(ids))
	for part := range slices.Chunk(ids, summariesAtOne) {
		found, err := s.reader.TraceSummaries(ctx, part)
		if err != nil {
			return nil, err
		}
		for i := range found {
			stored[found[i].TraceID] = true
		}
	}
	return stored, nil
}

func (of *sampled) addRecord(r *plait.LogRecord, stored map[plait.TraceID]bool, settled int64) {
	of.describe(r.Resource)
	if r.Scope != nil && of.scope == "" {
		of.scope = r.Scope.Name
	}
	of.logs++
	if r.TraceID.IsZero() {
		return
	}
	of.joined++
	if isHalf(r.TraceID) {
		of.halfRecords++
	}
	said, sampledSo := saysSampled(r)
	if said && sampledSo {
		of.saidSampled++
	}
	switch {
	case stored[r.TraceID]:
		of.checked++
		of.found++
	case r.TimeNanos < settled:
		of.checked++
		of.missing++
		if said && !sampledSo {
			of.saidNot++
		}
	}
}

func isHalf(id plait.TraceID) bool { return [8]byte(id[:8]) == [8]byte{} }

// readTraces reads some traces of each part of the range, and some of services that these do not have.
func (s *survey) readTraces(ctx context.Context) error {
	var mu sync.Mutex
	read := map[plait.TraceID]bool{}
	readThese := func(ctx context.Context, q query.Traces) error {
		found, next, err := s.reader.Traces(ctx, q)
		if err != nil {
			return err
		}
		var more []plait.TraceSummary
		mu.Lock()
		s.partly = s.partly || next != ""
		for _, t := range found {
			if !read[t.TraceID] {
				read[t.TraceID] = true
				more = append(more, t)
			}
		}
		mu.Unlock()
		for i := range more {
			trace, err := s.reader.Trace(ctx, more[i].TraceID, spansOfTrace)
			if errors.Is(err, plait.ErrNotFound) {
				continue // it has just expired
			}
			if err != nil {
				return err
			}
			mu.Lock()
			s.addTrace(trace)
			mu.Unlock()
		}
		return nil
	}
	var parts []query.Traces
	for _, r := range parted(s.question.Range, timeSlices) {
		q := query.Traces{Range: r}
		if s.question.Service != "" {
			q = query.TracesWithSpan(query.Service(s.question.Service), r)
		}
		q.Limit = tracesOfSlice
		parts = append(parts, q)
	}
	if err := each(ctx, parts, readThese); err != nil {
		return err
	}
	var rare []query.Traces
	for _, of := range s.largest(math.MaxInt, func(of *sampled) int64 { return of.Spans }) {
		if of.spans == 0 && len(rare) < rareServices {
			q := query.TracesWithSpan(query.Service(of.Name), s.question.Range)
			q.Limit = tracesOfRare
			rare = append(rare, q)
		}
	}
	return each(ctx, rare, readThese)
}

// parted cuts a range into parts of the same length.
func parted(r plait.TimeRange, n int) (parts []plait.TimeRange) {
	length := r.To.Sub(r.From)
	for i := range n {
		from, to := r.From.Add(length*time.Duration(i)/time.Duration(n)), r.From.Add(length*time.Duration(i+1)/time.Duration(n))
		if from.Before(to) {
			parts = append(parts, plait.TimeRange{From: from, To: to})
		}
	}
	return parts
}

// addTrace notes what a trace tells of its services.
func (s *survey) addTrace(trace *plait.Trace) {
	tree := tracetree.Build(trace.Spans)
	settled, last := s.question.Now.Add(-onTheirWay).UnixNano(), int64(math.MinInt64)
	half := isHalf(trace.TraceID)
	skewed := map[string]bool{}
	for i := range tree.Nodes {
		n := &tree.Nodes[i]
		of := s.of(n.Span.Resource.Service())
		of.describe(n.Span.Resource)
		of.spans++
		if half {
			of.halfSpans++
		}
		if !skewed[of.Name] {
			skewed[of.Name] = true
			of.skews = append(of.skews, n.SkewNanos)
		}
		last = max(last, n.Span.StartNanos)
	}
	s.addCalls(tree)
	if trace.Truncated || last > settled {
		return
	}
	for _, m := range tree.MissingParents {
		for _, i := range m.Waiting {
			span := tree.Nodes[i].Span
			of := s.of(span.Resource.Service())
			of.orphans++
			if span.Kind == plait.SpanKindServer || span.Kind == plait.SpanKindConsumer {
				of.remoteOrphans++
			}
		}
	}
}

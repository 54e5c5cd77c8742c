package spans

import (
	"context"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/terms"
	"github.com/plaithq/plait/store/traceid"
)

// Which requests of a heatmap are of traces that have something:
//
//  1. The requests are read, of very many those of one in so many traces.
//  2. Each alternative of what is asked for names traces by itself, so that the quickest way is open to each: Postgres tells them where
//     the dictionaries leave nothing to compare, the term index where it narrows, and else the rows of the range are compared.
//  3. The index may name too many. Those among the requests are confirmed by their rows, unless they are very many.

const (
	// heldRequests is about how many requests are read.
	heldRequests = 250_000
	// heldRequestSize is what a request takes in memory, and its trace.
	heldRequestSize = 100
	// heldMargin is how long before and after the picture a trace may have what is asked for, in microseconds.
	heldMargin = int64(60_000_000)
	// unitsRemembered is how many traces the index is asked for at once.
	unitsRemembered = 5_000
)

// heldRequest are the requests of a trace, by their cells.
type heldRequest struct {
	cells []*query.HeatmapCell
	held  bool
}

// heldSearch finds the traces that have something among those of requests.
type heldSearch struct {
	store    *Reader
	from, to int64 // microseconds
	requests map[plait.TraceID]*heldRequest
}

// hold counts the requests of traces in which a span fits what is asked.
func (h *heatmap) hold(ctx context.Context) error {
	requests, oneIn, err := h.readRequests(ctx)
	if err != nil || len(requests) == 0 {
		return err
	}
	from, to := h.ends()
	s := &heldSearch{h.store, max(from-heldMargin, rowcodec.MinMicros), min(to+heldMargin, rowcodec.MaxMicros), requests}
	alternatives, ok := h.asked.InTrace.(condition.Or)
	if !ok {
		alternatives = condition.Or{h.asked.InTrace}
	}
	for _, n := range alternatives {
		if err := s.find(ctx, n); err != nil {
			return fmt.Errorf("find the traces that have it: %w", err)
		}
	}
	for _, r := range requests {
		if !r.held {
			continue
		}
		for _, c := range r.cells {
			c.Holding = min(c.Holding+oneIn, c.Count)
		}
	}
	return nil
}

// readRequests reads the traces of the requests, and tells of how many each is one.
func (h *heatmap) readRequests(ctx context.Context) (requests map[plait.TraceID]*heldRequest, oneIn int64, err error) {
	total := int64(0)
	for _, c := range h.cells {
		total += c.Count
	}
	oneIn = max(1, total/heldRequests)
	from, to := h.ends()
	requests = map[plait.TraceID]*heldRequest{}
	memory := search.NewMemory(ctx)
	err = h.store.eachRequest(ctx, h.plan, from, to, oneIn, func(r query.Request) bool {
		c := h.cells[heatKey{rowcodec.FloorDiv(rowcodec.FloorDiv(r.StartNanos, 1000), h.step), bucketShown(counts.BucketOf(r.Nanos))}]
		if c == nil {
			return true // it came after the cells were counted
		}
		of := requests[r.TraceID]
		if of == nil {
			of = &heldRequest{}
			requests[r.TraceID] = of
		}
		of.cells = append(of.cells, c)
		h.full = !memory.Take(heldRequestSize)
		return !h.full
	})
	return requests, oneIn, err
}

// find marks the requests of traces that have a span that fits.
func (s *heldSearch) find(ctx context.Context, n condition.Node) error {
	plan, err := s.store.newSpanPlan(ctx, n)
	switch {
	case err != nil || plan.impossible():
		return err
	case plan.exact:
		return s.listed(ctx, plan)
	case plan.terms.NarrowsNothing():
		return s.store.eachFitting(ctx, s.store.search, plan, s.hold, heatmapRowsSQL, plan.arguments(s.from, s.to)...)
	}
	return s.indexed(ctx, plan)
}

// hold marks the requests of the traces of rows.
func (s *heldSearch) hold(rows []storedSpan) error {
	for i := range rows {
		s.mark(rows[i].traceID)
	}
	return nil
}

func (s *heldSearch) mark(id plait.TraceID) {
	if r := s.requests[id]; r != nil {
		r.held = true
	}
}

const tracesOfSpansSQL = `
SELECT DISTINCT trace_id
FROM plait_store.span
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + spanConditionsSQL

// listed lets Postgres tell the traces.
func (s *heldSearch) listed(ctx context.Context, plan *spanPlan) error {
	return pg.QueryRows(ctx, s.store.search, func(v [][]byte) { s.mark(plait.TraceID(v[0])) }, tracesOfSpansSQL, plan.arguments(s.from, s.to)...)
}

// indexed asks the term index, and confirms what it names by rows.
func (s *heldSearch) indexed(ctx context.Context, plan *spanPlan) error {
	found, err := s.store.terms.Find(ctx, plan.terms, s.from, s.to, false)
	if err != nil {
		return err
	}
	var named []terms.Unit
	for more := true; more; {
		units, err := found.Next(ctx, unitsRemembered)
		if err != nil {
			return err
		}
		more = len(units) == unitsRemembered
		for _, u := range units {
			if half := u.ID == traceid.LowerHalf(u.ID); half || s.requests[u.ID] != nil {
				named = append(named, u)
			}
		}
	}
	if len(named) > tracesRead {
		ids, err := s.store.spellings(ctx, named)
		for _, id := range ids {
			s.mark(id)
		}
		return err
	}
	attributes, extra := plan.textNeeded()
	for len(named) > 0 {
		some := named[:min(unitsAtOnce, len(named))]
		if err := s.store.rowsOf(ctx, plan, some, s.from, s.to, attributes, extra, s.hold); err != nil {
			return err
		}
		named = named[len(some):]
	}
	return nil
}

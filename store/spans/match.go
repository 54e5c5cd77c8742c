package spans

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

// fitting returns those of some rows that fit, in their order. It uses the memory of rows.
func (s *Reader) fitting(ctx context.Context, p *spanPlan, rows []storedSpan) ([]storedSpan, error) {
	if p.everything() || len(rows) == 0 {
		return rows, nil
	}
	entries, err := s.entriesFor(ctx, rows, p)
	if err != nil {
		return nil, err
	}
	kept := rows[:0]
	var span plait.Span
	view := condition.SpanView{Span: &span}
	attributes, extra := p.textNeeded()
	for i := range rows {
		if err := entries.decodeParts(&span, &rows[i], attributes, extra); err != nil {
			return nil, fmt.Errorf("decode span %s of trace %s: %w", span.SpanID, span.TraceID, err)
		}
		if p.row.Match(&view) {
			kept = append(kept, rows[i])
		}
	}
	if p.whole == nil || len(kept) == 0 {
		return kept, nil
	}
	return s.fittingInTheirTraces(ctx, p, kept)
}

// entriesFor reads the dictionary entries that a condition looks at.
func (s *Reader) entriesFor(ctx context.Context, rows []storedSpan, p *spanPlan) (e spanEntries, err error) {
	n := &p.needs
	if n.Has(condition.SpanName) || n.Has(condition.SpanKind) || p.scopesNeeded() {
		if e.operations, err = s.entries.Operations.Entries(ctx, dictionary.Column(rows, func(r *storedSpan) int64 { return r.operation })); err != nil {
			return e, fmt.Errorf("operations: %w", err)
		}
	}
	if p.scopesNeeded() {
		if e.scopes, err = s.entries.Scopes.Entries(ctx, e.scopeIDs); err != nil {
			return e, fmt.Errorf("scopes: %w", err)
		}
	}
	if n.Has(condition.Service) || n.Has(condition.ResourceAttribute) {
		if e.resources, err = s.entries.Resources.Entries(ctx, dictionary.Column(rows, func(r *storedSpan) int64 { return r.resource })); err != nil {
			return e, fmt.Errorf("resources: %w", err)
		}
	}
	if n.Has(condition.SpanAttribute) {
		if e.attributeSets, err = s.entries.AttributeSets.Entries(ctx, dictionary.Column(rows, func(r *storedSpan) int64 { return r.attributeSet })); err != nil {
			return e, fmt.Errorf("attribute sets: %w", err)
		}
	}
	return e, nil
}

func (p *spanPlan) scopesNeeded() bool {
	return p.needs.Has(condition.ScopeName) || p.needs.Has(condition.ScopeVersion) || p.needs.Has(condition.ScopeAttribute)
}

// decodeParts decodes a row without the text that is not wanted.
func (e *spanEntries) decodeParts(span *plait.Span, row *storedSpan, attributes, extra bool) (err error) {
	e.decodeFixed(span, row)
	if attributes {
		if span.Attributes, err = rowcodec.JoinAttributes(e.attributeSets[row.attributeSet], row.attributes); err != nil {
			return err
		}
	}
	if extra {
		return DecodeExtra(span, row.extra)
	}
	return nil
}

// parentSpansSQL reads spans of traces by their ids.
const parentSpansSQL = `
SELECT ` + spanColumns + `
FROM plait_store.span
WHERE trace_id = ANY ($1) AND span_id = ANY ($2)`

// spanOfTrace names a span by the trace id that was asked for.
type spanOfTrace struct {
	trace plait.TraceID
	span  int64
}

// fittingInTheirTraces compares rows with conditions on their parents and traces.
func (s *Reader) fittingInTheirTraces(ctx context.Context, p *spanPlan, rows []storedSpan) ([]storedSpan, error) {
	spans, err := s.decodeSpans(ctx, rows)
	if err != nil {
		return nil, err
	}
	var summaries map[plait.TraceID]*plait.TraceSummary
	if p.needs.Trace() {
		if summaries, err = s.summariesOf(ctx, rows); err != nil {
			return nil, err
		}
	}
	var parents map[spanOfTrace]*plait.Span
	if p.needs.Parent != nil {
		if parents, err = s.parentsOf(ctx, rows); err != nil {
			return nil, err
		}
	}
	kept := rows[:0]
	for i := range rows {
		view := condition.SpanView{Span: &spans[i], Trace: summaries[rows[i].traceID]}
		if rows[i].parentID != 0 {
			view.Parent = parents[spanOfTrace{rows[i].traceID, rows[i].parentID}]
		}
		if p.whole.Match(&view) {
			kept = append(kept, rows[i])
		}
	}
	return kept, nil
}

func traceIDsOf(rows []storedSpan) []plait.TraceID {
	ids := make([]plait.TraceID, len(rows))
	for i := range rows {
		ids[i] = rows[i].traceID
	}
	slices.SortFunc(ids, func(a, b plait.TraceID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// summariesOf are those of the traces of rows.
func (s *Reader) summariesOf(ctx context.Context, rows []storedSpan) (map[plait.TraceID]*plait.TraceSummary, error) {
	summaries, err := s.TraceSummaries(ctx, traceIDsOf(rows))
	byID := make(map[plait.TraceID]*plait.TraceSummary, len(summaries))
	for i := range summaries {
		byID[summaries[i].TraceID] = &summaries[i]
	}
	return byID, err
}

// parentsOf are the parents of rows, as far as they are stored.
func (s *Reader) parentsOf(ctx context.Context, rows []storedSpan) (map[spanOfTrace]*plait.Span, error) {
	spelled, err := s.ids.Spell(ctx, traceIDsOf(rows)...)
	if err != nil {
		return nil, fmt.Errorf("read parents: %w", err)
	}
	var ids []int64
	for i := range rows {
		if rows[i].parentID != 0 {
			ids = append(ids, rows[i].parentID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	var found []storedSpan
	err = pg.QueryRows(ctx, s.lookup, func(v [][]byte) { found = append(found, scanSpan(v)) }, parentSpansSQL, spelled.Stored(), slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("read parents: %w", err)
	}
	spans, err := s.decodeSpans(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("read parents: %w", err)
	}
	parents := make(map[spanOfTrace]*plait.Span, len(found))
	for i := range found {
		for _, asked := range spelled[found[i].traceID] {
			parents[spanOfTrace{asked, found[i].spanID}] = &spans[i]
		}
	}
	return parents, nil
}

// inlineName returns the name that a span has in place of its operation's, or nothing.
func inlineName(extra string) (string, error) {
	if extra == "" {
		return "", nil
	}
	var e struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal([]byte(extra), &e); err != nil {
		return "", fmt.Errorf("read extra: %w", err)
	}
	return e.Name, nil
}

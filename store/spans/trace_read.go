package spans

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// There is no order: the rows of one trace are sorted here, and a trace too large to read whole is not
// sorted to find its first spans.
const traceSpansSQL = `
SELECT ` + spanColumns + `
FROM plait_store.span
WHERE trace_id = ANY ($1)
LIMIT $2`

// Trace returns the spans of a trace in order of start, each once however often it was sent:
// spans that are the same in everything are one. Two spans that share an id, as the
// client's and the server's do in Zipkin's model, remain two.
//
// An id whose upper half is zero also finds the trace of which it is the lower half, and a full
// id also finds spans that a 64-bit tracer wrote; all spans of the answer carry the answer's
// id. Of a trace with more than maxSpans spans, or of more bytes than an answer may have, those are returned that tell most, and those of
// first before all (trace_outline.go); it says that it is cut. The error is plait.ErrNotFound
// when no span is stored. Resources, scopes and attributes are shared: read-only.
func (s *Reader) Trace(ctx context.Context, id plait.TraceID, maxSpans int, first ...plait.SpanID) (*plait.Trace, error) {
	spelled, err := s.ids.Spell(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read trace %s: %w", id, err)
	}
	trace := &plait.Trace{TraceID: spelled.Full(id)}
	var rows []storedSpan
	memory := search.NewMemory(ctx)
	err = pg.QueryUntil(ctx, s.lookup, func(v [][]byte) bool {
		rows = append(rows, scanSpan(v))
		return memory.Take(rows[len(rows)-1].size())
	}, traceSpansSQL, spelled.Stored(), maxSpans+1)
	if err != nil {
		return nil, fmt.Errorf("read trace %s: %w", id, err)
	}
	if len(rows) == 0 {
		return nil, plait.Errorf(plait.ErrNotFound, "no trace %s is stored", id)
	}
	if len(rows) > maxSpans || !memory.Left() {
		trace.Truncated = true
		if rows, err = s.chosenSpans(ctx, spelled, min(len(rows), maxSpans), first); err != nil {
			return nil, fmt.Errorf("read trace %s: %w", id, err)
		}
	}
	for i := range rows {
		rows[i].traceID = trace.TraceID
	}
	if trace.Spans, err = s.decodeSpans(ctx, rows); err != nil {
		return nil, fmt.Errorf("read trace %s: %w", id, err)
	}
	if trace.Spans, err = foldSpans(ctx, trace.Spans, rows); err != nil {
		return nil, fmt.Errorf("read trace %s: %w", id, err)
	}
	slices.SortFunc(trace.Spans, byStart)
	if n := fittingSpans(&memory, trace.Spans); n < len(trace.Spans) {
		trace.Spans, trace.Truncated = trace.Spans[:n], true
	}
	return trace, nil
}

// byStart orders spans by start, and those that start together so that the longer one, which
// may hold the other, is first.
func byStart(a, b plait.Span) int {
	return cmp.Or(
		cmp.Compare(a.StartNanos, b.StartNanos),
		cmp.Compare(b.EndNanos, a.EndNanos),
		slices.Compare(a.SpanID[:], b.SpanID[:]),
		cmp.Compare(a.Kind, b.Kind),
	)
}

// foldSpans keeps the first of spans that are the same in everything. Rows are what the spans
// were decoded from, in the same order. Attributes are compared decoded and sorted, because
// which of them are in the set may differ from one commit to the next.
func foldSpans(ctx context.Context, spans []plait.Span, rows []storedSpan) ([]plait.Span, error) {
	if !repeatsSpanID(rows) {
		return spans, nil
	}
	seen := make(map[spanContent]struct{}, len(rows))
	kept := make([]plait.Span, 0, len(spans))
	for i := range rows {
		if i%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		content := spanContent{row: rows[i], attributes: digestOf(spans[i].Attributes)}
		content.row.attributeSet, content.row.attributes = 0, ""
		if _, repeated := seen[content]; !repeated {
			seen[content] = struct{}{}
			kept = append(kept, spans[i])
		}
	}
	return kept, nil
}

// spanContent is a span without regard to where its attributes are stored.
type spanContent struct {
	row        storedSpan
	attributes [sha256.Size]byte
}

// digestOf names a set of attributes in whatever order.
func digestOf(attributes plait.Attributes) [sha256.Size]byte {
	sorted := slices.SortedStableFunc(slices.Values(attributes), func(a, b plait.Attribute) int { return strings.Compare(a.Key, b.Key) })
	return sha256.Sum256(plait.Attributes(sorted).AppendJSON(nil))
}

func repeatsSpanID(rows []storedSpan) bool {
	seen := make(map[int64]struct{}, len(rows))
	for i := range rows {
		seen[rows[i].spanID] = struct{}{}
	}
	return len(seen) < len(rows)
}

const traceFragmentsSQL = `
SELECT ` + fragmentColumns + `
FROM plait_store.trace_fragment
WHERE trace_id = ANY ($1)`

// TraceSummaries returns the summaries of the traces that are stored, in any order and with
// the ids that were asked for. A span that was sent in several requests counts several times.
func (s *Reader) TraceSummaries(ctx context.Context, ids []plait.TraceID) ([]plait.TraceSummary, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	spelled, err := s.ids.Spell(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("read trace summaries: %w", err)
	}
	found := make(map[plait.TraceID]*traceFragments)
	rows, err := s.lookup.Query(ctx, traceFragmentsSQL, spelled.Stored())
	if err == nil {
		err = scanFragments(rows, func(id plait.TraceID, f traceFragment) {
			for _, asked := range spelled[id] {
				if found[asked] == nil {
					found[asked] = &traceFragments{}
				}
				found[asked].add(f)
			}
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read trace summaries: %w", pgerror.Read(err))
	}
	summaries, err := s.summaries(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("read trace summaries: %w", err)
	}
	if err := s.settleRoots(ctx, spelled, found, summaries); err != nil {
		return nil, fmt.Errorf("read trace summaries: %w", err)
	}
	return summaries, nil
}

// traceFragment is what one commit knew of a trace.
type traceFragment struct {
	startNanos, duration, rootOperation int64
	spans, errors                       int32
	services                            []string
}

func scanFragments(rows pgx.Rows, use func(plait.TraceID, traceFragment)) error {
	defer rows.Close()
	for rows.Next() {
		var f traceFragment
		v := rows.RawValues()
		if err := rows.Scan(nil, nil, nil, nil, nil, nil, nil, &f.services); err != nil {
			return err
		}
		f.startNanos = rowcodec.TimeMicros(v[1])*1000 + int64(rowcodec.Int2(v[2]))
		f.duration, f.rootOperation = rowcodec.Int8(v[3]), rowcodec.Int8(v[4])
		f.spans, f.errors = rowcodec.Int4(v[5]), rowcodec.Int4(v[6])
		use(plait.TraceID(v[0]), f)
	}
	return rows.Err()
}

// traceFragments adds up the fragments of a trace.
type traceFragments struct {
	startNanos, endNanos int64
	spans, errors        int
	services             []string
	rootOperation        int64
	manyRoots            bool // spans without a parent came in several commits
}

func (t *traceFragments) add(f traceFragment) {
	first := t.spans == 0
	if first || f.startNanos < t.startNanos {
		t.startNanos = f.startNanos
	}
	if end := f.startNanos + f.duration; first || end > t.endNanos {
		t.endNanos = end
	}
	if f.rootOperation != 0 {
		t.manyRoots = t.manyRoots || t.rootOperation != 0 && t.rootOperation != f.rootOperation
		t.rootOperation = f.rootOperation
	}
	t.spans += int(f.spans)
	t.errors += int(f.errors)
	t.services = append(t.services, f.services...)
}

func (s *Reader) summaries(ctx context.Context, found map[plait.TraceID]*traceFragments) ([]plait.TraceSummary, error) {
	operations, err := s.entries.Operations.Entries(ctx, func(yield func(int64) bool) {
		for _, t := range found {
			if !yield(t.rootOperation) {
				return
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("root operations: %w", err)
	}
	summaries := make([]plait.TraceSummary, 0, len(found))
	for id, t := range found {
		root := operations[t.rootOperation]
		slices.Sort(t.services)
		summaries = append(summaries, plait.TraceSummary{
			TraceID:       id,
			RootService:   root.Service,
			RootName:      root.Name,
			StartNanos:    t.startNanos,
			DurationNanos: t.endNanos - t.startNanos,
			SpanCount:     t.spans,
			ErrorCount:    t.errors,
			Services:      slices.Compact(t.services),
		})
	}
	return summaries, nil
}

package spans

import (
	"cmp"
	"context"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/traceid"
)

// A trace may hold more spans than anybody reads at once: a batch that opens a span for every
// row. What is shown of it must still answer why it failed and where its log records belong.
// So its outline is read, a few numbers a span, and from it the spans are chosen that tell
// most, each with its ancestors, so that they stand in the tree where they belong:
//
//  1. the spans that the caller asks for first, at most half of all;
//  2. the roots;
//  3. the spans that failed, the longest first;
//  4. the others, the longest first.

// maxOutline bounds the outline: 200,000 spans take some 20 MB while their trace is read.
const maxOutline = 200_000

const traceOutlineSQL = `
SELECT span_id, parent_span_id, duration_ns, status
FROM plait_store.span
WHERE trace_id = ANY ($1)
LIMIT $2`

const traceChosenSQL = `
SELECT ` + spanColumns + `
FROM plait_store.span
WHERE trace_id = ANY ($1) AND span_id = ANY ($2)
LIMIT $3`

// outlined is a span in the outline of its trace.
type outlined struct {
	id, parent, duration int64
	failed               bool
}

// chosenSpans reads at most maxSpans spans of a trace that has more.
func (s *Reader) chosenSpans(ctx context.Context, trace traceid.Spelling, maxSpans int, first []plait.SpanID) ([]storedSpan, error) {
	var outline []outlined
	err := pg.QueryRows(ctx, s.lookup, func(v [][]byte) {
		outline = append(outline, outlined{rowcodec.Int8(v[0]), rowcodec.Int8(v[1]), rowcodec.Int8(v[2]), plait.StatusCode(rowcodec.Int2(v[3])) == plait.StatusError})
	}, traceOutlineSQL, trace.Stored(), maxOutline)
	if err != nil {
		return nil, err
	}
	rows := make([]storedSpan, 0, maxSpans)
	memory := search.NewMemory(ctx)
	err = pg.QueryUntil(ctx, s.lookup, func(v [][]byte) bool {
		rows = append(rows, scanSpan(v))
		return memory.Take(rows[len(rows)-1].size())
	}, traceChosenSQL, trace.Stored(), chooseSpans(outline, maxSpans, first), maxSpans)
	return rows, err
}

// chooser collects the ids of spans, each once.
type chooser struct {
	parent map[int64]int64
	chosen map[int64]struct{}
	ids    []int64
	path   []int64 // of the span that is being added
}

// chooseSpans returns the ids of at most most spans. Those of first are among them although the
// outline may have ended before it reached them.
func chooseSpans(outline []outlined, most int, first []plait.SpanID) []int64 {
	c := &chooser{parent: make(map[int64]int64, len(outline)), chosen: make(map[int64]struct{}, most)}
	for _, o := range outline {
		c.parent[o.id] = o.parent
	}
	for _, id := range first {
		c.add(id.Int64(), most/2)
	}
	slices.SortStableFunc(outline, func(a, b outlined) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(b.duration, a.duration))
	})
	for _, o := range outline {
		c.add(o.id, most)
	}
	return c.ids
}

// rank sorts roots before failed spans, and these before the others.
func (o *outlined) rank() int {
	switch {
	case o.parent == 0:
		return 0
	case o.failed:
		return 1
	default:
		return 2
	}
}

// add chooses a span and its ancestors while there is room for all of them, or else for the
// span alone. A ring of parents ends where it closes.
func (c *chooser) add(id int64, most int) {
	if _, ok := c.chosen[id]; ok || len(c.ids) >= most {
		return
	}
	c.path = c.path[:0]
	for at := id; at != 0 && len(c.ids)+len(c.path) < most; {
		if _, ok := c.chosen[at]; ok {
			break
		}
		c.chosen[at] = struct{}{}
		c.path = append(c.path, at)
		parent, here := c.parent[at]
		if !here {
			break
		}
		at = parent
	}
	c.ids = append(c.ids, c.path...)
}

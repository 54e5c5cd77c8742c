package spans

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/search"
)

// bestSpans keeps the first of the spans that are added, in the order of UnusualSpans: so many, and no
// more than a search's memory holds.
type bestSpans struct {
	limit       int
	failedFirst bool
	ofEachTrace bool

	kept  []keptSpan
	bytes int
	floor *plait.UnusualSpan // what does not come before it is not kept; nil: everything is
}

type keptSpan struct {
	plait.UnusualSpan
	bytes int
}

// add keeps a span for as long as no better ones push it out.
func (b *bestSpans) add(u plait.UnusualSpan, bytes int) {
	if b.floor != nil && b.compare(&u, b.floor) >= 0 {
		return
	}
	b.kept = append(b.kept, keptSpan{u, bytes})
	b.bytes += bytes
	if len(b.kept) >= 2*b.limit+comparedAtOnce || b.bytes > search.MaxBytes {
		b.prune()
	}
}

// prune sorts, and drops what is too much.
func (b *bestSpans) prune() {
	slices.SortStableFunc(b.kept, func(x, y keptSpan) int { return b.compare(&x.UnusualSpan, &y.UnusualSpan) })
	traces := make(map[plait.TraceID]bool, len(b.kept))
	sizes := 0
	n := 0
	for _, k := range b.kept {
		repeated := b.ofEachTrace && traces[k.TraceID] || n > 0 && sameSpan(&b.kept[n-1].Span, &k.Span)
		if repeated || n == b.limit || n > 0 && sizes+k.bytes > search.MaxBytes/2 {
			continue
		}
		traces[k.TraceID] = true
		sizes += k.bytes
		b.kept[n] = k
		n++
	}
	clear(b.kept[n:])
	b.kept, b.bytes = b.kept[:n], sizes
	b.floor = nil
	if n == b.limit {
		floor := b.kept[n-1].UnusualSpan
		b.floor = &floor
	}
}

// sameSpan says whether two spans that are equal in rank are one that was sent twice.
func sameSpan(a, b *plait.Span) bool {
	return a.TraceID == b.TraceID && a.SpanID == b.SpanID && a.Kind == b.Kind && a.Resource == b.Resource &&
		a.StartNanos == b.StartNanos && a.EndNanos == b.EndNanos
}

// compare is negative when a comes before b.
func (b *bestSpans) compare(x, y *plait.UnusualSpan) int {
	failed := func(u *plait.UnusualSpan) int {
		if b.failedFirst && u.Status == plait.StatusError {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(y.Grade, x.Grade),
		cmp.Compare(failed(y), failed(x)),
		cmp.Compare(y.ExcessNanos(), x.ExcessNanos()),
		cmp.Compare(y.StartNanos, x.StartNanos),
		bytes.Compare(x.TraceID[:], y.TraceID[:]),
		bytes.Compare(x.SpanID[:], y.SpanID[:]),
	)
}

// ranked returns what is kept, the best first.
func (b *bestSpans) ranked() []plait.UnusualSpan {
	b.prune()
	spans := make([]plait.UnusualSpan, len(b.kept))
	for i, k := range b.kept {
		spans[i] = k.UnusualSpan
	}
	return spans
}

func (b *bestSpans) empty() bool { return len(b.kept) == 0 }

// full says whether there are as many as wanted.
func (b *bestSpans) full() bool {
	b.prune()
	return len(b.kept) >= b.limit
}

// allOf says whether all are of a grade.
func (b *bestSpans) allOf(grade int) bool {
	return !slices.ContainsFunc(b.kept, func(k keptSpan) bool { return k.Grade != grade })
}

// unexplained says whether nothing is known to be usual for some.
func (b *bestSpans) unexplained() bool {
	b.prune()
	return slices.ContainsFunc(b.kept, func(k keptSpan) bool { return k.TypicalNanos == 0 })
}

// traces are the ids of the traces of what is kept.
func (b *bestSpans) traces() [][16]byte {
	ids := [][16]byte{}
	for _, k := range b.kept {
		ids = append(ids, k.TraceID)
	}
	return ids
}

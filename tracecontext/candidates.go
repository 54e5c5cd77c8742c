package tracecontext

import "github.com/plaithq/plait"

// A finder collects what a record's fields and texts say about its trace, each with the place where
// it stands. Then result weighs them:
//
//  1. A trace id under a name of its own goes before one of a header, which may have come from
//     anybody; then what stands in fewer objects, 128 bits before 64, and the order of ecosystems.
//  2. A 64-bit id is completed where another field has both halves of it.
//  3. The span is looked for under a name of its own: in the same place as the trace id, of the same
//     ecosystem, anywhere. Then in headers, whose span is the caller's. One that stands beside the
//     id of another trace belongs to that.
type finder struct {
	n     int
	all   [maxCandidates]candidate
	place place
	// places counts the objects that were looked into.
	places uint32
	// unescaped is how many bytes of JSON within texts were read.
	unescaped int
}

// maxCandidates is how many fields of one record count.
const maxCandidates = 24

// A place is an object: where it is, and how many are around it.
type place struct{ id, depth uint32 }

// A candidate is what one field says.
type candidate struct {
	Context
	place
	at *field
}

// add reads a value under a field's name.
func (f *finder) add(at *field, value string) bool {
	c, ok := at.read(value)
	if ok {
		f.collect(at, c)
	}
	return ok
}

func (f *finder) collect(at *field, c Context) {
	if f.n < len(f.all) {
		f.all[f.n] = candidate{c, f.place, at}
		f.n++
	}
}

// result weighs what was collected.
func (f *finder) result() (Context, bool) {
	var best *candidate
	for i := range f.n {
		c := &f.all[i]
		if c.namesTrace() && (best == nil || c.traceBefore(best)) {
			best = c
		}
	}
	if best == nil {
		return Context{}, false
	}
	found := Context{TraceID: f.complete(best), SpanID: f.span(best), Sampled: best.Sampled}
	return found, true
}

func (c *candidate) namesTrace() bool { return !c.TraceID.IsZero() && !c.at.upperHalf }

func (c *candidate) traceBefore(other *candidate) bool {
	if c.at.header != other.at.header {
		return other.at.header
	}
	if c.depth != other.depth {
		return c.depth < other.depth
	}
	if c.Bits64() != other.Bits64() {
		return other.Bits64()
	}
	return c.at.owner < other.at.owner
}

// complete returns the trace id with its upper half, if a field has it.
func (f *finder) complete(best *candidate) plait.TraceID {
	id := best.TraceID
	for i := 0; i < f.n && best.Bits64(); i++ {
		c := &f.all[i]
		if c.at.upperHalf && c.at.owner == best.at.owner {
			copy(id[:8], c.TraceID[:8])
			return id
		}
	}
	for i := 0; i < f.n && best.Bits64(); i++ {
		if c := &f.all[i]; c.namesTrace() && !c.Bits64() && c.TraceID.Low() == best.TraceID.Low() {
			return c.TraceID
		}
	}
	return id
}

// span returns the span id that goes with a trace id, zero if there is none.
func (f *finder) span(trace *candidate) (id plait.SpanID) {
	lowest := spanNever
	for i := range f.n {
		if rank := f.spanRank(&f.all[i], trace); rank < lowest {
			id, lowest = f.all[i].SpanID, rank
		}
	}
	return id
}

// How well a span id goes with a trace id; the lower, the better.
const (
	spanElsewhere = 1 << iota // in another place than the trace id
	spanForeign               // of another ecosystem
	spanOfHeader
	spanDeeper
	spanWeak
	spanNever
)

func (f *finder) spanRank(c, trace *candidate) (rank int) {
	if c.SpanID.IsZero() || c.namesTrace() && c.TraceID.Low() != trace.TraceID.Low() {
		return spanNever
	}
	here := c.place == trace.place
	if !here {
		if !c.namesTrace() && f.ofAnother(c, trace) {
			return spanNever
		}
		rank |= spanElsewhere
	}
	if c.at.owner != trace.at.owner {
		rank |= spanForeign
	}
	if c.at.header {
		rank |= spanOfHeader
	} else if c.depth > trace.depth {
		rank |= spanDeeper
	}
	switch {
	case c.at.beside && (!here || c.at.owner != trace.at.owner && !f.names(c.at.owner, trace)):
		return spanNever
	case c.at.beside || c.at.fallback:
		rank |= spanWeak
	}
	return rank
}

// ofAnother says that a span id stands beside the id of another trace.
func (f *finder) ofAnother(span, trace *candidate) bool {
	for i := range f.n {
		if c := &f.all[i]; c.place == span.place && c.namesTrace() && c.TraceID.Low() != trace.TraceID.Low() {
			return true
		}
	}
	return false
}

// names says that an ecosystem's own field has the trace id, in the same place.
func (f *finder) names(owner int, trace *candidate) bool {
	for i := range f.n {
		if c := &f.all[i]; c.at.owner == owner && c.place == trace.place && c.TraceID == trace.TraceID {
			return true
		}
	}
	return false
}

// oneTrace holds what a list brought, from candidate begin on, to one trace. A list of several traces'
// ids says nothing of the record's own. Of the objects that name the trace the last is the innermost.
func (f *finder) oneTrace(begin int, list place) {
	var trace *candidate
	for i := begin; i < f.n; i++ {
		c := &f.all[i]
		if !c.namesTrace() {
			continue
		}
		if trace != nil && c.TraceID.Low() != trace.TraceID.Low() {
			f.n = begin
			return
		}
		trace = c
	}
	if trace == nil || trace.place == list {
		return
	}
	last, kept := trace.place, begin
	for i := begin; i < f.n; i++ {
		if f.all[i].place == last || f.all[i].place == list {
			f.all[kept] = f.all[i]
			kept++
		}
	}
	f.n = kept
}

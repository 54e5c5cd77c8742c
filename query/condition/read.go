package condition

import (
	"github.com/plaithq/plait"
)

// reader gives a test the values that a row has for a field, until one fits.
type reader[V any] func(*V, test) bool

// id is the id of a trace, or that of a span and eight zeros. Ids are compared as they are: as texts they
// would have to be written out for each row.
type id [16]byte

// idReader does the same with ids. Absent ones are left out.
type idReader[V any] func(*V, func(id) bool) bool

// leafOf compiles a leaf over what it reads: values, or ids.
func leafOf[V any](l Leaf, values reader[V], ids idReader[V]) (matcher[V], error) {
	if l.never() {
		return func(*V) bool { return false }, nil
	}
	if ids != nil {
		fits, err := l.idTest()
		return func(v *V) bool { return ids(v, fits) }, err
	}
	fits, err := l.valueTest()
	return func(v *V) bool { return values(v, fits) }, err
}

// idTest compiles what a leaf asks of an id.
func (l Leaf) idTest() (func(id) bool, error) {
	switch l.Value.typ {
	case TypeNone:
		return func(id) bool { return true }, nil
	case TypeTraceID, TypeSpanID:
		var want id
		copy(want[:], l.Value.text)
		return func(found id) bool { return found == want }, nil
	}
	fits, err := l.textTest()
	ofSpan := l.Field.nature() == aSpanID
	return func(found id) bool {
		if ofSpan {
			return fits(plait.SpanID(found[:8]).String())
		}
		return fits(plait.TraceID(found).String())
	}, err
}

func traceIDOf(t plait.TraceID, fits func(id) bool) bool { return !t.IsZero() && fits(id(t)) }

func spanIDOf(s plait.SpanID, fits func(id) bool) bool {
	if s.IsZero() {
		return false
	}
	var wide id
	copy(wide[:], s[:])
	return fits(wide)
}

// present tests a text, unless it is empty and so absent.
func present(s string, fits test) bool { return s != "" && fits(plait.StringValue(s)) }

// traceLeaf compiles a leaf about a trace as a whole, in a condition on some rows.
func traceLeaf(l Leaf, in rows) (matcher[plait.TraceSummary], error) {
	if err := l.check(in); err != nil {
		return nil, err
	}
	if l.Field.Name == TraceID {
		return leafOf(l, nil, func(t *plait.TraceSummary, fits func(id) bool) bool { return traceIDOf(t.TraceID, fits) })
	}
	return leafOf(l, traceReaders[l.Field.Name], nil)
}

var traceReaders = map[Name]reader[plait.TraceSummary]{
	TraceDuration: func(t *plait.TraceSummary, fits test) bool { return fits(plait.IntValue(t.DurationNanos)) },
	TraceRootName: func(t *plait.TraceSummary, fits test) bool { return fits(plait.StringValue(t.RootName)) },
	TraceRootService: func(t *plait.TraceSummary, fits test) bool {
		return fits(plait.StringValue(t.RootService))
	},
	TraceStart:      func(t *plait.TraceSummary, fits test) bool { return fits(plait.IntValue(t.StartNanos)) },
	TraceSpanCount:  func(t *plait.TraceSummary, fits test) bool { return fits(plait.IntValue(int64(t.SpanCount))) },
	TraceErrorCount: func(t *plait.TraceSummary, fits test) bool { return fits(plait.IntValue(int64(t.ErrorCount))) },
	TraceServices: func(t *plait.TraceSummary, fits test) bool {
		for _, s := range t.Services {
			if fits(plait.StringValue(s)) {
				return true
			}
		}
		return false
	},
}

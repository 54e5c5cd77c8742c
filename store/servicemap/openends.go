package servicemap

import (
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// The two sides of a call may lie in minutes that are far apart: a message waits in its queue, a client waits for a quarter
// of an hour. The minute of a caller is drawn, and remembered, without the side that answers later; so what is open at
// either end is kept with it, and joined when minutes are added up to a map.

// maxOpen bounds the ends of each sort that a part of a minute keeps. Callers beyond it count as not answered.
const maxOpen = 100

// openEnds are the ends of calls that a part of a minute has.
type openEnds struct {
	callers  []openCaller
	seekers  []seeker
	answered []spanmetrics.Ref // callers that sides here answered, so late that the callers' own minutes may not know
}

// openCaller is a caller who may be answered far from here.
type openCaller struct {
	ref      spanmetrics.Ref
	service  string
	producer bool
	edge     *spanmetrics.Edge // that it counts for as long as nobody answered it; nil where somebody did, elsewhere
	openCall
}

// seeker is an answering side whose caller was not found.
type seeker struct {
	ref      spanmetrics.Ref // of that caller
	service  string
	consumer bool
	openCall
}

// openCall is what is counted of a call.
type openCall struct {
	failed          bool
	nanos, adjusted int64
}

// bytes is about how many the ends hold.
func (o *openEnds) bytes() int {
	const ofCaller, ofSeeker, ofRef = 160, 80, 16
	return ofCaller*len(o.callers) + ofSeeker*len(o.seekers) + ofRef*len(o.answered)
}

// late says whether a side started so long after its caller that the caller's minute may have been drawn without it.
func (q *question) late(c spanmetrics.Call) bool {
	return q.times[c.Server].start-q.times[c.Client].start > callerJustAfter.Microseconds()
}

// open notes a caller who may be answered far from here, if that is likely and there is room, with the edge of what its
// attributes name, nil where an answer was found.
func (o *openEnds) open(q *question, caller int, edge *spanmetrics.Edge) bool {
	s := &q.sides[caller]
	producer := s.Kind == plait.SpanKindProducer
	waited := q.times[caller].nanos > callerJustAfter.Nanoseconds()
	if s.Connection == spanmetrics.ConnectionDatabase || !producer && !waited || len(o.callers) == maxOpen {
		return false
	}
	o.callers = append(o.callers, openCaller{s.Ref(), s.Service, producer, edge, q.openCall(caller)})
	return true
}

// answer notes a caller that a side here answered late.
func (o *openEnds) answer(caller spanmetrics.Ref) {
	if len(o.answered) < maxOpen {
		o.answered = append(o.answered, caller)
	}
}

// seek notes an answering side whose caller was not found. There is room left for consumers: the parents of many servers are
// never sent.
func (o *openEnds) seek(q *question, side int, caller spanmetrics.Target) {
	s := &q.sides[side]
	consumer := s.Kind == plait.SpanKindConsumer
	if len(o.seekers) < maxOpen || consumer && len(o.seekers) < 2*maxOpen {
		o.seekers = append(o.seekers, seeker{caller.Ref(), s.Service, consumer, q.openCall(side)})
	}
}

func (q *question) openCall(side int) openCall {
	s := &q.sides[side]
	return openCall{s.Failed, q.times[side].nanos, s.Adjusted}
}

// joined returns parts of minutes, and for those with open ends a second part with what became of these among all of them.
func joined(parts []*minuteSums) []*minuteSums {
	callers := map[spanmetrics.Ref]*openCaller{}
	answered := map[spanmetrics.Ref]bool{}
	for _, part := range parts {
		for i := range part.ends.callers {
			callers[part.ends.callers[i].ref] = &part.ends.callers[i]
		}
		for _, ref := range part.ends.answered {
			answered[ref] = true
		}
	}
	all := slices.Clone(parts)
	for _, part := range parts {
		if calls := part.found(callers, answered); calls != nil {
			all = append(all, calls)
		}
	}
	for _, part := range parts {
		if calls := part.unanswered(answered); calls != nil {
			all = append(all, calls)
		}
	}
	return all
}

// found are the calls of a part's seekers, whose callers are answered then; nil where there are none.
func (m *minuteSums) found(callers map[spanmetrics.Ref]*openCaller, answered map[spanmetrics.Ref]bool) *minuteSums {
	var calls *minuteSums
	for _, s := range m.ends.seekers {
		caller := callers[s.ref]
		if caller == nil || !caller.producer && caller.service == s.service {
			continue
		}
		answered[s.ref] = true
		if calls == nil {
			calls = m.beside()
		}
		edge := spanmetrics.AnsweredEdge(caller.service, s.service, caller.producer || s.consumer)
		sumsOf(calls.edges, edge).add(s.failed || caller.failed, s.nanos, max(s.adjusted, caller.adjusted))
	}
	return calls
}

// unanswered are the calls of a part's callers that nobody answered; nil where there are none.
func (m *minuteSums) unanswered(answered map[spanmetrics.Ref]bool) *minuteSums {
	var calls *minuteSums
	for _, c := range m.ends.callers {
		if c.edge == nil || answered[c.ref] {
			continue
		}
		if calls == nil {
			calls = m.beside()
		}
		sumsOf(calls.edges, *c.edge).add(c.failed, c.nanos, c.adjusted)
	}
	return calls
}

// beside is an empty part of the same time.
func (m *minuteSums) beside() *minuteSums {
	calls := newMinuteSums(m.oneIn)
	calls.first, calls.last = m.first, m.last
	return calls
}

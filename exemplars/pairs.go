package exemplars

import (
	"iter"
	"time"

	"github.com/plaithq/plait/spanmetrics"
)

// pairs holds the ends of calls that wait for others, by the client's span, where the ends of a
// call meet: servers wait for their client, clients for their server. A client that was answered
// stays for a while, because others may answer it, too: a message goes to many, and a call is tried
// again. It stays in a line of its own, so that it takes no room from those that wait.
type pairs struct {
	wait     time.Duration
	ends     map[spanmetrics.Ref]*end // the first under a key
	waiting  line
	answered line
	free     *end // ends to use again
}

// end is one side of a call in pairs.
type end struct {
	side
	at            spanmetrics.Target // the client's span
	deadline      int64              // Unix nanoseconds
	in            *line
	before, after *end // in the line
	over, under   *end // with the same key, clients above servers
}

// line is ends in the order of their coming, bounded in number and bytes.
type line struct {
	first, last *end
	count, max  int
	bytes       int
	maxBytes    int
}

const (
	// maxWaitingBytes and maxAnswered bound pairs: some 80,000 ends with short names.
	maxWaitingBytes  = 16 << 20
	maxAnswered      = 1000
	maxAnsweredBytes = 1 << 20
	// endBytes is what an end takes besides its text.
	endBytes = 320
)

func newPairs(wait time.Duration, limit int) pairs {
	return pairs{
		wait: wait, ends: map[spanmetrics.Ref]*end{},
		waiting:  line{max: limit, maxBytes: maxWaitingBytes},
		answered: line{max: maxAnswered, maxBytes: maxAnsweredBytes},
	}
}

// client returns, of the first end under a client's key, the client's end of a target, nil if it is
// not there.
func (e *end) client(t spanmetrics.Target) *end {
	for ; e != nil && !e.server(); e = e.under {
		if spanmetrics.SameTrace(e.at.TraceID, t.TraceID) {
			return e
		}
	}
	return nil
}

// maxAlike bounds the clients with one key, of traces whose ids have their lower halves in common.
const maxAlike = 4

// crowded says, of the first end under a client's key, whether a client with the same id is there, or
// too many that are alike.
func (e *end) crowded(t spanmetrics.Target) bool {
	alike := 0
	for ; e != nil && !e.server(); e = e.under {
		if alike++; alike == maxAlike || spanmetrics.SameTrace(e.at.TraceID, t.TraceID) {
			return true
		}
	}
	return false
}

// servers yields, of the first end under a client's key, the servers that wait for it. They may be
// removed.
func (e *end) servers(t spanmetrics.Target) iter.Seq[*end] {
	return func(yield func(*end) bool) {
		for e != nil {
			this := e
			e = e.under
			if this.server() && spanmetrics.SameTrace(this.at.TraceID, t.TraceID) && !yield(this) {
				return
			}
		}
	}
}

// linked stands for the links of an end: all that matters of them is that there are some.
var linked = make([]spanmetrics.Target, 1)

// add lets an end wait under the span of its client, where first is the first end.
func (p *pairs) add(t spanmetrics.Target, first *end, s *side, now time.Time) *end {
	e := p.free
	if e == nil {
		e = &end{}
	} else {
		p.free = e.under
	}
	*e = end{side: *s, at: t, deadline: now.UnixNano() + int64(p.wait)}
	if len(e.Links) > 0 {
		e.Links = linked
	}
	p.stack(e, first)
	p.waiting.push(e)
	return e
}

// stack puts an end under its key: a client on top, a server below the clients.
func (p *pairs) stack(e, first *end) {
	if e.server() {
		for first != nil && !first.server() {
			e.over, first = first, first.under
		}
	}
	if e.under = first; first != nil {
		first.over = e
	}
	if e.over == nil {
		p.ends[e.at.Ref()] = e
	} else {
		e.over.under = e
	}
}

// keep lets a client that was answered stay on, as the youngest.
func (p *pairs) keep(e *end, now time.Time) {
	e.in.remove(e)
	e.deadline = now.UnixNano() + int64(p.wait)
	p.answered.push(e)
}

// remove forgets an end, which must be there, and returns its side.
func (p *pairs) remove(e *end) side {
	e.in.remove(e)
	if e.under != nil {
		e.under.over = e.over
	}
	switch {
	case e.over != nil:
		e.over.under = e.under
	case e.under != nil:
		p.ends[e.at.Ref()] = e.under
	default:
		delete(p.ends, e.at.Ref())
	}
	s := e.side
	*e = end{under: p.free}
	p.free = e
	return s
}

// overdue returns an end that has to go, because it stayed long enough or too many others do, and
// whether it was answered. Nil means none.
func (p *pairs) overdue(now time.Time) (e *end, answered bool) {
	for _, l := range [...]*line{&p.waiting, &p.answered} {
		if e := l.first; e != nil && (l.full() || e.deadline <= now.UnixNano()) {
			return e, l == &p.answered
		}
	}
	return nil, false
}

func (l *line) full() bool { return l.count > l.max || l.bytes > l.maxBytes }

func (e *end) size() int { return endBytes + len(e.Service) + len(e.Peer) }

func (l *line) push(e *end) {
	e.in, e.before, e.after = l, l.last, nil
	if l.last == nil {
		l.first = e
	} else {
		l.last.after = e
	}
	l.last = e
	l.count++
	l.bytes += e.size()
}

func (l *line) remove(e *end) {
	if e.before == nil {
		l.first = e.after
	} else {
		e.before.after = e.after
	}
	if e.after == nil {
		l.last = e.before
	} else {
		e.after.before = e.before
	}
	l.count--
	l.bytes -= e.size()
}

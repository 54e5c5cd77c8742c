package exemplars

import (
	"time"

	"github.com/plaithq/plait"
)

// pairKey is where the two ends of a call meet: the client's span, which is the server's parent or
// shares its id.
type pairKey struct {
	trace plait.TraceID
	span  plait.SpanID
}

// pairs holds the ends of calls whose other end was not seen yet, in order of their coming.
type pairs struct {
	wait    time.Duration
	max     int
	waiting map[pairKey]waitingSide
	queue   []queued // of waiting, and of some that no longer wait
	head    int      // of the queue
	number  uint64
}

type waitingSide struct {
	side
	number uint64
}

type queued struct {
	key      pairKey
	number   uint64 // tells an end from an earlier one with the same key
	deadline time.Time
}

func newPairs(wait time.Duration, limit int) pairs {
	return pairs{wait: wait, max: limit, waiting: map[pairKey]waitingSide{}}
}

// holds says whether an end of the wanted kind waits under a key.
func (p *pairs) holds(key pairKey, server bool) bool {
	w, ok := p.waiting[key]
	return ok && w.server == server
}

// take removes and returns the end that waits under a key, if it is of the wanted kind.
func (p *pairs) take(key pairKey, server bool) (side, bool) {
	w, ok := p.waiting[key]
	if !ok || w.server != server {
		return side{}, false
	}
	delete(p.waiting, key)
	return w.side, true
}

// add lets an end wait. One of the same kind that waits under the key already stays: two
// servers may have one client, and the first that is paired speaks for it.
func (p *pairs) add(key pairKey, end *side, now time.Time) {
	if _, there := p.waiting[key]; there {
		return
	}
	p.number++
	p.waiting[key] = waitingSide{*end, p.number}
	if len(p.queue) == cap(p.queue) {
		p.compact()
	}
	p.queue = append(p.queue, queued{key, p.number, now.Add(p.wait)})
}

// compact drops from the queue what no longer waits, so that it is not much longer than what does.
func (p *pairs) compact() {
	kept := p.queue[:0]
	for _, q := range p.queue[p.head:] {
		if w, ok := p.waiting[q.key]; ok && w.number == q.number {
			kept = append(kept, q)
		}
	}
	p.queue, p.head = kept, 0
	if len(kept) > cap(kept)/2 {
		p.queue = append(make([]queued, 0, 2*cap(kept)+64), kept...)
	}
}

func (p *pairs) full() bool { return len(p.waiting) > p.max }

// expired says whether the oldest end has waited long enough.
func (p *pairs) expired(now time.Time) bool {
	p.skip()
	return p.head < len(p.queue) && !now.Before(p.queue[p.head].deadline)
}

// oldest removes and returns the end that waited longest. There must be one.
func (p *pairs) oldest() side {
	p.skip()
	key := p.queue[p.head].key
	p.head++
	w := p.waiting[key]
	delete(p.waiting, key)
	return w.side
}

// skip moves the head past what no longer waits.
func (p *pairs) skip() {
	for p.head < len(p.queue) {
		q := &p.queue[p.head]
		if w, ok := p.waiting[q.key]; ok && w.number == q.number {
			return
		}
		p.head++
	}
}

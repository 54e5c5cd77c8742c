package ingest

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/plaithq/plait"
)

// A budget bounds the memory of all requests together. Each request holds a lease, which
// grows as its body arrives and is decoded and is given back when the request is answered.
// Nobody waits for memory: what does not fit is refused at once, and the sender comes back.
//
// A lease counts what a request costs, not only what it brought:
//
//	each request                  requestCost: its head, its goroutine
//	body bytes, decompressed      x bodyCost: the body and its encoded rows
//	records and attributes in it  as their format weighs them: the decoded batch
//	a decompressor's memory       while the body is read
//
// No sender keeps another from being heard, by two rules that take effect only while the memory is
// used up. Requests whose bodies come in slowly are shed for others, the slowest first. And when a
// sender is refused that holds little, senders that hold more than half of the memory get no more
// of it for contentionTime.
type budget struct {
	max int64
	now func() time.Time

	mu        sync.Mutex
	used      int64
	senders   map[string]*sender
	arriving  map[*lease]struct{} // leases whose bodies are coming in
	contended time.Time           // until when senders are held to half of the memory
}

// sender is what one sender's requests hold together.
type sender struct {
	held   int64
	leases int
}

const (
	// bodyCost is the memory that a byte of a decompressed body costs until its commit: itself,
	// and its share of the rows that the writer encodes.
	bodyCost = 2
	// requestCost is the memory of a request besides its body: head, goroutine, frames.
	requestCost = 16 << 10
	// contentionTime is somewhat longer than what refused senders are told to wait.
	contentionTime = 3 * time.Second
)

func newBudget(size int64, now func() time.Time) *budget {
	return &budget{max: size, now: now, senders: map[string]*sender{}, arriving: map[*lease]struct{}{}}
}

// lease is one request's part of the budget. Its methods are for the goroutine of the request.
type lease struct {
	budget *budget
	sender string

	// Guarded by budget.mu.
	held int64
	shed bool // its memory was given to others
	arrival
}

// lease opens an empty lease for a request of a sender. The caller releases it.
func (b *budget) lease(from string) *lease { return &lease{budget: b, sender: from} }

// inUse is the memory that is held at this moment.
func (b *budget) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// grow takes n more bytes. The error wraps plait.ErrOverloaded when others use the memory, and
// plait.ErrTooLarge when this request alone would never fit.
func (l *lease) grow(n int64) error {
	b := l.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case l.shed:
		return errShed
	case l.held+n > b.max:
		return plait.Errorf(plait.ErrTooLarge, "the request needs %d bytes of memory and the gateway has %d for all: split it", l.held+n, b.max)
	case b.isGreedy(l, n):
		return plait.Errorf(plait.ErrOverloaded, "this sender's requests use more than half of the %d bytes of memory for requests, and others wait: send it again", b.max)
	case b.used+n > b.max && !b.free(b.used+n-b.max, l):
		if s := b.senders[l.sender]; s == nil || s.held < b.max/2 {
			b.contended = b.now().Add(contentionTime)
		}
		return plait.Errorf(plait.ErrOverloaded, "requests in flight use the %d bytes of memory set aside for them: send it again", b.max)
	}
	b.take(l, n)
	return nil
}

// isGreedy says whether a sender with several requests asks for more than half of the memory while
// others wait for some.
func (b *budget) isGreedy(l *lease, n int64) bool {
	s := b.senders[l.sender]
	return s != nil && s.held > l.held && s.held+n > b.max/2 && b.used+n > b.max/2 && b.now().Before(b.contended)
}

// take gives a lease n bytes more, or fewer if n is negative.
func (b *budget) take(l *lease, n int64) {
	s := b.senders[l.sender]
	if s == nil {
		s = new(sender)
		b.senders[l.sender] = s
	}
	if l.held == 0 && n > 0 {
		s.leases++
	}
	b.used, s.held, l.held = b.used+n, s.held+n, l.held+n
	if l.held == 0 && n < 0 {
		s.leases--
	}
	if s.leases == 0 {
		delete(b.senders, l.sender)
	}
}

// free sheds requests that come in slowly, until n bytes are free. It sheds none when all of them
// together would not do.
func (b *budget) free(n int64, except *lease) bool {
	limit := b.now().Add(-slowAfter)
	var slow []*lease
	var sum int64
	for l := range b.arriving {
		if l != except && l.mark.Before(limit) {
			slow, sum = append(slow, l), sum+l.held
		}
	}
	if sum < n {
		return false
	}
	slices.SortFunc(slow, func(x, y *lease) int { return cmp.Or(x.mark.Compare(y.mark), cmp.Compare(y.held, x.held)) })
	for _, l := range slow {
		if n <= 0 {
			break
		}
		n -= l.held
		b.shedLease(l)
	}
	return true
}

// shedLease ends a request that is coming in. Its memory counts as free at once, and is a moment later.
func (b *budget) shedLease(l *lease) {
	b.take(l, -l.held)
	delete(b.arriving, l)
	l.shed = true
	l.interrupt()
}

// shedSlowest ends the request that comes in most slowly, if one is slow.
func (b *budget) shedSlowest() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.free(1, nil)
}

// shrink gives n bytes back early.
func (l *lease) shrink(n int64) {
	b := l.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if !l.shed && n != 0 {
		b.take(l, -n)
	}
}

// release gives everything back. A second call does nothing.
func (l *lease) release() {
	b := l.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.arriving, l)
	if l.held != 0 {
		b.take(l, -l.held)
	}
}

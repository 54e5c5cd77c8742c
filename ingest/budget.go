package ingest

import (
	"fmt"
	"sync/atomic"

	"github.com/plaithq/plait"
)

// A budget bounds the memory of all requests together. Each request holds a lease, which
// grows as its body arrives and is decoded and is given back when the request is answered.
// Nobody waits for memory: what does not fit is refused at once, and the sender comes back.
//
// A lease counts what a request costs, not only what it brought:
//
//	body bytes, decompressed      x bodyCost: the body and its encoded rows
//	records and attributes in it  as weigh counts them: the decoded batch
//	zstd window                   while the body is read
type budget struct {
	max  int64
	used atomic.Int64
}

// bodyCost is the memory that a byte of a decompressed body costs until its commit: itself, and
// its share of the rows that the writer encodes.
const bodyCost = 2

// lease is one request's part of the budget. It is not for concurrent use.
type lease struct {
	budget *budget
	held   int64
}

// lease opens an empty lease. The caller releases it.
func (b *budget) lease() *lease { return &lease{budget: b} }

// fits says whether n more bytes are free at this moment, and the error of grow if not.
func (b *budget) fits(n int64) error {
	if n > b.max {
		return fmt.Errorf("the request needs %d bytes of memory and the gateway has %d for all: split it: %w", n, b.max, plait.ErrTooLarge)
	}
	if used := b.used.Load(); used+n > b.max {
		return fmt.Errorf("requests in flight use %d of %d bytes of memory: %w", used, b.max, plait.ErrOverloaded)
	}
	return nil
}

// grow takes n more bytes. The error wraps plait.ErrOverloaded when others use the memory, and
// plait.ErrTooLarge when this request alone would never fit.
func (l *lease) grow(n int64) error {
	if l.held+n > l.budget.max {
		return l.budget.fits(l.held + n)
	}
	if l.budget.used.Add(n) > l.budget.max {
		l.budget.used.Add(-n)
		return fmt.Errorf("requests in flight use the %d bytes of memory set aside for them: %w", l.budget.max, plait.ErrOverloaded)
	}
	l.held += n
	return nil
}

// shrink gives n bytes back early.
func (l *lease) shrink(n int64) {
	l.budget.used.Add(-n)
	l.held -= n
}

// release gives everything back. A second call does nothing.
func (l *lease) release() { l.shrink(l.held) }

// Package commit writes the batches of a signal in groups, one transaction for those that wait together.
package commit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
)

// Group commit.
//
// A commit costs Postgres a sync of its log, a few round trips and the start of each COPY,
// whether it holds one span or ten thousand. So requests that wait at the same time share one:
// while one group is being written the next one gathers, and groups grow with the load by
// themselves. There is no fixed linger, which would make every lone request late.
//
// Left to that alone, few senders fall into step in two halves, one of which waits while the
// other's group is written, and groups are half as large as they could be. So a committer that
// has just answered gives those senders a moment to come back (gather): at most half the time
// that the group took, and not at all after a rest. With four senders of 500 spans that halves
// the commits, saves a tenth of the processor time per span and lets a third more spans through.
//
// Each signal has one committer: one goroutine, which owns the buffers and dictionaries of its
// signal and therefore needs no lock for them. A second one per signal would only halve the
// groups; the server was busy already with one.
//
// A group goes through these steps:
//
//	wait     until a batch is waiting
//	gather   those whose senders were answered a moment ago and come back
//	acquire  a connection; what arrives meanwhile joins the group
//	take     everything that waits, up to a bound of records and bytes
//	prepare  rows are encoded and sorted; dictionary entries that they need and that this
//	         gateway has not written yet are collected
//	open     the entries in a transaction of their own, then BEGIN and the digests of the
//	         group's requests
//	write    COPY
//	commit   COMMIT, synced
//	answer   every waiter
//
// From open to commit is one round trip: the committer is in haste. It asks for nothing, and sends
// statements that fail where there would have been something to tell: a request was committed
// before, an id stands for another content, rows wait for the group's traces. A group that
// fails in haste is written again with care: opening it is a round trip of its own, which tells what there is, and
// the next groups are written with care at once, since what is rare seldom comes alone.
//
// What must hold:
//
//  1. A waiter hears nil only after its COMMIT was confirmed. A COMMIT whose confirmation got
//     lost is an error; the sender repeats the request, and its digest tells whether it is
//     already there (requests.go).
//  2. Entries are committed before the rows that refer to them. Their transaction need not
//     wait for its own sync: the log is synced in order, up to the COMMIT of the rows. Until
//     that is confirmed a crash of Postgres may take them back, so they count as unwritten.
//  3. A bad batch never fails its neighbours. When the data is at fault, the transaction is
//     gone and nobody knows whose batch it was; so each is written again by itself, and only
//     the bad one hears plait.ErrInvalid.
//  4. A batch's memory belongs to its sender until the answer. A sender that goes away while
//     its batch waits takes it along; once it is taken, the sender waits for the answer, which
//     is bounded by groupTimeout.
//  5. Duplicates drop out before rows are committed: a group that turns out to hold some is
//     rolled back and starts again without them. That costs a group twice, or three times after haste, and retries are rare.
//
// Two contexts end a committer: close says "take no more", after which it writes what is
// waiting and returns; the context of run ends also that.

// Writer turns groups of batches of one signal into rows. One goroutine at a time calls
// it. For each attempt at a group the calls are prepare, then write, unless something fails
// before, then ended.
type Writer[B any] interface {
	// Prepare encodes the rows of a group and adds statements to entries that write what the
	// rows refer to and what is not in the database yet, and to opening what the writer wants
	// to know of the transaction when it begins. In haste nobody waits for answers, so statements
	// fail where they would have something to tell; if one of them asks all the same, there is
	// no haste. An error that wraps plait.ErrInvalid lays the blame on a batch.
	Prepare(group []B, entries, opening *pgx.Batch, hasty bool) error
	// Write sends the rows, within a transaction, which the committer ends. It need not wait for what Postgres
	// says to them: the committer does, and knows no difference.
	Write(ctx context.Context, rows *pgcopy.Stream) error
	// Ended tells how the transaction ended, before the senders hear it. When the answer to
	// COMMIT got lost, committed is false and yet the rows may be there. Only when it is true
	// are the entries sure to be there for ever: see 2 above.
	Ended(committed bool)
}

// batch is what one request brings of a signal.
type batch interface {
	// RequestDigest names the request; the zero digest turns the check for repeats off.
	RequestDigest() plait.Digest
	// Weigh returns the number of records and about how many bytes they hold.
	Weigh() (records, bytes int)
}

const (
	maxGroupRecords   = 20_000   // where larger groups stop being cheaper
	maxGroupBytes     = 16 << 20 // and what they may need of memory
	maxWaitingRecords = 400_000  // beyond it senders are sent away
	maxPatience       = 5 * time.Millisecond
	carefulGroups     = 16 // after one that failed in haste
	acquireTimeout    = 5 * time.Second
	groupTimeout      = 60 * time.Second
)

// Committer writes the batches of one signal in groups.
type Committer[B batch] struct {
	signal      string
	database    database
	writer      Writer[B]
	instruments *signalInstruments

	// what only run touches
	session  session   // of the group that is being written
	careful  int       // groups that are not written in haste
	expected int       // requests that may wait once all senders are back
	deadline time.Time // until which the next group waits for them

	mu      sync.Mutex
	waiting []*waiter[B]
	records int // that wait
	closed  bool
	wake    chan struct{} // holds a token when something changed
}

// waiter is a batch whose sender waits for the answer.
type waiter[B any] struct {
	batch   B
	records int
	bytes   int
	answer  chan answer // of capacity 1: the committer never waits for a sender
}

type answer struct {
	receipt plait.Receipt
	err     error
}

// New makes the committer of a signal, whose transactions are of the pool's connections. When a row
// found no partition, refresh makes what is missing.
func New[B batch](pool *pgxpool.Pool, in *Instruments, signal string, writer Writer[B], refresh func(context.Context) error) *Committer[B] {
	return newCommitter(&postgres{pool: pool, refresh: refresh}, in, signal, writer)
}

func newCommitter[B batch](db database, in *Instruments, signal string, writer Writer[B]) *Committer[B] {
	return &Committer[B]{
		signal:      signal,
		database:    db,
		writer:      writer,
		instruments: in.of(signal),
		wake:        make(chan struct{}, 1),
	}
}

// Waiting is how many requests wait for a commit.
func (c *Committer[B]) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting)
}

// Submit waits until the batch is committed or refused.
func (c *Committer[B]) Submit(ctx context.Context, b B) (plait.Receipt, error) {
	w := &waiter[B]{batch: b, answer: make(chan answer, 1)}
	if w.records, w.bytes = b.Weigh(); w.records == 0 {
		return plait.Receipt{}, nil
	}
	if err := c.enqueue(w); err != nil {
		return plait.Receipt{}, err
	}
	select {
	case a := <-w.answer:
		return a.receipt, a.err
	case <-ctx.Done():
	}
	if c.withdraw(w) {
		return plait.Receipt{}, fmt.Errorf("wait for the commit of %s: %w", c.signal, ctx.Err())
	}
	a := <-w.answer
	return a.receipt, a.err
}

func (c *Committer[B]) enqueue(w *waiter[B]) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return plait.Errorf(plait.ErrUnavailable, "the store is closed")
	}
	if c.records > 0 && c.records+w.records > maxWaitingRecords {
		return plait.Errorf(plait.ErrOverloaded, "%d %s wait for their commit", c.records, c.signal)
	}
	c.waiting = append(c.waiting, w)
	c.records += w.records
	c.instruments.waiting.Set(float64(c.records))
	c.signalChange()
	return nil
}

// signalChange wakes the committer. A token that is still there will wake it too.
func (c *Committer[B]) signalChange() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// withdraw takes a batch back that is still waiting.
func (c *Committer[B]) withdraw(w *waiter[B]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.waiting {
		if c.waiting[i] == w {
			c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
			c.records -= w.records
			return true
		}
	}
	return false
}

// Close says "take no more".
func (c *Committer[B]) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.signalChange()
}

// Run commits groups until close, and then what is still waiting.
func (c *Committer[B]) Run(ctx context.Context) {
	defer c.release()
	for c.wait() {
		c.gather()
		err := c.acquire(ctx)
		group := c.take()
		start := time.Now()
		if err != nil {
			c.refuse(group, err)
			continue
		}
		c.commit(ctx, group)
		c.release()
		c.expect(len(group), time.Since(start))
	}
}

// wait returns true when a batch waits, and false when none does and none will.
func (c *Committer[B]) wait() bool {
	for {
		c.mu.Lock()
		waiting, closed := len(c.waiting) > 0, c.closed
		c.mu.Unlock()
		if waiting || closed {
			return waiting
		}
		<-c.wake
	}
}

// take removes the next group from those that wait: at least one batch if there is any.
func (c *Committer[B]) take() []*waiter[B] {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, records, bytes := 0, 0, 0
	for _, w := range c.waiting {
		if n > 0 && (records+w.records > maxGroupRecords || bytes+w.bytes > maxGroupBytes) {
			break
		}
		records += w.records
		bytes += w.bytes
		n++
	}
	group := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	if len(c.waiting) == 0 {
		c.waiting = nil
	}
	c.records -= records
	c.instruments.waiting.Set(float64(c.records))
	return group
}

// refuse answers a group with an error.
func (c *Committer[B]) refuse(group []*waiter[B], err error) {
	c.instruments.failed(err, len(group))
	for _, w := range group {
		w.answer <- answer{err: err}
	}
}

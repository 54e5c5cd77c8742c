package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
)

// commit writes a group and answers every waiter. See committer.go for the steps.
func (c *Committer[B]) commit(ctx context.Context, group []*waiter[B]) {
	start := time.Now()
	fresh, repeats := splitRepeats(group)
	duplicates, err := c.attempt(ctx, fresh)
	for again := 1; err != nil && startsAfresh(err) && again <= attemptsAfter(err); again++ {
		// The connection was dead, a partition had gone or gateways got in each other's way:
		// nothing of the group was committed, so another attempt is safe.
		duplicates, err = c.attemptAgain(ctx, fresh, err)
	}
	if err != nil && singlesOut(err) && len(fresh) > 1 {
		c.isolate(ctx, group)
		return
	}
	c.instruments.seconds.Observe(time.Since(start).Seconds())
	if err != nil {
		c.refuse(group, KindOf(err))
		return
	}
	c.answer(fresh, duplicates)
	for _, w := range repeats { // committed with the one that they repeat
		c.instruments.duplicates.Inc()
		w.answer <- answer{receipt: plait.Receipt{Duplicate: true}}
	}
}

// answer tells a committed group.
func (c *Committer[B]) answer(group []*waiter[B], duplicates map[plait.Digest]bool) {
	records := 0
	for _, w := range group {
		duplicate := duplicates[w.batch.RequestDigest()]
		if duplicate {
			c.instruments.duplicates.Inc()
		} else {
			records += w.records
		}
		w.answer <- answer{receipt: plait.Receipt{Duplicate: duplicate}}
	}
	if records > 0 {
		c.instruments.groupRecords.Observe(float64(records))
		c.instruments.records.Add(float64(records))
	}
}

// isolate writes each batch of a failed group by itself, so that only the bad one is refused.
func (c *Committer[B]) isolate(ctx context.Context, group []*waiter[B]) {
	for _, w := range group {
		alone := []*waiter[B]{w}
		if err := c.acquire(ctx); err != nil {
			c.refuse(alone, err)
			continue
		}
		c.commit(ctx, alone)
	}
}

// splitRepeats sets apart the batches whose request is in the group already.
func splitRepeats[B batch](group []*waiter[B]) (first, repeats []*waiter[B]) {
	seen := make(map[plait.Digest]bool, len(group))
	for _, w := range group {
		d := w.batch.RequestDigest()
		if d != (plait.Digest{}) && seen[d] {
			repeats = append(repeats, w)
			continue
		}
		seen[d] = true
		first = append(first, w)
	}
	return first, repeats
}

// attemptsAfter is how often a group is tried again after an error that startsAfresh knows. A writer
// may want several attempts, one for each of its dictionaries.
func attemptsAfter(err error) int {
	if errors.Is(err, ErrTryAgain) {
		return 8
	}
	return 1
}

// attemptAgain is attempt after what went wrong was set right.
func (c *Committer[B]) attemptAgain(ctx context.Context, group []*waiter[B], cause error) (map[plait.Digest]bool, error) {
	if isNoPartition(cause) {
		if err := c.database.makePartitions(ctx); err != nil {
			return nil, err
		}
	}
	if pgerror.Code(cause) == "" && !errors.Is(cause, ErrTryAgain) { // what broke one connection has broken the others
		c.release()
		c.database.reset()
	}
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	return c.attempt(ctx, group)
}

// attempt writes a group in one transaction and returns the digests of those batches that
// were committed by an earlier request.
func (c *Committer[B]) attempt(ctx context.Context, group []*waiter[B]) (map[plait.Digest]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, groupTimeout)
	defer cancel()
	duplicates := make(map[plait.Digest]bool)
	hasty := c.careful == 0
	c.careful = max(c.careful-1, 0)
	for len(group) > 0 {
		repeated, err := c.transact(ctx, group, hasty)
		if err != nil {
			c.session.rollback(ctx)
			if hasty && c.session.usable() && wantsCare(err) {
				hasty, c.careful = false, carefulGroups
				continue
			}
			return nil, err
		}
		if len(repeated) == 0 {
			return duplicates, nil
		}
		var fresh []*waiter[B]
		for _, w := range group {
			if d := w.batch.RequestDigest(); repeated[d] {
				duplicates[d] = true
			} else {
				fresh = append(fresh, w)
			}
		}
		group = fresh
	}
	return duplicates, nil
}

// transact writes and commits a group, or rolls back and returns the digests that were
// committed before. In haste it asks for nothing, and fails where there would have been something to tell.
func (c *Committer[B]) transact(ctx context.Context, group []*waiter[B], hasty bool) (map[plait.Digest]bool, error) {
	batches := make([]B, len(group))
	var digests []plait.Digest
	for i, w := range group {
		batches[i] = w.batch
		if d := w.batch.RequestDigest(); d != (plait.Digest{}) {
			digests = append(digests, d)
		}
	}
	committed := false
	defer func() { c.writer.Ended(committed) }()
	var entries, opening pgx.Batch
	if err := c.writer.Prepare(batches, &entries, &opening, hasty); err != nil {
		return nil, fmt.Errorf("encode %s: %w", c.signal, err)
	}
	repeated, err := c.begin(ctx, &entries, &opening, digests, hasty)
	if err != nil {
		return nil, fmt.Errorf("begin to write %s: %w", c.signal, err)
	}
	if len(repeated) > 0 {
		c.session.rollback(ctx)
		return repeated, nil
	}
	if err := c.session.write(ctx, c.writer.Write); err != nil {
		return nil, err
	}
	if err := c.session.commit(ctx); err != nil {
		return nil, fmt.Errorf("commit %s: %w", c.signal, err)
	}
	committed = true
	return nil, nil
}

// begin begins the transaction of a group, and returns the digests that were committed before.
func (c *Committer[B]) begin(ctx context.Context, entries, opening *pgx.Batch, digests []plait.Digest, hasty bool) (map[plait.Digest]bool, error) {
	if hasty && !asks(entries) && !asks(opening) {
		return nil, c.session.hurry(ctx, entries, opening, digests)
	}
	fresh, err := c.session.begin(ctx, entries, opening, digests)
	if err != nil {
		return nil, err
	}
	return repeatedOf(digests, fresh), nil
}

// asks says whether somebody wants to know an answer.
func asks(statements *pgx.Batch) bool {
	return slices.ContainsFunc(statements.QueuedQueries, func(q *pgx.QueuedQuery) bool { return q.Fn != nil })
}

// repeatedOf returns the digests that are not fresh.
func repeatedOf(digests []plait.Digest, fresh map[plait.Digest]bool) map[plait.Digest]bool {
	repeated := make(map[plait.Digest]bool)
	for _, d := range digests {
		if !fresh[d] {
			repeated[d] = true
		}
	}
	return repeated
}

// acquire makes sure of a session, soon or not at all: senders that wait are told.
func (c *Committer[B]) acquire(ctx context.Context) error {
	if c.session != nil && c.session.usable() {
		return nil
	}
	c.release()
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	session, err := c.database.connect(ctx)
	if err != nil {
		return plait.Errorf(plait.ErrUnavailable, "connect to write %s: %w", c.signal, err)
	}
	c.session = session
	return nil
}

// release gives the session back between groups, so that few serve all signals.
func (c *Committer[B]) release() {
	if c.session != nil {
		c.session.release()
		c.session = nil
	}
}

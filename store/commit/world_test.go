package commit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
)

// request is a batch that is nothing but its name and size.
type request struct {
	name    string
	digest  plait.Digest
	records int
	bytes   int
}

func (r *request) RequestDigest() plait.Digest { return r.digest }

func (r *request) Weigh() (records, bytes int) { return r.records, r.bytes }

// named is a request of ten records, with a digest of its own.
func named(name string) *request {
	r := &request{name: name, records: 10, bytes: 1000}
	copy(r.digest[:], name)
	return r
}

// world stands in for the database and for the writer of rows. Its transactions are lists of names;
// the functions let a test say what goes wrong, and when. Times are those of the test's bubble.
type world struct {
	mu       sync.Mutex
	known    map[plait.Digest]bool // of requests that are committed
	stored   []string              // in the order of their commits
	groups   [][]string            // that were committed
	begun    int                   // transactions
	hurried  int                   // of them in haste
	resets   int                   // of the connections
	refreshs int                   // of the partitions
	ended    []bool                // what the writer was told

	open    []*request // of the transaction under way
	waiting bool       // a transaction is under way

	asks       bool // for an answer while it prepares
	connected  func(ctx context.Context) error
	prepared   func(group []string) error
	written    func(group []string) error
	refreshed  func() error
	committing func(group []string) (happens bool, err error)
	takes      time.Duration // a commit
}

func (w *world) connect(ctx context.Context) (session, error) {
	if w.connected != nil {
		if err := w.connected(ctx); err != nil {
			return nil, err
		}
	}
	return &worldSession{world: w}, nil
}

func (w *world) reset() { w.resets++ }

func (w *world) makePartitions(context.Context) error {
	w.refreshs++
	if w.refreshed != nil {
		return w.refreshed()
	}
	return nil
}

// Prepare, Write and Ended make it a Writer.
func (w *world) Prepare(group []*request, _, opening *pgx.Batch, _ bool) error {
	if w.asks {
		opening.Queue("").Exec(func(pgconn.CommandTag) error { return nil })
	}
	w.open = slices.Clone(group)
	if w.prepared != nil {
		return w.prepared(names(group))
	}
	return nil
}

func (w *world) Write(context.Context, *pgcopy.Stream) error {
	if w.written != nil {
		return w.written(names(w.open))
	}
	return nil
}

func (w *world) Ended(committed bool) { w.ended = append(w.ended, committed) }

func names(group []*request) []string {
	var names []string
	for _, r := range group {
		names = append(names, r.name)
	}
	return names
}

type worldSession struct {
	world   *world
	closed  bool
	refused bool // the transaction, since a digest is known
}

func (s *worldSession) hurry(_ context.Context, _, _ *pgx.Batch, digests []plait.Digest) error {
	s.world.hurried++
	fresh, err := s.begin(context.Background(), nil, nil, digests)
	s.refused = err == nil && len(fresh) < len(digests)
	return err
}

func (s *worldSession) begin(_ context.Context, _, _ *pgx.Batch, digests []plait.Digest) (map[plait.Digest]bool, error) {
	w := s.world
	w.begun++
	if w.waiting {
		return nil, errors.New("a transaction is under way already")
	}
	w.waiting = true
	fresh := make(map[plait.Digest]bool)
	for _, d := range digests {
		if !w.known[d] {
			fresh[d] = true
		}
	}
	return fresh, nil
}

func (s *worldSession) write(ctx context.Context, rows func(context.Context, *pgcopy.Stream) error) error {
	if s.refused {
		return nil // it is told in commit
	}
	return rows(ctx, nil)
}

func (s *worldSession) commit(context.Context) error {
	w := s.world
	time.Sleep(w.takes)
	if s.refused {
		return server(pgerrcode.UniqueViolation)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	happens, err := true, error(nil)
	if w.committing != nil {
		happens, err = w.committing(names(w.open))
	}
	if happens {
		w.waiting = false
		w.groups = append(w.groups, names(w.open))
		w.stored = append(w.stored, names(w.open)...)
		for _, r := range w.open {
			w.known[r.digest] = r.digest != plait.Digest{}
		}
	}
	return err
}

func (s *worldSession) rollback(context.Context) { s.world.waiting, s.refused = false, false }

func (s *worldSession) usable() bool { return !s.closed }

func (s *worldSession) release() {}

// inWorld runs a test with a committer in a bubble of its own, where time passes when all wait.
func inWorld(t *testing.T, test func(t *testing.T, w *world, c *Committer[*request])) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{known: map[plait.Digest]bool{}, takes: 10 * time.Millisecond}
		c := newCommitter(w, NewInstruments(prometheus.NewRegistry()), "traces", w)
		ended := make(chan struct{})
		go func() {
			c.Run(context.WithoutCancel(t.Context()))
			close(ended)
		}()
		test(t, w, c)
		c.Close()
		<-ended
	})
}

// outcome is what a sender hears.
type outcome struct {
	plait.Receipt
	err error
}

// together submits requests at the same time and returns what their senders heard, in the same order.
func together(t *testing.T, c *Committer[*request], requests ...*request) []outcome {
	t.Helper()
	outcomes := make([]outcome, len(requests))
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() { outcomes[i].Receipt, outcomes[i].err = c.Submit(t.Context(), r) })
	}
	wg.Wait()
	return outcomes
}

// afterAnother submits requests while another is written, so that they are waiting when it is their turn.
func afterAnother(t *testing.T, c *Committer[*request], requests ...*request) []outcome {
	t.Helper()
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := c.Submit(t.Context(), &request{name: "another", records: 1}); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait() // the committer sleeps in its commit
	outcomes := together(t, c, requests...)
	first.Wait()
	return outcomes
}

// server is an error as Postgres sends it.
func server(code string) error { return &pgconn.PgError{Code: code, ConstraintName: "named"} }

// noPartition is how Postgres says that a row has none.
func noPartition() error { return &pgconn.PgError{Code: "23514"} }

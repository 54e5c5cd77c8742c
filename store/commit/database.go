package commit

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
)

// database is what a committer needs of the world: sessions, one at a time.
type database interface {
	// connect lends a session that answers. It waits as long as ctx allows.
	connect(ctx context.Context) (session, error)
	// reset closes the connections that nobody uses at the moment.
	reset()
	// makePartitions reads and makes partitions, after a row found none.
	makePartitions(ctx context.Context) error
}

// session is a connection on which transactions follow one another. One goroutine uses it.
type session interface {
	// begin writes dictionary entries in a transaction of their own, begins the transaction of the
	// rows and sends what opens it. It returns those of the digests that no request of the last hour had.
	begin(ctx context.Context, entries, opening *pgx.Batch, digests []plait.Digest) (fresh map[plait.Digest]bool, err error)
	// write lends the connection to a writer, within the transaction.
	write(ctx context.Context, rows func(context.Context, *pgx.Conn) error) error
	// commit returns nil only when the transaction is committed and synced. An error that wraps
	// errCommitUnknown leaves open whether it is.
	commit(ctx context.Context) error
	// rollback ends the transaction, or else the session: it would be of no use for the next group.
	rollback(ctx context.Context)
	// usable says whether the session may serve another group.
	usable() bool
	// release gives it back.
	release()
}

// postgres is the database that is meant.
type postgres struct {
	pool    *pgxpool.Pool
	refresh func(context.Context) error
}

func (p *postgres) connect(ctx context.Context) (session, error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return &postgresSession{conn}, nil
}

func (p *postgres) reset() { p.pool.Reset() }

func (p *postgres) makePartitions(ctx context.Context) error { return p.refresh(ctx) }

// postgresSession is a connection of the pool.
type postgresSession struct{ conn *pgxpool.Conn }

// begin sends all of it in one round trip.
func (s *postgresSession) begin(ctx context.Context, entries, opening *pgx.Batch, digests []plait.Digest) (map[plait.Digest]bool, error) {
	var all pgx.Batch
	if len(entries.QueuedQueries) > 0 {
		all.Queue("BEGIN")
		all.Queue("SET LOCAL synchronous_commit = off") // see committer.go, 2
		all.QueuedQueries = append(all.QueuedQueries, entries.QueuedQueries...)
		all.Queue("COMMIT")
	}
	all.Queue("BEGIN")
	all.QueuedQueries = append(all.QueuedQueries, opening.QueuedQueries...)
	fresh := make(map[plait.Digest]bool, len(digests))
	queueRequests(&all, digests, fresh)
	return fresh, s.conn.SendBatch(ctx, &all).Close()
}

func (s *postgresSession) write(ctx context.Context, rows func(context.Context, *pgx.Conn) error) error {
	return rows(ctx, s.conn.Conn())
}

// errCommitUnknown marks a COMMIT without an answer: it may or may not have happened.
var errCommitUnknown = errors.New("the answer to COMMIT got lost")

func (s *postgresSession) commit(ctx context.Context) error {
	tag, err := s.conn.Exec(ctx, "COMMIT")
	if err != nil {
		return errors.Join(errCommitUnknown, err)
	}
	if tag.String() != "COMMIT" { // Postgres answers ROLLBACK when the transaction had failed
		return errors.New("the transaction was rolled back")
	}
	return nil
}

func (s *postgresSession) rollback(ctx context.Context) {
	if _, err := s.conn.Exec(ctx, "ROLLBACK"); err != nil {
		_ = s.conn.Conn().Close(ctx) // the pool replaces it
	}
}

func (s *postgresSession) usable() bool { return !s.conn.Conn().IsClosed() }

func (s *postgresSession) release() { s.conn.Release() }

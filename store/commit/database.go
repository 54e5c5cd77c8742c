package commit

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
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
	// hurry is begin, but for the answers: what is sent may fail as late as in commit. It fails if a digest is known.
	hurry(ctx context.Context, entries, opening *pgx.Batch, digests []plait.Digest) error
	// write lends the connection to a writer, within the transaction. What the writer sends may fail as
	// late as in commit.
	write(ctx context.Context, rows func(context.Context, *pgcopy.Stream) error) error
	// commit returns nil only when the transaction is committed and synced. An error that wraps
	// pgcopy.ErrCommitUnknown leaves open whether it is.
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
	return &postgresSession{conn: conn}, nil
}

func (p *postgres) reset() { p.pool.Reset() }

func (p *postgres) makePartitions(ctx context.Context) error { return p.refresh(ctx) }

// postgresSession is a connection of the pool.
type postgresSession struct {
	conn *pgxpool.Conn
	rows *pgcopy.Stream // of the transaction that is open
}

// begin sends all of it in one round trip.
func (s *postgresSession) begin(ctx context.Context, entries, opening *pgx.Batch, digests []plait.Digest) (map[plait.Digest]bool, error) {
	all := beginning(entries, opening)
	fresh := make(map[plait.Digest]bool, len(digests))
	queueRequests(all, digests, fresh)
	return fresh, s.conn.SendBatch(ctx, all).Close()
}

// hurry puts all of it before the rows.
func (s *postgresSession) hurry(ctx context.Context, entries, opening *pgx.Batch, digests []plait.Digest) error {
	all := beginning(entries, opening)
	queueNewRequests(all, digests)
	s.rows = pgcopy.Begin(ctx, s.conn.Conn())
	for _, q := range all.QueuedQueries {
		if err := s.rows.Exec(q.SQL, q.Arguments...); err != nil {
			return err
		}
	}
	return nil
}

// beginning is what the transaction of a group begins with, and that of its entries before it.
func beginning(entries, opening *pgx.Batch) *pgx.Batch {
	all := &pgx.Batch{}
	if len(entries.QueuedQueries) > 0 {
		all.Queue("BEGIN")
		all.Queue("SET LOCAL synchronous_commit = off") // see committer.go, 2
		all.QueuedQueries = append(all.QueuedQueries, entries.QueuedQueries...)
		all.Queue("COMMIT")
	}
	all.Queue("BEGIN")
	all.QueuedQueries = append(all.QueuedQueries, opening.QueuedQueries...)
	return all
}

func (s *postgresSession) write(ctx context.Context, rows func(context.Context, *pgcopy.Stream) error) error {
	if s.rows == nil {
		s.rows = pgcopy.Begin(ctx, s.conn.Conn())
	}
	return rows(ctx, s.rows)
}

func (s *postgresSession) commit(context.Context) error {
	rows := s.rows
	s.rows = nil
	return rows.Commit()
}

func (s *postgresSession) rollback(ctx context.Context) {
	if s.rows != nil {
		s.rows.Discard()
		s.rows = nil
	}
	if _, err := s.conn.Exec(ctx, "ROLLBACK"); err != nil {
		_ = s.conn.Conn().Close(ctx) // the pool replaces it
	}
}

func (s *postgresSession) usable() bool { return !s.conn.Conn().IsClosed() }

func (s *postgresSession) release() { s.conn.Release() }

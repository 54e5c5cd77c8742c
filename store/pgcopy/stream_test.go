package pgcopy_test

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plaithq/plait/store/pgcopy"
	"github.com/plaithq/plait/store/storetest"
)

const copyNumbersSQL = `COPY public.number (n) FROM STDIN BINARY`

// numbers are rows of the table number.
func numbers(some ...int64) *pgcopy.Rows {
	rows := &pgcopy.Rows{}
	for _, n := range some {
		rows.Row(1)
		rows.Int8(n)
	}
	return rows
}

// connectTwice returns a connection to a database with the table number, within a transaction, and one to watch it by.
func connectTwice(t *testing.T) (conn, watch *pgx.Conn) {
	t.Helper()
	url := storetest.Empty(t)
	conn, watch = connect(t, url), connect(t, url)
	exec(t, conn, `CREATE TABLE public.number (n int8 PRIMARY KEY DEFERRABLE INITIALLY DEFERRED CHECK (n > 0))`)
	exec(t, conn, `BEGIN`)
	return conn, watch
}

// expectStored compares how many numbers are committed.
func expectStored(t *testing.T, conn *pgx.Conn, want int) {
	t.Helper()
	var got int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM public.number`).Scan(&got); err != nil || got != want {
		t.Errorf("%d numbers are stored, %v, want %d", got, err, want)
	}
}

func TestRowsOfSeveralCopiesAreCommittedTogether(t *testing.T) {
	t.Parallel()
	conn, watch := connectTwice(t)
	many := &pgcopy.Rows{}
	for n := range int64(100_000) { // more than sockets and buffers hold
		many.Row(1)
		many.Int8(n + 10)
	}
	s := pgcopy.Begin(t.Context(), conn)
	for _, rows := range []*pgcopy.Rows{numbers(1, 2), {}, many, numbers(3)} {
		if err := s.Copy(copyNumbersSQL, rows); err != nil {
			t.Fatal(err)
		}
	}
	expectStored(t, watch, 0)
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	expectStored(t, watch, 100_003)
	exec(t, conn, `SELECT`) // it is of use for more
}

func TestAStreamLendsItsConnectionOnceTheRowsAreThere(t *testing.T) {
	t.Parallel()
	conn, watch := connectTwice(t)
	s := pgcopy.Begin(t.Context(), conn)
	if err := s.Copy(copyNumbersSQL, numbers(1, 2)); err != nil {
		t.Fatal(err)
	}
	lent, err := s.Conn()
	if err != nil {
		t.Fatal(err)
	}
	expectStored(t, lent, 2)
	exec(t, lent, `DELETE FROM public.number WHERE n = 1`)
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	expectStored(t, watch, 1)
}

func TestRowsThatPostgresRefusesAreNotCommitted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		statement string
		bad       *pgcopy.Rows
		code      string
	}{
		"a value":        {copyNumbersSQL, numbers(-1), pgerrcode.CheckViolation},
		"a column":       {`COPY public.number (m) FROM STDIN BINARY`, numbers(7), pgerrcode.UndefinedColumn},
		"a row's fields": {copyNumbersSQL, &pgcopy.Rows{Bytes: append(numbers(7).Bytes, 0, 3), Count: 2}, pgerrcode.BadCopyFileFormat},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, watch := connectTwice(t)
			s := pgcopy.Begin(t.Context(), conn)
			for _, c := range []struct {
				statement string
				rows      *pgcopy.Rows
			}{{copyNumbersSQL, numbers(1, 2)}, {test.statement, test.bad}, {copyNumbersSQL, numbers(3)}} {
				if err := s.Copy(c.statement, c.rows); err != nil {
					t.Fatal(err)
				}
			}
			err := s.Commit()
			if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != test.code || errors.Is(err, pgcopy.ErrCommitUnknown) {
				t.Errorf("Commit returns %v, want the server's %s, which says that nothing is committed", err, test.code)
			}
			expectStored(t, watch, 0)
			exec(t, conn, `ROLLBACK`)
			exec(t, conn, `SELECT`)
		})
	}
}

func TestACommitThatPostgresRefusesCountsAsUnknown(t *testing.T) {
	t.Parallel()
	conn, watch := connectTwice(t)
	s := pgcopy.Begin(t.Context(), conn)
	if err := s.Copy(copyNumbersSQL, numbers(1, 1)); err != nil { // seen at the end, since the key is deferred
		t.Fatal(err)
	}
	if err := s.Commit(); !errors.Is(err, pgcopy.ErrCommitUnknown) {
		t.Errorf("Commit returns %v", err)
	}
	expectStored(t, watch, 0)
}

func TestRowsOfATerminatedSessionAreNotCommitted(t *testing.T) {
	t.Parallel()
	conn, watch := connectTwice(t)
	terminator := connect(t, conn.Config().ConnString())
	exec(t, watch, `BEGIN; LOCK TABLE public.number`)
	s := pgcopy.Begin(t.Context(), conn)
	if err := s.Copy(copyNumbersSQL, numbers(1)); err != nil {
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	go func() { committed <- s.Commit() }()
	awaitLock(t, terminator)
	exec(t, terminator, `SELECT pg_terminate_backend($1)`, conn.PgConn().PID())
	err := <-committed
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != pgerrcode.AdminShutdown || errors.Is(err, pgcopy.ErrCommitUnknown) {
		t.Errorf("Commit returns %v, want the server's last word, which says that nothing is committed", err)
	}
	s.Discard()
	if !conn.IsClosed() {
		t.Error("the connection is open")
	}
	exec(t, watch, `COMMIT`)
	expectStored(t, watch, 0)
}

// A lock keeps the rows waiting until the context ends.
func TestAStreamEndsWithItsContext(t *testing.T) {
	t.Parallel()
	conn, watch := connectTwice(t)
	exec(t, watch, `BEGIN; LOCK TABLE public.number`)
	ctx, cancel := context.WithCancel(t.Context())
	s := pgcopy.Begin(ctx, conn)
	if err := s.Copy(copyNumbersSQL, numbers(1)); err != nil {
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	go func() { committed <- s.Commit() }()
	awaitLock(t, watch)
	cancel()
	if err := <-committed; !errors.Is(err, context.Canceled) || !errors.Is(err, pgcopy.ErrCommitUnknown) {
		t.Errorf("Commit returns %v, want that nobody waits for it", err)
	}
	if !conn.IsClosed() {
		t.Error("the connection is open, with an answer under way")
	}
	if err := s.Copy(copyNumbersSQL, numbers(2)); err == nil {
		t.Error("a stream goes on after its end")
	}
	exec(t, watch, `COMMIT`)
}

// awaitLock waits until another session waits for a lock.
func awaitLock(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	for waiting := false; !waiting; {
		err := conn.QueryRow(t.Context(), `
			SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'public.number'::regclass), pg_sleep(0.01)::text`).Scan(&waiting, new(string))
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAContextThatHasEndedSendsNothing(t *testing.T) {
	t.Parallel()
	conn, watch := connectTwice(t)
	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	s := pgcopy.Begin(ctx, conn)
	if err := s.Copy(copyNumbersSQL, numbers(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Copy returns %v", err)
	}
	expectStored(t, watch, 0)
}

func TestStatementsAndRowsOfOneStreamAreOneTransaction(t *testing.T) {
	t.Parallel()
	conn, watch := connectTwice(t)
	for _, again := range []int64{10, 20} { // the second time all statements are prepared
		s := pgcopy.Begin(t.Context(), conn)
		for _, err := range []error{
			s.Exec(`INSERT INTO public.number (n) SELECT n FROM unnest($1::int8[]) AS g (n)`, []int64{again, again + 1}),
			s.Copy(copyNumbersSQL, numbers(again+2, again+3)),
			s.Exec(`SELECT n FROM public.number`), // whose rows nobody asks for
			s.Exec(`DELETE FROM public.number WHERE n = $1`, again+3),
			s.Commit(),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		exec(t, conn, `BEGIN`)
	}
	expectStored(t, watch, 6)
}

// Nothing that follows is done, neither the rows of a COPY nor the COMMIT, and the connection is of use for more.
func TestAStatementThatFailsTakesItsTransactionAlong(t *testing.T) {
	t.Parallel()
	conn, watch := connectTwice(t)
	for range 2 { // the first time it is told when the next statement is prepared
		s := pgcopy.Begin(t.Context(), conn)
		err := cmp.Or(
			s.Copy(copyNumbersSQL, numbers(1)),
			s.Exec(`SELECT (n || ' is a number')::int8 FROM public.number`),
			s.Copy(copyNumbersSQL, numbers(2, 3)),
			s.Exec(`DELETE FROM public.number WHERE n = $1`, int64(1)),
			s.Commit(),
		)
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != pgerrcode.InvalidTextRepresentation || errors.Is(err, pgcopy.ErrCommitUnknown) {
			t.Errorf("Commit returns %v, want what the server says to the statement", err)
		}
		expectStored(t, watch, 0)
		exec(t, conn, `ROLLBACK`)
		exec(t, conn, `BEGIN`)
	}
}

// As a pooler may, or a migration by the change of a table.
func TestAConnectionThatLostItsStatementsIsClosed(t *testing.T) {
	t.Parallel()
	conn, watch := connectTwice(t)
	s := pgcopy.Begin(t.Context(), conn)
	if err := errors.Join(s.Copy(copyNumbersSQL, numbers(1)), s.Commit()); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, `BEGIN`)
	if _, err := conn.PgConn().Exec(t.Context(), `DEALLOCATE ALL`).ReadAll(); err != nil {
		t.Fatal(err)
	}
	s = pgcopy.Begin(t.Context(), conn)
	if err := s.Copy(copyNumbersSQL, numbers(2)); err != nil {
		t.Fatal(err)
	}
	err := s.Commit()
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != pgerrcode.InvalidSQLStatementName || errors.Is(err, pgcopy.ErrCommitUnknown) {
		t.Errorf("Commit returns %v, want that the statement is not there", err)
	}
	if !conn.IsClosed() {
		t.Error("the connection is open, and would fail for ever")
	}
	expectStored(t, watch, 1)
}

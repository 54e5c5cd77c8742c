package partition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/pgerror"
)

// How a closed day is rewritten. Its partitions are replaced by tables with some of their rows, in one transaction: whoever reads
// sees all of the day before it, or all of it after. The new tables are filled while everybody reads the old ones; only
// the exchange keeps readers out, for some milliseconds, and waits for those that read at most so long at a time that nobody behind it
// notices. Rows that come late for such a day stand on the shelf of their arrival (CloseAfter), so nobody writes to it.

// CloseAfter makes days closed that ended so long ago, by the database's clock: what still comes for them is placed as what
// happened outside of the window. Zero closes none. It is called before anything is placed.
func (s *Keeper) CloseAfter(d time.Duration) { s.closeAfter = d }

// closeMargin is how long before a day may be rewritten nothing is placed there any more: longer than a commit takes.
const closeMargin = time.Hour

// ClosedDays are the days that were closed an hour ago and whose spans are kept still, the oldest first.
func (s *Keeper) ClosedDays() (days []Day) {
	now := s.Now()
	if s.closeAfter == 0 {
		return nil
	}
	for d := DayOf(now) - s.retained["span"]; !(d + 1).Time().Add(s.closeAfter + closeMargin).After(now); d++ {
		if s.has("span", d) {
			days = append(days, d)
		}
	}
	return days
}

// rewrittenRoots are the tables of which a day is rewritten.
var rewrittenRoots = append(slices.Clone(pinnedRoots), "exemplar")

// Rewriting is a transaction that rewrites partitions of a day.
type Rewriting struct {
	pgx.Tx
	Day    Day
	tables []table // that have a partition of the day
}

// Rewritten is what a day took before and after it was rewritten, in bytes.
type Rewritten struct{ Before, After int64 }

// Freed is by how many bytes the day is smaller.
func (r Rewritten) Freed() int64 { return r.Before - r.After }

// Rewrite calls use with a transaction in which nobody else writes to the partitions of spans, log records, fragments and exemplars of
// a day, and commits it when use returns no error.
func (s *Keeper) Rewrite(ctx context.Context, d Day, use func(*Rewriting) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to rewrite a day: %w", err)
	}
	defer conn.Release()
	if spread, err := isSpread(ctx, conn.Conn()); err != nil || spread {
		return errors.Join(err, errSpread(spread))
	}
	found, err := s.listPartitions(ctx, conn)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		r := &Rewriting{Tx: tx, Day: d}
		for _, t := range tables(s.retention) {
			if state, ok := found[id{t.name, d}]; ok && state == attached && slices.Contains(rewrittenRoots, t.name) {
				r.tables = append(r.tables, t)
			}
		}
		if err := r.closeOff(ctx); err != nil {
			return fmt.Errorf("keep writers out of a day: %w", err)
		}
		return use(r)
	})
}

func errSpread(spread bool) error {
	if !spread {
		return nil
	}
	return errors.New("partitions of a Citus cluster are not rewritten")
}

// closeOff keeps writers out of the day until the transaction ends.
func (r *Rewriting) closeOff(ctx context.Context) error {
	if _, err := r.Exec(ctx, limitLocksSQL, lockTimeoutMS); err != nil {
		return err
	}
	for _, t := range r.tables {
		if _, err := r.Exec(ctx, "LOCK TABLE "+pg.StoreTable(t.partition(r.Day))+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
	}
	return nil
}

// Has says whether the day has a partition of a table: span, log, trace_fragment or exemplar.
func (r *Rewriting) Has(root string) bool {
	return slices.ContainsFunc(r.tables, func(t table) bool { return t.root == root })
}

// Table is the name of the day's partition of a table.
func (r *Rewriting) Table(root string) string { return pg.StoreTable(root + "_" + r.Day.suffix()) }

// Columns are those of a table, as a list in SQL.
func (r *Rewriting) Columns(ctx context.Context, root string) (columns []string, err error) {
	rows, err := r.Query(ctx, columnsSQL, pg.StoreTable(root))
	if err == nil {
		columns, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		return nil, fmt.Errorf("list the columns of %s: %w", root, err)
	}
	return columns, nil
}

const columnsSQL = `
SELECT pg_catalog.quote_ident(attname)
FROM pg_catalog.pg_attribute
WHERE attrelid = $1::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum`

// New makes an empty table that is to take the place of the day's partition of a table, and returns its name.
func (r *Rewriting) New(ctx context.Context, root string) (name string, err error) {
	i := slices.IndexFunc(r.tables, func(t table) bool { return t.root == root })
	t := r.tables[i]
	name = pg.StoreTable(newName(t, r.Day))
	// What says which shelf its rows are on spares the look at each of them when it is attached.
	sql := fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL%s, CONSTRAINT shelf CHECK (shelf >= '%s' AND shelf < '%s'))%s", name, pg.StoreTable(t.root), t.checks(r.Day),
		r.Day.Time().Format(time.DateOnly), (r.Day + 1).Time().Format(time.DateOnly), t.settings(false))
	if _, err := r.Exec(ctx, sql); err != nil {
		return "", fmt.Errorf("make the new table of %s: %w", t.partition(r.Day), err)
	}
	return name, nil
}

func newName(t table, d Day) string { return "rewritten_" + t.partition(d) }

const sizeSQL = `SELECT pg_catalog.pg_total_relation_size($1::pg_catalog.regclass)`

// How long the exchange waits for readers at a time, since those behind it wait as long; how often it tries, and how long it pauses between: twice as
// long each time, up to the longest.
const (
	exchangeWait     = "250ms"
	exchangeAttempts = 40 // some ten minutes
	exchangePause    = time.Second
	exchangeLongest  = 16 * time.Second
)

// Exchange puts the new tables of all the day's partitions in their places. It is the last thing before the transaction ends.
func (r *Rewriting) Exchange(ctx context.Context) (Rewritten, error) {
	var done Rewritten
	var statements, roots []string
	for _, t := range r.tables {
		root, old, made := pg.StoreTable(t.root), pg.StoreTable(t.partition(r.Day)), pg.StoreTable(newName(t, r.Day))
		for _, size := range []struct {
			of  string
			add *int64
		}{{old, &done.Before}, {made, &done.After}} {
			var bytes int64
			if err := r.QueryRow(ctx, sizeSQL, size.of).Scan(&bytes); err != nil {
				return done, fmt.Errorf("measure %s: %w", size.of, err)
			}
			*size.add += bytes
		}
		roots = append(roots, root)
		statements = append(statements,
			"ALTER TABLE "+root+" DETACH PARTITION "+old,
			"DROP TABLE "+old,
			"ALTER TABLE "+made+" RENAME TO "+pgx.Identifier{t.partition(r.Day)}.Sanitize(),
			fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM %s TO %s", root, old, t.bound(r.Day), t.bound(r.Day+1)),
			"ALTER TABLE "+old+" DROP CONSTRAINT shelf")
	}
	statements = append([]string{"SET LOCAL lock_timeout = '" + exchangeWait + "'", "LOCK TABLE " + strings.Join(roots, ", ") + " IN ACCESS EXCLUSIVE MODE"}, statements...)
	for attempt, pause := 1, exchangePause; ; attempt, pause = attempt+1, min(2*pause, exchangeLongest) {
		err := r.tryExchange(ctx, statements)
		if err == nil {
			return done, nil
		}
		if !slices.Contains([]string{pgerrcode.LockNotAvailable, pgerrcode.DeadlockDetected}, pgerror.Code(err)) || attempt == exchangeAttempts {
			return done, fmt.Errorf("exchange the partitions of a day: %w", err)
		}
		select {
		case <-ctx.Done():
			return done, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// tryExchange runs statements, or leaves the transaction as it was.
func (r *Rewriting) tryExchange(ctx context.Context, statements []string) error {
	return pgx.BeginFunc(ctx, r.Tx, func(savepoint pgx.Tx) error {
		for _, s := range statements {
			if _, err := savepoint.Exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

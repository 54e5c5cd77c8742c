package partition

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
)

// Pinning: an exemplar that Plait serves opens its trace, and metrics are kept longer than
// traces. So before a partition of spans, log records or trace summaries is dropped, the rows
// of traces that an exemplar still points to are moved into today's partition of rows
// outside of the window, which every reader sees. When that partition's turn comes, the same happens
// again, until the exemplar is gone. The move is one transaction: rows are never in neither
// place and never in both, whoever is killed before the partition is gone.
//
// The number of traces that one partition may leave behind is bounded. Beyond it, those with
// the oldest exemplars go, and their exemplars with them.

// maxPinned is how many traces one partition may leave behind.
const maxPinned = 20_000

// pinnedRoots are the tables whose rows belong to traces.
var pinnedRoots = []string{"span", "log", "trace_fragment"}

// findPinnedSQL ranks the traces of a partition, %s, that exemplars point to. Where one side
// knows only the lower half of an id, as 64-bit tracers do, the halves are compared.
const findPinnedSQL = `
CREATE TEMPORARY TABLE plait_pinned ON COMMIT DROP AS
WITH pointing AS MATERIALIZED (
	SELECT trace_id, max(time) AS newest,
	       ('x' || substr(encode(uuid_send(trace_id), 'hex'), 17))::bit(64)::int8 AS low_id
	FROM plait_store.exemplar
	WHERE trace_id <> '00000000-0000-0000-0000-000000000000'
	GROUP BY trace_id
), spelled AS (
	SELECT trace_id, trace_id AS exemplar_id, newest FROM pointing
	UNION
	SELECT f.trace_id, p.trace_id, p.newest
	FROM pointing p
	JOIN plait_store.trace_fragment f ON f.low_id = p.low_id
	WHERE least(f.trace_id, p.trace_id) < '00000000-0000-0001-0000-000000000000'
)
SELECT trace_id, exemplar_id, dense_rank() OVER (ORDER BY newest DESC, trace_id) AS rank
FROM spelled
WHERE trace_id IN (SELECT trace_id FROM %s)`

// pinnedColumnsSQL names what is moved of a row: all but its shelf.
const pinnedColumnsSQL = `
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' ORDER BY attnum)
FROM pg_catalog.pg_attribute
WHERE attrelid = $1::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'shelf'`

const movePinnedSQL = `
WITH moved AS (
	DELETE FROM %[3]s
	WHERE trace_id IN (SELECT trace_id FROM pg_temp.plait_pinned WHERE rank <= $2)
	RETURNING %[2]s
), kept AS (
	INSERT INTO %[1]s (%[2]s, shelf)
	SELECT %[2]s, $1
	FROM moved
	RETURNING trace_id, %[4]s AS time
)
SELECT trace_id, min(time), max(time), count(*)
FROM kept
GROUP BY trace_id
ORDER BY trace_id`

// Moved is a trace whose rows were moved: how many, and the times of the first and the last.
type Moved struct {
	TraceID     plait.TraceID
	First, Last time.Time
	Rows        int64
}

// unpinSQL removes the exemplars of traces that are too many.
const unpinSQL = `DELETE FROM plait_store.exemplar WHERE trace_id IN (SELECT exemplar_id FROM pg_temp.plait_pinned WHERE rank > $1)`

// pin moves the rows of a partition that exemplars point to, and removes the exemplars of traces
// that are too many.
func (s *Keeper) pin(ctx context.Context, conn *pgx.Conn, t table, d Day) error {
	if !slices.Contains(pinnedRoots, t.root) {
		return nil
	}
	var pinned, unpinned int64
	root, partition := pg.StoreTable(t.root), pg.StoreTable(t.partition(d))
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf(findPinnedSQL, partition)); err != nil {
			return fmt.Errorf("find traces that exemplars point to: %w", err)
		}
		var columns string
		if err := tx.QueryRow(ctx, pinnedColumnsSQL, root).Scan(&columns); err != nil {
			return fmt.Errorf("list the columns of %s: %w", t.root, err)
		}
		moved, err := s.movePinned(ctx, tx, t, d, fmt.Sprintf(movePinnedSQL, root, columns, partition, pgx.Identifier{t.time}.Sanitize()))
		if err != nil {
			return fmt.Errorf("keep traces that exemplars point to: %w", err)
		}
		removed, err := tx.Exec(ctx, unpinSQL, s.MaxPinned)
		if err != nil {
			return fmt.Errorf("remove exemplars whose traces are too many to keep: %w", err)
		}
		pinned, unpinned = moved, removed.RowsAffected()
		return nil
	})
	if err != nil {
		return err
	}
	s.instruments.pinned.WithLabelValues(t.root).Add(float64(pinned))
	s.instruments.unpinned.Add(float64(unpinned))
	return nil
}

// movePinned moves rows of a day's partition to the shelf of what comes today, and returns how many.
func (s *Keeper) movePinned(ctx context.Context, tx pgx.Tx, t table, d Day, moveSQL string) (rows int64, err error) {
	from, to := d, OutsideShelf(DayOf(s.Now()))
	if t.key == byOutside {
		from = OutsideShelf(d)
	}
	found, err := tx.Query(ctx, moveSQL, to.Time(), s.MaxPinned)
	if err != nil {
		return 0, err
	}
	traces, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (m Moved, err error) {
		err = row.Scan((*[16]byte)(&m.TraceID), &m.First, &m.Last, &m.Rows)
		rows += m.Rows
		return m, err
	})
	if err != nil || len(traces) == 0 || s.Pinned == nil {
		return rows, err
	}
	return rows, s.Pinned(ctx, tx, t.root, from, to, traces)
}

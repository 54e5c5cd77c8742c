package partition

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pg"
)

// Pinning: an exemplar that Plait serves opens its trace, and metrics are kept longer than
// traces. So before a partition of spans, log records or trace summaries is dropped, the rows
// of traces that an exemplar still points to are moved into today's partition of the table's
// _outside twin, which every reader sees. When that partition's turn comes, the same happens
// again, until the exemplar is gone. The move is one transaction: rows are never in neither
// place and never in both, whoever is killed before the partition is gone.
//
// The number of traces that one partition may leave behind is bounded. Beyond it, those with
// the oldest exemplars go, and their exemplars with them.

// maxPinned is how many traces one partition may leave behind.
const maxPinned = 20_000

// pinnedTable is a table whose rows belong to traces.
type pinnedTable struct {
	outside string // where rows are copied to
	columns string
}

var pinnedTables = map[string]pinnedTable{
	"span": {"span_outside", `trace_id, start_time, span_id, parent_span_id, duration_ns, operation, resource,
	attribute_set, flags, start_sub_ns, status, attributes, extra`},
	"log": {"log_outside", `trace_id, time, span_id, observed_after, resource, class, attribute_set,
	flags, sub_ns, severity, body, attributes, extra`},
	"trace_fragment": {"trace_fragment_outside", `trace_id, start_time, low_id, duration_ns, root_operation,
	span_count, error_count, start_sub_ns, services`},
}

// pinnedTableOf finds the entry of a table or of its _outside twin.
func pinnedTableOf(table string) (pinnedTable, bool) {
	t, ok := pinnedTables[strings.TrimSuffix(table, "_outside")]
	return t, ok
}

// findPinnedSQL ranks the traces of a partition, %s, that exemplars point to. Where one side
// knows only the lower half of an id, as 64-bit tracers do, the halves are compared.
const findPinnedSQL = `
CREATE TEMPORARY TABLE plait_pinned ON COMMIT DROP AS
WITH pointing AS MATERIALIZED (
	SELECT trace_id, max(time) AS newest,
	       ('x' || substr(encode(uuid_send(trace_id), 'hex'), 17))::bit(64)::int8 AS low_id
	FROM (SELECT trace_id, time FROM plait_store.exemplar
	      UNION ALL
	      SELECT trace_id, time FROM plait_store.exemplar_outside) e
	WHERE trace_id <> '00000000-0000-0000-0000-000000000000'
	GROUP BY trace_id
), spelled AS (
	SELECT trace_id, trace_id AS exemplar_id, newest FROM pointing
	UNION
	SELECT f.trace_id, p.trace_id, p.newest
	FROM pointing p
	JOIN (SELECT trace_id, low_id FROM plait_store.trace_fragment
	      UNION ALL
	      SELECT trace_id, low_id FROM plait_store.trace_fragment_outside) f ON f.low_id = p.low_id
	WHERE least(f.trace_id, p.trace_id) < '00000000-0000-0001-0000-000000000000'
)
SELECT trace_id, exemplar_id, dense_rank() OVER (ORDER BY newest DESC, trace_id) AS rank
FROM spelled
WHERE trace_id IN (SELECT trace_id FROM %s)`

const movePinnedSQL = `
WITH moved AS (
	DELETE FROM %[3]s
	WHERE trace_id IN (SELECT trace_id FROM pg_temp.plait_pinned WHERE rank <= $2)
	RETURNING %[2]s
)
INSERT INTO %[1]s (%[2]s, arrived_on)
SELECT %[2]s, $1
FROM moved`

// Exemplars of traces that are too many.
const (
	unpinSQL        = `DELETE FROM plait_store.exemplar WHERE trace_id IN (SELECT exemplar_id FROM pg_temp.plait_pinned WHERE rank > $1)`
	unpinOutsideSQL = `DELETE FROM plait_store.exemplar_outside WHERE trace_id IN (SELECT exemplar_id FROM pg_temp.plait_pinned WHERE rank > $1)`
)

// pin moves the rows of a partition that exemplars point to, and removes the exemplars of traces
// that are too many.
func (s *Keeper) pin(ctx context.Context, conn *pgx.Conn, tableName, partition string) error {
	table, ok := pinnedTableOf(tableName)
	if !ok {
		return nil
	}
	var pinned, unpinned int64
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf(findPinnedSQL, partition)); err != nil {
			return fmt.Errorf("find traces that exemplars point to: %w", err)
		}
		tag, err := tx.Exec(ctx, fmt.Sprintf(movePinnedSQL, pg.StoreTable(table.outside), table.columns, partition), DayOf(s.Now()).Time(), s.MaxPinned)
		if err != nil {
			return fmt.Errorf("keep traces that exemplars point to: %w", err)
		}
		gone, err := tx.Exec(ctx, unpinSQL, s.MaxPinned)
		goneOutside, err2 := tx.Exec(ctx, unpinOutsideSQL, s.MaxPinned)
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("remove exemplars whose traces are too many to keep: %w", err)
		}
		pinned, unpinned = tag.RowsAffected(), gone.RowsAffected()+goneOutside.RowsAffected()
		return nil
	})
	if err != nil {
		return err
	}
	s.instruments.pinned.WithLabelValues(table.outside).Add(float64(pinned))
	s.instruments.unpinned.Add(float64(unpinned))
	return nil
}

package thin

import (
	"context"
	"fmt"

	"github.com/plaithq/plait/store/partition"
)

// Exemplars that came from outside keep their traces: somebody chose them. Those that Plait derived from spans name nearly every trace
// where few come, one for each bucket of each series every quarter of a minute, so of them the slowest of each bucket and hour keep theirs.
// The others stay where their trace does, and go with it in the same transaction.

// maxLeading bounds how many derived exemplars keep their trace on a day. Where there would be more, each bucket has those of its slowest
// hours. It is as many as the traces that a partition may leave behind for exemplars when it is dropped (package partition).
const maxLeading = 20_000

const (
	makeKeepingSQL = `
CREATE TEMPORARY TABLE plait_thin_keeping (low_id int8) ON COMMIT DROP`

	// findOutsideSQL finds the traces, by the lower halves of their ids, to which exemplars from outside point.
	findOutsideSQL = `
INSERT INTO pg_temp.plait_thin_keeping (low_id)
SELECT DISTINCT %[2]s
FROM plait_store.exemplar
WHERE NOT derived AND trace_id <> '00000000-0000-0000-0000-000000000000'
  AND (shelf BETWEEN %[1]s - %[3]d AND %[1]s + %[3]d OR ` + partition.OutsideSQL + `)`

	// findLeadingSQL finds those of the slowest derived exemplars of each bucket and hour of a partition, %[1]s.
	findLeadingSQL = `
INSERT INTO pg_temp.plait_thin_keeping (low_id)
SELECT %[2]s
FROM (
    SELECT trace_id, row_number() OVER (PARTITION BY series ORDER BY value DESC) AS rank
    FROM (
        SELECT DISTINCT ON (series, hour) series, extract(hour FROM time AT TIME ZONE interval '0') AS hour, value, trace_id
        FROM %[1]s
        WHERE derived
        ORDER BY series, hour, value DESC, time
    ) slowest
    ORDER BY rank
    LIMIT %[3]d
) ranked`

	// goneExemplarsSQL leaves out derived exemplars of traces that go, where a partition of exemplars, x, is copied.
	goneExemplarsSQL = `
WHERE NOT EXISTS (SELECT FROM pg_temp.plait_thin t WHERE x.derived AND t.trace_id = x.trace_id AND t.reason = '` + reasonGone + `')`

	// dropLaterSQL removes those on the days after.
	dropLaterSQL = `
DELETE FROM plait_store.exemplar x
USING pg_temp.plait_thin t
WHERE x.shelf > %[1]s AND x.shelf <= %[1]s + %[2]d AND x.derived
  AND CASE WHEN x.trace_id <> '00000000-0000-0000-0000-000000000000'::uuid THEN x.trace_id END = t.trace_id
  AND t.reason = '` + reasonGone + `' AND t.past_midnight`
)

// findKeeping makes the table plait_thin_keeping: to which traces the exemplars point that keep them.
func findKeeping(ctx context.Context, r *partition.Rewriting) error {
	statements := []string{makeKeepingSQL, fmt.Sprintf(findOutsideSQL, dateOf(r.Day), low("trace_id"), daysAround)}
	if r.Has("exemplar") {
		statements = append(statements, fmt.Sprintf(findLeadingSQL, r.Table("exemplar"), low("trace_id"), maxLeading))
	}
	return run(ctx, r, append(statements, "ANALYZE pg_temp.plait_thin_keeping")...)
}

// dropLater removes the exemplars of spans that ended after midnight, whose traces go.
func dropLater(ctx context.Context, r *partition.Rewriting) error {
	if err := run(ctx, r, fmt.Sprintf(dropLaterSQL, dateOf(r.Day), daysAround)); err != nil {
		return fmt.Errorf("remove exemplars of the days after: %w", err)
	}
	return nil
}

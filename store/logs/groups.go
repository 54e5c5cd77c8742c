package logs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// A record at a full microsecond counts as a little earlier, so that it is in the step that ends there. Classes,
// attribute sets and attributes that make no difference are one.
const groupedLogsSQL = `
SELECT resource, severity, class, attribute_set, attributes, step, count(*)
FROM (
    SELECT resource, severity,
           CASE WHEN class = ANY ($4) THEN class ELSE 0 END AS class,
           CASE WHEN attribute_set = ANY ($5) THEN attribute_set ELSE 0 END AS attribute_set,
           CASE WHEN attributes LIKE ANY ($6) THEN attributes ELSE '' END AS attributes,
           ((date_part('epoch', time - $1::timestamptz) * 1000000)::int8 - CASE WHEN sub_ns = 0 THEN 1 ELSE 0 END) / $7::int8 AS step
    FROM plait_store.log
    WHERE time >= $1 AND time < $2 AND (time > $1 OR sub_ns > 0) AND (time < $2::timestamptz - interval '1 microsecond' OR sub_ns = 0)
      AND ($3::int8[] IS NULL OR resource = ANY ($3))
      AND ` + search.ShelvesSQL + `
) l
GROUP BY 1, 2, 3, 4, 5, 6
LIMIT $8`

// groupHashedSQL leaves the planner no other way than to group by a hash: of a day that grows it knows too little, and
// sorts all rows by their attributes, to disk.
const groupHashedSQL = `SELECT set_config('enable_sort', 'off', true)`

// maxLogGroups bounds an answer, of some 200 bytes each.
const maxLogGroups = 100_000

// LogGroups counts log records by step and by what tells labels apart, in the order of steps. It is not ok where
// there are so many groups, or so large dictionaries, that rows have to be read.
func (s *Reader) LogGroups(ctx context.Context, q query.LogGroups) (groups []query.LogGroup, ok bool, err error) {
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("count log records: %w", err)
	}
	if !entries.LogClasses.Whole() || !entries.AttributeSets.Whole() || !entries.Scopes.Whole() {
		return nil, false, nil
	}
	resources, err := resourcesOf(entries, q.Condition)
	if err != nil {
		return nil, false, fmt.Errorf("count log records: %w", err)
	}
	isAsked := func(key string) bool { return slices.Contains(q.Attributes, key) }
	sets := entries.AttributeSets.Fitting(isAsked, func(plait.Attribute) bool { return true })
	rows, counts, steps := []storedLog{}, []int64{}, []int{}
	err = pg.ReadPlanned(ctx, s.search, groupHashedSQL, func(tx pgx.Tx) error {
		found, err := tx.Query(ctx, groupedLogsSQL, pg.Planned, rowcodec.MicrosTime(q.After/1000), rowcodec.MicrosTime(q.UpTo/1000+1), resources,
			tellingClasses(entries, isAsked), sets, likeKeys(q.Attributes), q.Step/1000, maxLogGroups+1)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			v := found.RawValues()
			rows = append(rows, storedLog{
				resource: rowcodec.Int8(v[0]), severity: rowcodec.Int2(v[1]), class: rowcodec.Int8(v[2]), attributeSet: rowcodec.Int8(v[3]), attributes: string(v[4]),
			})
			steps, counts = append(steps, int(rowcodec.Int8(v[5]))), append(counts, rowcodec.Int8(v[6]))
		}
		return found.Err()
	})
	if err != nil {
		return nil, false, fmt.Errorf("count log records: %w", err)
	}
	if len(rows) > maxLogGroups {
		return nil, false, nil
	}
	of, err := s.logEntries(ctx, rows, everything)
	if err != nil {
		return nil, false, fmt.Errorf("count log records: %w", err)
	}
	groups = make([]query.LogGroup, len(rows))
	for i := range rows {
		groups[i].Step, groups[i].Count = steps[i], counts[i]
		if err := of.decode(&groups[i].Record, &rows[i], &everything); err != nil {
			return nil, false, fmt.Errorf("count log records: %w", err)
		}
	}
	slices.SortFunc(groups, func(a, b query.LogGroup) int { return cmp.Compare(a.Step, b.Step) })
	return groups, true, nil
}

// tellingClasses are the classes that make a difference: by their scope's attributes, or because their level is
// not that of the severity.
func tellingClasses(entries *dictionary.Entries, isAsked func(key string) bool) []int64 {
	ids := []int64{}
	for id, c := range entries.LogClasses.All() {
		scope, _ := entries.Scopes.Get(c.Scope)
		asked := scope != nil && slices.ContainsFunc(scope.Attributes, func(a plait.Attribute) bool { return isAsked(a.Key) })
		if asked || condition.Level(&plait.LogRecord{SeverityText: c.SeverityText}) != condition.LevelUnknown {
			ids = append(ids, id)
		}
	}
	return ids
}

// likeKeys are patterns for the JSON of attributes that has one of some keys.
func likeKeys(keys []string) []string {
	patterns := []string{}
	for _, key := range keys {
		quoted := string(plait.AppendJSONKey(nil, key))
		patterns = append(patterns, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(quoted)+":%")
	}
	return patterns
}

package metrics

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
)

// idOf returns the id of a series, and whether the dictionary has it and needs no refreshing
// today. An id that stands for other labels, there or among the fresh ones, is passed over: nobody
// can keep a series out by being first with one of the same id.
func idOf(s *plait.SeriesData, today int32, get func(int64) *seriesEntry, fresh map[int64]plait.Labels) (id int64, known bool) {
	id = s.ID
	if id == 0 {
		id = s.Labels.ID()
	}
	for n := 1; ; n++ {
		if e := get(id); e != nil {
			if e.standsFor(s) {
				return id, e.lastUsed >= today
			}
		} else if other := fresh[id]; other == nil || slices.Equal(other, s.Labels) {
			return id, false
		}
		id = laterID(s.Labels, n)
	}
}

// laterID is the id of labels whose first n ids stand for others. No labels of a series hold a name
// that is not UTF-8.
func laterID(ls plait.Labels, n int) int64 {
	return append(slices.Clip(ls), plait.Label{Name: "\xff", Value: strconv.Itoa(n)}).ID()
}

// standsFor says whether an entry has the labels of a series.
func (e *seriesEntry) standsFor(s *plait.SeriesData) bool {
	remembered := s.ID != 0 && len(s.Labels) > 0 // by the decoder: other labels go with their request
	if remembered && e.shared.Load() == &s.Labels[0] {
		return true
	}
	if !sameLabels(s.Labels, e.labels) {
		return false
	}
	if remembered {
		e.shared.Store(&s.Labels[0])
	}
	return true
}

// maxIndexedName bounds the name of a metric, which an index has to hold: of a row of a btree
// Postgres takes 2,704 bytes.
const maxIndexedName = 2 << 10

// Sorted by id, so that gateways which write the same series wait for one another and never
// in a circle. The second part returns the ids under which somebody else's labels are stored.
const writeSeriesSQL = `
WITH new AS MATERIALIZED (
    SELECT id, metric, labels::jsonb AS labels
    FROM unnest($1::int8[], $2::text[], $3::text[]) AS u(id, metric, labels)
    ORDER BY id
), written AS (
    INSERT INTO plait_store.series AS s (id, metric, labels, first_used, last_used)
    SELECT id, metric, labels, $4, $4 FROM new
    ON CONFLICT (id) DO UPDATE SET last_used = greatest(s.last_used, excluded.last_used)
    RETURNING id, metric, labels
)
SELECT w.id
FROM written w
JOIN new n ON n.id = w.id
WHERE w.metric <> n.metric OR w.labels <> n.labels`

// enterSeries commits label sets to the dictionary and remembers them. When some of their ids stand
// for others, or the database takes some not, it remembers that, in the cache and in unfit, and
// returns false: they have to be named again.
func (db *DB) enterSeries(ctx context.Context, fresh map[int64]plait.Labels, today int32, unfit map[int64]string) (settled bool, err error) {
	settled = true
	ids := make([]int64, 0, len(fresh))
	for id, ls := range fresh {
		if name := ls.Get(nameLabel); len(name) > maxIndexedName {
			unfit[id] = fmt.Sprintf("the metric name %.32q… has %d bytes, the limit is %d", name, len(name), maxIndexedName)
			settled = false
			continue
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return settled, nil
	}
	slices.Sort(ids)
	if err := db.seriesWriters.acquire(ctx); err != nil {
		return false, err
	}
	defer db.seriesWriters.release()
	taken, err := db.writeSeries(ctx, ids, fresh, today, unfit)
	if err != nil {
		return false, err
	}
	if len(taken) > 0 {
		db.counters.collisions.Add(float64(len(taken)))
		if _, err := db.labelsOf(ctx, taken); err != nil { // what they stand for is in the cache after it
			return false, err
		}
	}
	for _, id := range ids {
		if _, bad := unfit[id]; bad {
			settled = false
		} else if !slices.Contains(taken, id) {
			db.series.add(id, &seriesEntry{labels: promLabels(fresh[id]), lastUsed: today})
		}
	}
	return settled && len(taken) == 0, nil
}

// writeSeries writes label sets and returns the ids that stand for others. Of those that the
// database does not take all others are written all the same: it halves the set until it knows which.
func (db *DB) writeSeries(ctx context.Context, ids []int64, fresh map[int64]plait.Labels, today int32, unfit map[int64]string) (taken []int64, err error) {
	names, texts := make([]string, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		names[i] = fresh[id].Get(nameLabel)
		texts[i] = labelsJSON(fresh[id])
	}
	rows, err := db.config.Write.Query(ctx, writeSeriesSQL, ids, names, texts, dayTime(today))
	if err == nil {
		taken, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	}
	switch {
	case err == nil:
		return taken, nil
	case !pgerror.IsData(err):
		return nil, fmt.Errorf("write %d series: %w", len(ids), err)
	case len(ids) == 1:
		unfit[ids[0]] = fmt.Sprintf("the series %.200s cannot be stored: %s", promLabels(fresh[ids[0]]), pgerror.Message(err))
		return nil, nil
	}
	half := len(ids) / 2
	taken, err = db.writeSeries(ctx, ids[:half], fresh, today, unfit)
	if err != nil {
		return nil, err
	}
	more, err := db.writeSeries(ctx, ids[half:], fresh, today, unfit)
	return append(taken, more...), err
}

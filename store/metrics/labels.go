package metrics

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/prometheus/model/labels"
)

const (
	// A loose index scan: one step per metric, not per series.
	metricNamesSQL = `
WITH RECURSIVE name AS (
    (SELECT metric FROM plait_store.series ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT (SELECT metric FROM plait_store.series WHERE metric > name.metric ORDER BY metric LIMIT 1)
    FROM name
    WHERE name.metric IS NOT NULL
)
SELECT metric FROM name WHERE metric IS NOT NULL`

	labelValuesSQL = `SELECT DISTINCT labels ->> $1 FROM plait_store.series WHERE labels ? $1`

	labelNamesSQL = `SELECT DISTINCT jsonb_object_keys(labels) FROM plait_store.series`
)

func (db *DB) labelValues(ctx context.Context, name string, matchers []*labels.Matcher) ([]string, error) {
	switch {
	case len(matchers) > 0:
		return db.ofSelected(ctx, matchers, func(ls labels.Labels, add func(string)) {
			if v := ls.Get(name); v != "" {
				add(v)
			}
		})
	case name == nameLabel:
		return db.sortedStrings(ctx, metricNamesSQL)
	case !storable(name):
		return nil, nil
	}
	return db.sortedStrings(ctx, labelValuesSQL, name)
}

func (db *DB) labelNames(ctx context.Context, matchers []*labels.Matcher) ([]string, error) {
	if len(matchers) > 0 {
		return db.ofSelected(ctx, matchers, func(ls labels.Labels, add func(string)) {
			ls.Range(func(l labels.Label) { add(l.Name) })
		})
	}
	names, err := db.sortedStrings(ctx, labelNamesSQL)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 { // a series of a name alone has no other label
		metrics, err := db.sortedStrings(ctx, metricNamesSQL)
		if err != nil || len(metrics) == 0 {
			return nil, err
		}
	}
	at, _ := slices.BinarySearch(names, nameLabel)
	return slices.Insert(names, at, nameLabel), nil
}

// ofSelected gathers strings from the series that match, sorted and each once.
func (db *DB) ofSelected(ctx context.Context, matchers []*labels.Matcher, pick func(labels.Labels, func(string))) ([]string, error) {
	chosen, err := db.selectSeries(ctx, matchers)
	if err != nil {
		return nil, err
	}
	seen := map[string]struct{}{}
	var all []string
	for _, ls := range chosen.labels {
		pick(ls, func(s string) {
			if _, ok := seen[s]; !ok {
				seen[s] = struct{}{}
				all = append(all, s)
			}
		})
	}
	slices.Sort(all)
	return all, nil
}

// sortedStrings sorts in Go: Prometheus orders by bytes, a database by its collation.
func (db *DB) sortedStrings(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := db.config.Read.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	slices.Sort(all)
	return all, nil
}

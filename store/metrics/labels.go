package metrics

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/plaithq/plait"
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

// maxListBytes bounds a list of names or values.
const (
	maxListBytes = 16 << 20
	stringBytes  = 32 // of one, beside its text
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
	chosen, err := db.selectSeries(ctx, matchers, &spending{limits: limitsOf(listingPage)})
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
	var all []string
	var text string
	bytes := 0
	_, err = pgx.ForEachRow(rows, []any{&text}, func() error {
		if bytes += stringBytes + len(text); bytes > maxListBytes {
			return plait.Errorf(plait.ErrTooLarge, "the names or values take more than %d MiB: ask for those of some series, by match[]", maxListBytes>>20)
		}
		all = append(all, text)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	slices.Sort(all)
	return all, nil
}

package store

import (
	"context"
	"fmt"

	"github.com/plaithq/plait/store/pg"
)

// Each statement jumps from one name to the next in an index: a few microseconds a name, however
// many entries have it.
const (
	serviceNamesSQL = `
WITH RECURSIVE names AS (
    (SELECT service AS name FROM plait_store.resource ORDER BY service LIMIT 1)
    UNION ALL
    SELECT (SELECT service FROM plait_store.resource r WHERE r.service > n.name ORDER BY service LIMIT 1)
    FROM names n
    WHERE n.name IS NOT NULL
)
SELECT name
FROM names
WHERE name IS NOT NULL
LIMIT $1`

	metricNamesSQL = `
WITH RECURSIVE names AS (
    (SELECT metric AS name FROM plait_store.series ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT (SELECT metric FROM plait_store.series s WHERE s.metric > n.name ORDER BY metric LIMIT 1)
    FROM names n
    WHERE n.name IS NOT NULL
)
SELECT name
FROM names
WHERE name IS NOT NULL
LIMIT $1`
)

// ServiceNames returns the names of services that sent spans or log records, in order, at most limit of them.
func (s *Store) ServiceNames(ctx context.Context, limit int) ([]string, error) {
	return s.names(ctx, "services", serviceNamesSQL, limit)
}

// MetricNames returns the names of metrics that are stored, in order, at most limit of them.
func (s *Store) MetricNames(ctx context.Context, limit int) ([]string, error) {
	return s.names(ctx, "metrics", metricNamesSQL, limit)
}

func (s *Store) names(ctx context.Context, what, sql string, limit int) ([]string, error) {
	var names []string
	if err := pg.QueryRows(ctx, s.readPool, func(v [][]byte) { names = append(names, string(v[0])) }, sql, pg.Planned, limit); err != nil {
		return nil, fmt.Errorf("list names of %s: %w", what, err)
	}
	return names, nil
}

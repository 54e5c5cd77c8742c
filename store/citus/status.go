package citus

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Status is what a cluster looks like.
type Status struct {
	Version string
	Nodes   []Node
	Tables  []TableStatus
}

// TableStatus is where a table is.
type TableStatus struct {
	Place
	// Missing says that the table is not where it belongs.
	Missing bool
	// Shards is the number of its parts, 0 for one on the coordinator.
	Shards int64
	// Bytes is what it takes on all nodes, indexes and copies with it.
	Bytes int64
}

const (
	nodeSizesSQL = `
SELECT nodename, nodeport, coalesce(pg_catalog.sum(shard_size), 0)::int8
FROM pg_catalog.citus_shards
GROUP BY nodename, nodeport`

	tableSizesSQL = `
SELECT r.relname::text, coalesce(pg_catalog.sum(s.shard_size), 0)::int8
FROM pg_catalog.citus_shards s
CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.pg_partition_root(s.table_name), s.table_name) AS oid) root
JOIN pg_catalog.pg_class r ON r.oid = root.oid
GROUP BY r.relname`
)

// ReadStatus asks a cluster for its nodes, and where Plait's tables are.
func ReadStatus(ctx context.Context, db Querier) (s Status, err error) {
	if s.Version, s.Nodes, err = check(ctx, db); err != nil {
		return Status{}, err
	}
	if err := readNodeSizes(ctx, db, s.Nodes); err != nil {
		return Status{}, err
	}
	known, err := readSpread(ctx, db)
	if err != nil {
		return Status{}, err
	}
	sizes, err := readTableSizes(ctx, db)
	if err != nil {
		return Status{}, err
	}
	holds, err := readHeld(ctx, db)
	if err != nil {
		return Status{}, err
	}
	for _, p := range Places() {
		have, spread := known[p.Table]
		t := TableStatus{Place: p, Bytes: sizes[p.Table], Shards: have.shards}
		if !spread {
			t.Bytes = holds[p.Table].bytes
		}
		t.Missing = spread && !p.fits(have, known) || !spread && p.Kind != Coordinator
		s.Tables = append(s.Tables, t)
	}
	return s, nil
}

func readNodeSizes(ctx context.Context, db Querier, nodes []Node) error {
	rows, err := db.Query(ctx, nodeSizesSQL)
	if err != nil {
		return fmt.Errorf("ask for the sizes of nodes: %w", err)
	}
	var at Node
	_, err = pgx.ForEachRow(rows, []any{&at.Host, &at.Port, &at.Bytes}, func() error {
		for i, n := range nodes {
			if n.Host == at.Host && n.Port == at.Port {
				nodes[i].Bytes = at.Bytes
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask for the sizes of nodes: %w", err)
	}
	return nil
}

func readTableSizes(ctx context.Context, db Querier) (map[string]int64, error) {
	rows, err := db.Query(ctx, tableSizesSQL)
	if err != nil {
		return nil, fmt.Errorf("ask for the sizes of distributed tables: %w", err)
	}
	sizes := make(map[string]int64)
	var name string
	var bytes int64
	_, err = pgx.ForEachRow(rows, []any{&name, &bytes}, func() error { sizes[name] = bytes; return nil })
	if err != nil {
		return nil, fmt.Errorf("ask for the sizes of distributed tables: %w", err)
	}
	return sizes, nil
}

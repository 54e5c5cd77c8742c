package citus

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
)

// Options says how Distribute goes about it.
type Options struct {
	// Shards is into how many parts a distributed table is cut that is not distributed yet.
	Shards int
	// DryRun calls Report with what would be done, and does nothing.
	DryRun bool
	// Rewrite allows to move the rows of tables that hold much. Nothing is written to such a table meanwhile.
	Rewrite bool
	// Report is called with a line about each step.
	Report func(line string)
}

// The bounds of Options.Shards: Citus counts relations on every node, and each partition of a day is cut into so many.
const (
	MinShards = 1
	MaxShards = 512
)

// Validate says what is wrong with the options, wrapping plait.ErrInvalid.
func (o Options) Validate() error {
	if o.Shards < MinShards || o.Shards > MaxShards {
		return plait.Errorf(plait.ErrInvalid, "--shards %d: want a number from %d to %d", o.Shards, MinShards, MaxShards)
	}
	return nil
}

// littleBytes is how much a table may hold for it to be moved without being asked: a second's work.
const littleBytes = 64 << 20

const (
	// pg_dist_partition has a row for each table that Citus knows. The view over it, citus_tables, is in one schema or another.
	spreadSQL = `
SELECT c.relname::text,
       CASE WHEN p.partmethod = 'h' THEN 'distributed'
            WHEN p.partmethod = 'n' AND p.repmodel = 't' THEN 'reference'
            WHEN p.partmethod = 'n' AND p.colocationid = 0 THEN 'local'
            ELSE 'otherwise distributed' END,
       coalesce(pg_catalog.column_to_column_name(p.logicalrelid, p.partkey), ''),
       p.colocationid,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_dist_shard s WHERE s.logicalrelid = p.logicalrelid)
FROM pg_catalog.pg_dist_partition p
JOIN pg_catalog.pg_class c ON c.oid = p.logicalrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'plait_store' AND NOT c.relispartition`

	// What tables that Citus does not know hold, their partitions included.
	heldSQL = `
SELECT c.relname::text, pg_catalog.sum(pg_catalog.pg_total_relation_size(p.relid))::int8,
       pg_catalog.bool_or(p.isleaf AND pg_catalog.pg_relation_size(p.relid) > 0)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.pg_partition_tree(c.oid) p
WHERE n.nspname = 'plait_store' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY c.relname
UNION ALL
SELECT c.relname::text, pg_catalog.pg_total_relation_size(c.oid), pg_catalog.pg_relation_size(c.oid) > 0
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'plait_store' AND c.relkind = 'r' AND NOT c.relispartition`

	// Moving rows leaves them where they were as well, hidden behind the distributed table.
	releaseSQL = `SELECT truncate_local_data_after_distributing_table($1)`
)

// spread is where Citus has a table.
type spread struct {
	kind       string // distributed, reference, local or another
	column     string // of a distributed table
	colocation int
	shards     int64
}

// held is what a table that Citus does not know takes.
type held struct {
	bytes int64
	rows  bool
}

// Distribute puts every table where it belongs, each in a transaction of its own: after an error what was done stays,
// and the next call goes on. Tables that are there already are left alone. One that is elsewhere is
// refused, and so are tables that hold much, unless Rewrite is set; these errors wrap plait.ErrInvalid. Roles that may read
// the views may then read the tables behind them.
func Distribute(ctx context.Context, conn *pgx.Conn, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	version, nodes, err := check(ctx, conn)
	if err != nil {
		return err
	}
	known, err := readSpread(ctx, conn)
	if err != nil {
		return err
	}
	missing, err := compare(Places(), known)
	if err != nil {
		return err
	}
	holds, err := readHeld(ctx, conn)
	if err != nil {
		return err
	}
	if !o.Rewrite && !o.DryRun {
		if err := refuseMuch(missing, holds); err != nil {
			return err
		}
	}
	o.Report(fmt.Sprintf("Citus %s, %d nodes", version, len(nodes)))
	for i, p := range missing {
		call := p.call(o.Shards)
		if o.DryRun {
			o.Report(call + ";")
			continue
		}
		o.Report(fmt.Sprintf("%d of %d: %s, %s, %s", i+1, len(missing), p.Table, p, Megabytes(holds[p.Table].bytes)))
		if err := place(ctx, conn, p, call, holds[p.Table].rows); err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		o.Report("every table is where it belongs")
	}
	return grantReaders(ctx, conn, o)
}

// place puts one table where it belongs.
func place(ctx context.Context, conn *pgx.Conn, p Place, call string, rows bool) error {
	// Whoever reads for long must not stop all writers, who would wait behind this.
	if _, err := conn.Exec(ctx, "SET lock_timeout = '10s'"); err != nil {
		return fmt.Errorf("set how long to wait for others: %w", err)
	}
	_, err := conn.Exec(ctx, call)
	if err == nil && rows {
		_, err = conn.Exec(ctx, releaseSQL, p.name())
	}
	_, resetErr := conn.Exec(context.WithoutCancel(ctx), "SET lock_timeout = 0")
	if pgerror.Code(err) == pgerrcode.LockNotAvailable {
		err = plait.Errorf(plait.ErrUnavailable, "others have used it for ten seconds: stop long queries, or try again")
	}
	if err = errors.Join(err, resetErr); err != nil {
		return fmt.Errorf("put table %s where it belongs (%s): %w", p.Table, p, err)
	}
	return nil
}

// compare returns the places that have to be made. A table that is elsewhere is an error.
func compare(places []Place, known map[string]spread) (missing []Place, err error) {
	var faults []error
	for _, p := range places {
		have, ok := known[p.Table]
		switch {
		case !ok || have.kind == "local":
			if p.Kind != Coordinator {
				missing = append(missing, p)
			}
		case !p.fits(have, known):
			faults = append(faults, plait.Errorf(plait.ErrInvalid, "table %s is %s in this cluster, and Plait wants it %s: "+
				"stop the gateways, run SELECT undistribute_table('%s'), and try again", p.Table, have, p.wanted(), p.name()))
		}
	}
	return missing, errors.Join(faults...)
}

// fits says whether a table is where it belongs.
func (p Place) fits(have spread, known map[string]spread) bool {
	switch p.Kind {
	case Reference:
		return have.kind == "reference"
	case Distributed:
		beside, there := known[p.With]
		return have.kind == "distributed" && have.column == p.Column && (p.With == "" || there && beside.colocation == have.colocation)
	default:
		return false
	}
}

func (p Place) wanted() string {
	if p.With != "" {
		return p.String() + " beside " + p.With
	}
	return p.String()
}

func (s spread) String() string {
	if s.kind == "distributed" {
		return fmt.Sprintf("distributed by %s (co-location group %d)", s.column, s.colocation)
	}
	return s.kind
}

// refuseMuch refuses to move tables that hold much.
func refuseMuch(missing []Place, holds map[string]held) error {
	var faults []error
	for _, p := range missing {
		if h := holds[p.Table]; h.rows && h.bytes > littleBytes {
			faults = append(faults, fmt.Errorf("table %s holds %s", p.Table, Megabytes(h.bytes)))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return plait.Errorf(plait.ErrInvalid, "%w\nto move their rows takes minutes for each GB, and twice the disk meanwhile; nothing can be written to a table while it moves, "+
		"so senders have to wait: say --rewrite if that is meant, or begin with an empty database (docs/scaling.md)", errors.Join(faults...))
}

func readSpread(ctx context.Context, db Querier) (map[string]spread, error) {
	rows, err := db.Query(ctx, spreadSQL)
	if err != nil {
		return nil, fmt.Errorf("ask Citus for its tables: %w", err)
	}
	known := make(map[string]spread)
	var name string
	var s spread
	_, err = pgx.ForEachRow(rows, []any{&name, &s.kind, &s.column, &s.colocation, &s.shards}, func() error {
		known[name] = s
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask Citus for its tables: %w", err)
	}
	return known, nil
}

func readHeld(ctx context.Context, db Querier) (map[string]held, error) {
	rows, err := db.Query(ctx, heldSQL)
	if err != nil {
		return nil, fmt.Errorf("ask for the sizes of tables: %w", err)
	}
	holds := make(map[string]held)
	var name string
	var h held
	_, err = pgx.ForEachRow(rows, []any{&name, &h.bytes, &h.rows}, func() error {
		holds[name] = h
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the sizes of tables: %w", err)
	}
	return holds, nil
}

// Megabytes writes a size as people read it.
func Megabytes(n int64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%d MB", (n+1<<20-1)>>20)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
}

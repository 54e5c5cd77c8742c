package citus

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Workers ask those who read a view for rights on the tables behind it, which the coordinator sends them in its place.

const (
	hasCitusSQL = `SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'citus')`

	// Who was let read a view of Plait's, beside its owner.
	readersSQL = `
SELECT DISTINCT a.grantee::regrole::text
FROM pg_catalog.pg_class c
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
WHERE c.oid = 'plait.spans'::regclass AND a.privilege_type = 'SELECT' AND a.grantee NOT IN (0, c.relowner)
ORDER BY 1`
)

// ReaderGrants are the statements that let a role, given as it stands in a statement, read the tables behind the
// views; empty: no table is spread, and to read the views is enough.
func ReaderGrants(ctx context.Context, db Querier, role string) (string, error) {
	var there bool
	if err := db.QueryRow(ctx, hasCitusSQL).Scan(&there); err != nil {
		return "", fmt.Errorf("look for Citus: %w", err)
	}
	if !there {
		return "", nil
	}
	known, err := readSpread(ctx, db)
	if err != nil {
		return "", err
	}
	if len(known) == 0 {
		return "", nil
	}
	return grants(role), nil
}

// grants are for all tables that are spread. The secrets of the database are in none of them.
func grants(role string) string {
	var tables []string
	for _, p := range Places() {
		if p.Kind != Coordinator {
			tables = append(tables, p.name())
		}
	}
	return "GRANT USAGE ON SCHEMA plait_store TO " + role + ";\nGRANT SELECT ON " + strings.Join(tables, ", ") + " TO " + role + ";"
}

// grantReaders lets the roles that may read the views read the tables behind them.
func grantReaders(ctx context.Context, conn *pgx.Conn, o Options) error {
	rows, err := conn.Query(ctx, readersSQL)
	if err != nil {
		return fmt.Errorf("ask who may read the views: %w", err)
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("ask who may read the views: %w", err)
	}
	for _, role := range roles {
		if o.DryRun {
			o.Report(grants(role))
			continue
		}
		if _, err := conn.Exec(ctx, grants(role)); err != nil {
			return fmt.Errorf("let %s read the tables: %w", role, err)
		}
		o.Report(role + " may read the tables behind the views, since workers ask for it")
	}
	return nil
}

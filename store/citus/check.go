package citus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
)

// minVersion is the oldest Citus that can do what Plait asks for: all nodes know where rows are, and the coordinator has
// what is on every node.
const minVersion = 12

// Querier is a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const (
	extensionSQL = `
SELECT pg_catalog.current_database(),
       coalesce((SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'citus'), ''),
       EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'citus')`

	// The coordinator is group 0. It is a node as well once it has been told its own address.
	nodesSQL = `
SELECT nodename, nodeport, groupid = 0, isactive, hasmetadata AND metadatasynced, shouldhaveshards
FROM pg_catalog.pg_dist_node
WHERE noderole = 'primary'
ORDER BY groupid`

	localGroupSQL = `SELECT groupid FROM pg_catalog.pg_dist_local_group`
)

// Node is a server of a cluster.
type Node struct {
	Host        string
	Port        int
	Coordinator bool
	// Active says that Citus uses the node, Metadata that it knows where rows are.
	Active, Metadata bool
	// Shards says that the node takes parts of distributed tables.
	Shards bool
	// Bytes is the size of the parts that it has, indexes with them; only Status fills it in.
	Bytes int64
}

// String is the node's address.
func (n Node) String() string { return fmt.Sprintf("%s:%d", n.Host, n.Port) }

// check refuses a database over whose nodes tables cannot be spread, and says what to do. It returns the version of Citus
// and its nodes, the coordinator first.
func check(ctx context.Context, db Querier) (version string, nodes []Node, err error) {
	var database string
	var available bool
	if err := db.QueryRow(ctx, extensionSQL).Scan(&database, &version, &available); err != nil {
		return "", nil, fmt.Errorf("look for Citus: %w", err)
	}
	switch {
	case version == "" && !available:
		return "", nil, plait.Errorf(plait.ErrInvalid, "the Postgres of --database-url has no Citus: install it on every node and set shared_preload_libraries = 'citus'")
	case version == "":
		return "", nil, plait.Errorf(plait.ErrInvalid, "the database %s has no Citus: run CREATE EXTENSION citus in it, on every node, and add the nodes (docs/scaling.md)", database)
	case major(version) < minVersion:
		return "", nil, plait.Errorf(plait.ErrInvalid, "the database %s has Citus %s, and Plait needs %d or newer: update it on every node, then run ALTER EXTENSION citus UPDATE", database, version, minVersion)
	}
	var group int
	if err := db.QueryRow(ctx, localGroupSQL).Scan(&group); err != nil {
		return "", nil, fmt.Errorf("ask Citus which node this is: %w", err)
	}
	if group != 0 {
		return "", nil, plait.Errorf(plait.ErrInvalid, "--database-url names a worker: name the coordinator")
	}
	if nodes, err = readNodes(ctx, db); err != nil {
		return "", nil, err
	}
	return version, nodes, checkNodes(database, nodes)
}

// checkNodes says what the nodes lack.
func checkNodes(database string, nodes []Node) error {
	var faults []error
	coordinator, homes := false, 0
	for _, n := range nodes {
		coordinator = coordinator || n.Coordinator
		if n.Shards && n.Active {
			homes++
		}
		if !n.Active {
			faults = append(faults, plait.Errorf(plait.ErrInvalid, "node %s is not active: run SELECT citus_activate_node('%s', %d)", n, n.Host, n.Port))
		} else if !n.Metadata {
			faults = append(faults, plait.Errorf(plait.ErrInvalid, "node %s does not know where rows are: run SELECT start_metadata_sync_to_node('%s', %d)", n, n.Host, n.Port))
		}
	}
	if !coordinator {
		faults = append(faults, plait.Errorf(plait.ErrInvalid,
			"the coordinator has no address: run SELECT citus_set_coordinator_host('HOST', PORT) in database %s, with the address at which the workers reach it", database))
	}
	if homes == 0 {
		faults = append(faults, plait.Errorf(plait.ErrInvalid, "no node takes rows: add workers with SELECT citus_add_node('HOST', PORT) in database %s, "+
			"or let the coordinator take rows with SELECT citus_set_node_property('HOST', PORT, 'shouldhaveshards', true)", database))
	}
	return errors.Join(faults...)
}

func readNodes(ctx context.Context, db Querier) ([]Node, error) {
	rows, err := db.Query(ctx, nodesSQL)
	if err != nil {
		return nil, fmt.Errorf("list the nodes of the cluster: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Node, err error) {
		err = row.Scan(&n.Host, &n.Port, &n.Coordinator, &n.Active, &n.Metadata, &n.Shards)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the nodes of the cluster: %w", err)
	}
	return nodes, nil
}

// major is the first number of a version such as 13.2-1; 0 when there is none.
func major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

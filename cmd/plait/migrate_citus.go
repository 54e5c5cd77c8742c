package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/citus"
)

// clusterConfig says how plait migrate citus goes about it.
type clusterConfig struct {
	Shards  int  `help:"Of citus: into how many parts a table is cut that is not spread over the nodes yet." default:"32" placeholder:"N"`
	DryRun  bool `help:"Of citus: only print the statements that would be run."`
	Rewrite bool `help:"Of citus: also move tables that hold much. Nothing can be written to a table while its rows move, which takes minutes for each GB."`
	Status  bool `help:"Of citus: only say which nodes there are, what they hold, and where each table is."`
}

// validate checks the settings of a cluster.
func (c *clusterConfig) validate() error {
	if c.Status && (c.DryRun || c.Rewrite) {
		return errors.New("--status changes nothing: leave out --dry-run and --rewrite")
	}
	return citus.Options{Shards: c.Shards}.Validate()
}

// distribute brings the schema up to date and spreads its tables over the nodes of a cluster.
func (c *clusterConfig) distribute(ctx context.Context, databaseURL string, std console) error {
	if databaseURL == "" {
		return errors.New("migrate citus is for a cluster: name its coordinator with --database-url")
	}
	if c.Status {
		return printCluster(ctx, databaseURL, std)
	}
	if !c.DryRun {
		if err := store.Migrate(ctx, databaseURL, store.MigrateUp); err != nil {
			return err
		}
	}
	var printErr error
	err := store.Distribute(ctx, databaseURL, citus.Options{Shards: c.Shards, DryRun: c.DryRun, Rewrite: c.Rewrite, Report: func(line string) {
		_, err := fmt.Fprintln(std.out, line)
		printErr = errors.Join(printErr, err)
	}})
	return errors.Join(err, printErr)
}

func printCluster(ctx context.Context, databaseURL string, std console) error {
	status, err := store.ClusterStatus(ctx, databaseURL)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(std.out, "Citus %s\n\n", status.Version); err != nil {
		return err
	}
	nodes := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(nodes, "NODE\tROLE\tTAKES ROWS\tHOLDS")
	for _, n := range status.Nodes {
		role, takes := "worker", "no"
		if n.Coordinator {
			role = "coordinator"
		}
		if n.Shards {
			takes = "yes"
		}
		fmt.Fprintf(nodes, "%s\t%s\t%s\t%s\n", n, role, takes, citus.Megabytes(n.Bytes))
	}
	fmt.Fprintln(nodes)
	if err := nodes.Flush(); err != nil {
		return err
	}
	tables := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tables, "TABLE\tPLACE\tSHARDS\tHOLDS")
	for _, t := range status.Tables {
		place := t.String()
		if t.Missing {
			place = "not yet " + place + ": run plait migrate citus"
		}
		fmt.Fprintf(tables, "%s\t%s\t%d\t%s\n", t.Table, place, t.Shards, citus.Megabytes(t.Bytes))
	}
	return tables.Flush()
}

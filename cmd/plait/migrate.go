package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/plaithq/plait/store"
)

type migrateCommand struct {
	Direction string `arg:"" enum:"up,down,version,reader-role,citus" help:"up: to the newest schema. down: remove every table and view of Plait, with all data. version: only say where it is. reader-role: make a role for Grafana and others who ask in SQL, which may read the views, on a Citus cluster the tables behind them, and nothing else, or bring its rights up to date. citus: up, then spread the tables over the nodes of a Citus cluster; it may be repeated."`
	Yes       bool   `help:"Really remove everything (needed for down)."`
	databaseConfig
	readerConfig
	clusterConfig
}

// Validate checks the settings.
func (c *migrateCommand) Validate() error {
	return errors.Join(c.databaseConfig.validate(), c.clusterConfig.validate())
}

// Run migrates the database of --database-url, or the private one. No gateway may be using that
// while tables come and go; version and reader-role work beside one.
func (c *migrateCommand) Run(ctx context.Context, std console) error {
	if c.Direction == "down" && !c.Yes {
		return errors.New("migrate down removes every table and view of Plait with all data; say --yes if that is meant")
	}
	if c.Direction == "citus" {
		return c.distribute(ctx, c.DatabaseURL, std)
	}
	log := newLogger(std.err, "warn", "text")
	var db *database
	var err error
	if c.Direction == "version" || c.Direction == "reader-role" {
		db, err = joinDatabase(ctx, c.databaseConfig, log)
	} else {
		db, err = openDatabase(ctx, c.databaseConfig, "", log)
	}
	if err != nil {
		return err
	}
	defer db.close()
	switch c.Direction {
	case "up":
		err = store.Migrate(ctx, db.url, store.MigrateUp)
	case "down":
		err = store.Migrate(ctx, db.url, store.MigrateDown)
	case "reader-role":
		return c.ensure(ctx, db.url, c.DatabaseURL == "", std)
	}
	if err != nil {
		return err
	}
	return printVersion(ctx, db.url, std)
}

func printVersion(ctx context.Context, databaseURL string, std console) error {
	version, dirty, err := store.MigrationVersion(ctx, databaseURL)
	if err != nil {
		return err
	}
	if dirty {
		return fmt.Errorf("schema version %d was left half done: restore a backup, or repair it by hand and set plait_store.schema_migrations.dirty to false", version)
	}
	_, err = fmt.Fprintf(std.out, "schema version %d\n", version)
	return err
}

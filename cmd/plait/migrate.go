package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/plaithq/plait/store"
)

type migrateCommand struct {
	Direction string `arg:"" enum:"up,down,version" help:"up: to the newest schema. down: remove every table and view of Plait, with all data. version: only say where it is."`
	Yes       bool   `help:"Really remove everything (needed for down)."`

	databaseConfig
}

// Validate checks the database settings.
func (c *migrateCommand) Validate() error { return c.validate() }

// Run migrates the database of --database-url, or the private one, which no gateway may be using.
func (c *migrateCommand) Run(ctx context.Context, std console) error {
	if c.Direction == "down" && !c.Yes {
		return errors.New("migrate down removes every table and view of Plait with all data; say --yes if that is meant")
	}
	db, err := openDatabase(ctx, c.databaseConfig, newLogger(std.err, "warn", "text"))
	if err != nil {
		return err
	}
	defer db.close()
	switch c.Direction {
	case "up":
		err = store.Migrate(ctx, db.url, store.MigrateUp)
	case "down":
		err = store.Migrate(ctx, db.url, store.MigrateDown)
	}
	if err != nil {
		return err
	}
	version, dirty, err := store.MigrationVersion(ctx, db.url)
	if err != nil {
		return err
	}
	if dirty {
		return fmt.Errorf("schema version %d was left half done: restore a backup, or repair it by hand and set plait_store.schema_migrations.dirty to false", version)
	}
	_, err = fmt.Fprintf(std.out, "schema version %d\n", version)
	return err
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/golang-migrate/migrate/v4"

	"github.com/plaithq/plait/store/pg"

	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/migrations"
)

// MigrateDirection says where Migrate goes.
type MigrateDirection int

// The directions.
const (
	MigrateUp   MigrateDirection = iota // to the newest version
	MigrateDown                         // to none: every table and view of Plait is dropped
)

// migrateLock is the advisory lock under which schemas and tables are made. golang-migrate
// has a lock too, but gives up on it after 15 seconds and takes it only once its schema exists.
const migrateLock = 0x706c616974_01

// Migrate brings the schema of a database up to date, or removes it. Gateways that call it at
// the same time wait for one another.
func Migrate(ctx context.Context, databaseURL string, direction MigrateDirection) error {
	return withMigrations(ctx, databaseURL, func(conn *pgx.Conn, m *migrate.Migrate) error {
		run := m.Up
		if direction == MigrateDown {
			run = m.Down
		} else if err := refuseUnindexed(ctx, conn, m); err != nil {
			return err
		}
		err := run()
		if errors.Is(err, migrate.ErrNoChange) {
			return nil
		}
		if errors.Is(err, fs.ErrNotExist) { // of the migration that the database has
			return plait.Errorf(plait.ErrInvalid, "the schema of this database was made by a version of Plait that this one does not know: use that version, or a new database")
		}
		return err
	})
}

// firstIndexed is the migration since which rows are written with their terms (store/index) and counts. No
// release wrote rows before it.
const firstIndexed = 11

// A first start that was cut short leaves a schema without these tables, to which a statement cannot refer.
const (
	takesTelemetrySQL = `SELECT pg_catalog.to_regclass('plait_store.span') IS NOT NULL AND pg_catalog.to_regclass('plait_store.log') IS NOT NULL`
	hasTelemetrySQL   = `SELECT EXISTS (SELECT 1 FROM plait_store.span) OR EXISTS (SELECT 1 FROM plait_store.log)`
)

// refuseUnindexed refuses a database with rows that searches would not find.
func refuseUnindexed(ctx context.Context, conn *pgx.Conn, m *migrate.Migrate) error {
	version, _, err := m.Version()
	if errors.Is(err, migrate.ErrNilVersion) || err == nil && version >= firstIndexed {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	for _, question := range []string{takesTelemetrySQL, hasTelemetrySQL} {
		var yes bool
		if err := conn.QueryRow(ctx, question).Scan(&yes); err != nil {
			return fmt.Errorf("look for telemetry of older versions: %w", err)
		}
		if !yes {
			return nil
		}
	}
	return plait.Errorf(plait.ErrInvalid, "the telemetry in this database was written by a version of Plait from before the first release, and searches would not find it: use a new database")
}

// MigrationVersion returns the number of the newest migration that a database has, 0 for none,
// and whether it was left half done.
func MigrationVersion(ctx context.Context, databaseURL string) (version uint, dirty bool, err error) {
	err = withMigrations(ctx, databaseURL, func(_ *pgx.Conn, m *migrate.Migrate) error {
		version, dirty, err = m.Version()
		if errors.Is(err, migrate.ErrNilVersion) {
			return nil
		}
		return err
	})
	return version, dirty, err
}

// withMigrationLock calls use with a connection that holds the lock, which frees it by closing.
func withMigrationLock(ctx context.Context, databaseURL string, use func(*pgx.Conn) error) (err error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return plait.Errorf(plait.ErrInvalid, "read database URL: %w", err)
	}
	pg.SetSession(config, "migrate")
	conn, err := pg.Connect(ctx, config)
	if err != nil {
		return err
	}
	// closing the connection frees the lock, whatever state it is in
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if err := pg.CheckServer(ctx, conn, config); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_catalog.pg_advisory_lock($1)`, int64(migrateLock)); err != nil {
		return fmt.Errorf("wait for the migration lock: %w", err)
	}
	return use(conn)
}

// withMigrations calls use while it holds the lock.
func withMigrations(ctx context.Context, databaseURL string, use func(*pgx.Conn, *migrate.Migrate) error) error {
	return withMigrationLock(ctx, databaseURL, func(conn *pgx.Conn) error {
		return useMigrations(ctx, conn, func(m *migrate.Migrate) error { return use(conn, m) })
	})
}

func useMigrations(ctx context.Context, conn *pgx.Conn, use func(*migrate.Migrate) error) (err error) {
	// a plain CREATE SCHEMA IF NOT EXISTS would fail where the user may not create any
	for _, schema := range []string{"plait_store", "plait"} {
		if err := makeSchema(ctx, conn, schema); err != nil {
			return err
		}
	}
	m, err := openMigrations(conn.Config())
	if err != nil {
		return err
	}
	defer func() {
		sourceErr, databaseErr := m.Close()
		err = errors.Join(err, sourceErr, databaseErr)
	}()
	if err := use(m); err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

const schemaExistsSQL = `SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)`

func makeSchema(ctx context.Context, conn *pgx.Conn, schema string) error {
	var exists bool
	if err := conn.QueryRow(ctx, schemaExistsSQL, schema).Scan(&exists); err != nil {
		return fmt.Errorf("look for schema %s: %w", schema, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, `CREATE SCHEMA `+pgx.Identifier{schema}.Sanitize()); err != nil {
		return fmt.Errorf("create schema %s: %w", schema, err)
	}
	return nil
}

// openMigrations joins the embedded files with a database. golang-migrate keeps its state in
// plait_store, so that a database shared with other programs has no clash.
func openMigrations(config *pgx.ConnConfig) (*migrate.Migrate, error) {
	files, err := iofs.New(migrations.FS, ".")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	db := stdlib.OpenDB(*config)
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{SchemaName: "plait_store"})
	if err != nil {
		return nil, fmt.Errorf("open migrations: %w", errors.Join(err, db.Close()))
	}
	m, err := migrate.NewWithInstance("migrations", files, config.Database, &atomicMigrations{Driver: driver})
	if err != nil {
		return nil, fmt.Errorf("open migrations: %w", errors.Join(err, driver.Close()))
	}
	m.LockTimeout = time.Minute
	return m, nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/migrations"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/pg"
)

// Examination is what a database is like, for whoever looks for what is wrong with it.
type Examination struct {
	ServerVersion string
	// SchemaVersion is the last migration, 0 where none ran, and NewestSchema the last that this program knows.
	SchemaVersion, NewestSchema uint
	// Dirty says that the last migration was left half done.
	Dirty bool
	// Ahead is by how much the database's clock is ahead of this machine's, to the time that asking takes.
	Ahead time.Duration
	// Bytes is the size of the database.
	Bytes int64
	// Forwarding is how every target does; none before the schema has all that is told of them.
	Forwarding []outbox.Status
	// Settings have the values of Postgres's settings by name, as SHOW tells them.
	Settings map[string]string
}

// ExaminedSettings are the names of Examination.Settings.
var ExaminedSettings = []string{"autovacuum", "fsync", "full_page_writes", "synchronous_commit", "max_connections", "max_locks_per_transaction",
	"shared_buffers", "temp_file_limit", "max_wal_size", "track_counts"}

const (
	examineSQL        = `SELECT pg_catalog.current_setting('server_version'), pg_catalog.clock_timestamp(), pg_catalog.pg_database_size(pg_catalog.current_database())`
	examineSettingSQL = `SELECT pg_catalog.current_setting($1)`
	examineSchemaSQL  = `SELECT pg_catalog.to_regclass('plait_store.schema_migrations') IS NOT NULL`
	// examineOutboxSQL tells whether the schema has all that is asked of targets: before an upgrade it does not.
	examineOutboxSQL = `
SELECT EXISTS (
	SELECT 1
	FROM pg_catalog.pg_attribute
	WHERE attrelid = pg_catalog.to_regclass('plait_store.forward_target') AND attname = 'given_up')`
	examineVersionSQL = `SELECT version, dirty FROM plait_store.schema_migrations`
)

// Examine looks at a database and changes nothing. It is plait.ErrUnavailable where it cannot be reached, and plait.ErrInvalid
// where Plait cannot work with it.
func Examine(ctx context.Context, databaseURL string) (e *Examination, err error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "the database URL cannot be read")
	}
	pg.SetSession(config, "doctor")
	conn, err := pg.Connect(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if err := pg.CheckServer(ctx, conn, config); err != nil {
		return nil, err
	}
	e = &Examination{Settings: map[string]string{}}
	var now time.Time
	asked := time.Now()
	if err := conn.QueryRow(ctx, examineSQL).Scan(&e.ServerVersion, &now, &e.Bytes); err != nil {
		return nil, fmt.Errorf("ask the database for its time: %w", err)
	}
	if answered := time.Now(); now.Before(asked) {
		e.Ahead = now.Sub(asked)
	} else if now.After(answered) {
		e.Ahead = now.Sub(answered)
	}
	for _, name := range ExaminedSettings {
		var value string
		if err := conn.QueryRow(ctx, examineSettingSQL, name).Scan(&value); err != nil {
			return nil, fmt.Errorf("ask for the setting %s: %w", name, err)
		}
		e.Settings[name] = value
	}
	if err := e.readSchema(ctx, conn); err != nil {
		return e, err
	}
	return e, e.readForwarding(ctx, conn)
}

func (e *Examination) readForwarding(ctx context.Context, conn *pgx.Conn) error {
	var there bool
	if err := conn.QueryRow(ctx, examineOutboxSQL).Scan(&there); err != nil {
		return fmt.Errorf("ask for the targets of forwarding: %w", err)
	}
	if !there {
		return nil
	}
	var err error
	e.Forwarding, err = outbox.StatusOf(ctx, conn)
	return err
}

func (e *Examination) readSchema(ctx context.Context, conn *pgx.Conn) error {
	files, err := fs.Glob(migrations.FS, "*.up.sql")
	if err != nil {
		return err
	}
	for _, name := range files {
		number, _, _ := strings.Cut(name, "_")
		if n, err := strconv.ParseUint(number, 10, 32); err == nil {
			e.NewestSchema = max(e.NewestSchema, uint(n))
		}
	}
	var there bool
	if err := conn.QueryRow(ctx, examineSchemaSQL).Scan(&there); err != nil || !there {
		return err
	}
	var version int64
	err = conn.QueryRow(ctx, examineVersionSQL).Scan(&version, &e.Dirty)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	e.SchemaVersion = uint(version)
	return err
}

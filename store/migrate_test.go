package store_test

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/migrations"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func TestASchemaOfAnotherVersionIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	exec(t, connect(t, url), `UPDATE plait_store.schema_migrations SET version = 999999`)
	if err := store.Migrate(t.Context(), url, store.MigrateUp); err == nil || !strings.Contains(err.Error(), "made by a version of Plait that this one does not know") {
		t.Errorf("got %v", err)
	}
}

func TestTelemetryThatSearchesWouldNotFindIsNotTakenOver(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	conn := connect(t, url)
	downTo(t, conn, 10)
	exec(t, conn, `CREATE TABLE plait_store.span_any PARTITION OF plait_store.span DEFAULT`)
	exec(t, conn, `INSERT INTO plait_store.span VALUES (gen_random_uuid(), now(), 1, 0, 1, 1, 1, 0, 0, now()::date, 0, 0, '', '')`)
	for range 2 {
		if err := store.Migrate(t.Context(), url, store.MigrateUp); err == nil || !strings.Contains(err.Error(), "use a new database") {
			t.Errorf("got %v", err)
		}
	}
	exec(t, conn, `TRUNCATE plait_store.span`)
	if err := store.Migrate(t.Context(), url, store.MigrateUp); err != nil {
		t.Errorf("without telemetry: %v", err)
	}
}

// A gateway that is killed in its first start leaves a schema at any version.
func TestASchemaOfEachVersionGoesOn(t *testing.T) {
	t.Parallel()
	all := downMigrations(t)
	newest := versionOf(t, all[len(all)-1])
	versions := []int{0}
	for _, name := range all[:len(all)-1] {
		versions = append(versions, versionOf(t, name))
	}
	for _, version := range versions {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			t.Parallel()
			url := storetest.URL(t)
			downTo(t, connect(t, url), version)
			if err := store.Migrate(t.Context(), url, store.MigrateUp); err != nil {
				t.Fatal(err)
			}
			if got, dirty, err := store.MigrationVersion(t.Context(), url); got != uint(newest) || dirty || err != nil {
				t.Errorf("at version %d, dirty %v, error %v", got, dirty, err)
			}
		})
	}
}

// downTo takes a schema of the newest version back to an older one, or to 0, which is none.
func downTo(t *testing.T, conn *pgx.Conn, version int) {
	t.Helper()
	for _, name := range slices.Backward(downMigrations(t)) {
		if versionOf(t, name) <= version {
			break
		}
		down, err := migrations.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, conn, string(down))
	}
	exec(t, conn, `UPDATE plait_store.schema_migrations SET version = `+strconv.Itoa(version))
	exec(t, conn, `DELETE FROM plait_store.schema_migrations WHERE version = 0`)
}

// downMigrations returns the files that take a schema back, the one of version 1 first.
func downMigrations(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(migrations.FS, "*.down.sql")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func versionOf(t *testing.T, migration string) int {
	t.Helper()
	number, _, _ := strings.Cut(migration, "_")
	version, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

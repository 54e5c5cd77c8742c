package store_test

import (
	"errors"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func TestExaminingADatabaseTellsItsSchemaAndSettings(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	if err := store.Migrate(t.Context(), address, store.MigrateDown); err != nil {
		t.Fatal(err)
	}
	e, err := store.Examine(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if e.SchemaVersion != 0 || e.NewestSchema == 0 || e.ServerVersion == "" || e.Bytes <= 0 {
		t.Errorf("an empty database is %+v", e)
	}
	for _, name := range store.ExaminedSettings {
		if e.Settings[name] == "" {
			t.Errorf("nothing is told of %s", name)
		}
	}
	if err := store.Migrate(t.Context(), address, store.MigrateUp); err != nil {
		t.Fatal(err)
	}
	if e, err = store.Examine(t.Context(), address); err != nil || e.SchemaVersion != e.NewestSchema || e.Dirty {
		t.Errorf("a database with a schema is %+v, %v", e, err)
	}
	if _, err := store.Examine(t.Context(), "postgres://plait@127.0.0.1:1/plait"); !errors.Is(err, plait.ErrUnavailable) {
		t.Errorf("a database where nobody listens: %v", err)
	}
}

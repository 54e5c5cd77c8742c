package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// readerURL is where the role connects; roles are those of a whole server, so they go with the test.
func readerURL(t *testing.T, databaseURL, role, password string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

func newRoleName(t *testing.T, databaseURL string) string {
	t.Helper()
	name := "reader_" + strings.ToLower(rand.Text()[:10])
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), databaseURL)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), `DROP OWNED BY `+name+`; DROP ROLE `+name); err != nil {
			t.Error(err)
		}
	})
	return name
}

func TestReaderMayReadTheViewsAndNothingElse(t *testing.T) {
	t.Parallel()
	databaseURL := storetest.URL(t)
	writeDocsTelemetry(t, storetest.Open(t, databaseURL))
	owner := connect(t, databaseURL)
	role := newRoleName(t, databaseURL)
	made, err := store.EnsureReader(t.Context(), databaseURL, store.ReaderRole{Name: role, FirstPassword: "for the first time"})
	if err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	// A view and a function of a later migration.
	if _, err := owner.Exec(t.Context(), `
CREATE VIEW plait.later AS SELECT count(*) FROM plait_store.resource;
CREATE FUNCTION plait.later() RETURNS int LANGUAGE sql RETURN 1`); err != nil {
		t.Fatal(err)
	}
	// Again: the password stays, then becomes another.
	if made, err := store.EnsureReader(t.Context(), databaseURL, store.ReaderRole{Name: role, FirstPassword: "another one"}); err != nil || made {
		t.Fatalf("made again %v, %v", made, err)
	}
	reader := connect(t, readerURL(t, databaseURL, role, "for the first time"))
	for _, sql := range []string{
		`SELECT * FROM plait.spans`, `SELECT * FROM plait.logs`, `SELECT * FROM plait.traces`, `SELECT * FROM plait.samples`, `SELECT * FROM plait.exemplars`,
		`SELECT * FROM plait.series`, `SELECT * FROM plait.services`, `SELECT * FROM plait.later`,
		`SELECT plait.trace_id('b3: e1be46a994272793-00f067aa0ba902b7')`, `SELECT plait.later()`,
	} {
		if tag, err := reader.Exec(t.Context(), sql); err != nil || tag.RowsAffected() == 0 {
			t.Errorf("%s: %v, %v", sql, tag, err)
		}
	}
	if _, err := reader.Exec(t.Context(), `SET default_transaction_read_only = off`); err != nil { // a setting, and no right
		t.Fatal(err)
	}
	forbidden := []string{
		`SELECT * FROM plait_store.content_key`, `INSERT INTO plait_store.scope SELECT * FROM plait_store.scope`, `CREATE VIEW plait.mine AS SELECT 1`, `CREATE TABLE public.mine ()`,
		`INSERT INTO plait.services VALUES ('mine', now(), now())`, `DELETE FROM plait.series`,
	}
	if !storetest.OnCitus() { // whose workers ask readers for rights on the tables behind the views
		forbidden = append(forbidden, `SELECT * FROM plait_store.span`, `SELECT plait_store.trace_id_readings('1')`)
	}
	for _, sql := range forbidden {
		if _, err := reader.Exec(t.Context(), sql); !isCode(err, "42501") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if _, err := reader.Exec(t.Context(), `RESET ALL`); err != nil {
		t.Fatal(err)
	}
	var settings string
	err = reader.QueryRow(t.Context(), `SELECT concat_ws(' ', current_setting('default_transaction_read_only'), current_setting('statement_timeout'), current_setting('jit'), current_setting('search_path'))`).Scan(&settings)
	if err != nil || settings != "on 1min off plait" {
		t.Errorf("the settings are %q, %v", settings, err)
	}
	if _, err := store.EnsureReader(t.Context(), databaseURL, store.ReaderRole{Name: role, Password: "quite another"}); err != nil {
		t.Fatal(err)
	}
	connect(t, readerURL(t, databaseURL, role, "quite another"))
	if storetest.OnCitus() {
		return // its nodes trust whoever comes from this machine
	}
	if _, err := pgx.Connect(t.Context(), readerURL(t, databaseURL, role, "for the first time")); !isCode(err, "28P01") {
		t.Errorf("the old password: %v", err)
	}
}

func isCode(err error, code string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == code
}

func TestReaderRoleIsRefused(t *testing.T) {
	t.Parallel()
	databaseURL := storetest.URL(t)
	for name, r := range map[string]store.ReaderRole{
		"without a name":              {},
		"with a statement for a name": {Name: `x"; DROP SCHEMA plait`},
		"with a reserved name":        {Name: "pg_monitor"},
		"that is Plait's own":         {Name: "plait"},
		"with a short password":       {Name: "reader", Password: "short"},
		"with a password of UTF-8":    {Name: "reader", Password: "pässwörter"},
	} {
		if _, err := store.EnsureReader(t.Context(), databaseURL, r); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("a role %s: %v", name, err)
		}
	}
}

package store_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func TestADatabaseThatCannotBeOpenedIsToldInOneLine(t *testing.T) {
	t.Parallel()
	change := func(f func(*url.URL)) string {
		u, err := url.Parse(storetest.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		f(u)
		return u.String()
	}
	for name, c := range map[string]struct{ url, want string }{
		"nobody listens": {"postgres://plait:secret@127.0.0.1:1/plait", "no Postgres answers at 127.0.0.1:1: connect: connection refused; is it running"},
		"no such host":   {"postgres://plait:secret@nowhere.invalid/plait", "no Postgres answers at nowhere.invalid:5432: "},
		"no such socket": {"postgres://plait:secret@/plait?host=/nowhere", "no Postgres answers at socket /nowhere/.s.PGSQL.5432: "},
		"no such database": {change(func(u *url.URL) { u.Path = "/nothing" }),
			`into database "nothing": database "nothing" does not exist`},
		"no such user": {change(func(u *url.URL) { u.User = url.UserPassword("stranger", "secret") }), `does not let user "stranger" into database`},
	} {
		err := store.Migrate(t.Context(), c.url, store.MigrateUp)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want one line with %q", name, err, c.want)
		}
		if !errors.Is(err, plait.ErrUnavailable) {
			t.Errorf("%s: the error is not that the database is unavailable", name)
		}
	}
}

package pg

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plaithq/plait"
)

// Connect opens the first connection to a database. Its error says in one line what a user can
// mend; it wraps plait.ErrUnavailable.
func Connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, connectError(config, err)
	}
	return conn, nil
}

func connectError(config *pgx.ConnConfig, err error) error {
	at := net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	if strings.HasPrefix(config.Host, "/") {
		at = "socket " + config.Host + "/.s.PGSQL." + strconv.Itoa(int(config.Port))
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return plait.Errorf(plait.ErrUnavailable, "the Postgres at %s does not let user %q into database %q: %s", at, config.User, config.Database, refused.Message)
	}
	return plait.Errorf(plait.ErrUnavailable, "no Postgres answers at %s: %s; is it running, and does the database URL name the right host and port?", at, connectReason(err))
}

// connectReason is why a connection could not be made. pgx tries several ways, such as with TLS
// and without, and tells of each; the last is the plainest.
func connectReason(err error) string {
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return lookup.Err + " (" + lookup.Name + ")"
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok {
		return dial.Err.Error()
	}
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

package store

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/citus"
)

// ReaderRole is a role for Grafana and others who ask in SQL: it may read the views of schema
// plait and call its functions, and nothing else of Plait's; on a Citus cluster the tables behind the views as well.
type ReaderRole struct {
	// Name is up to 63 letters, digits and underscores.
	Name string
	// Password is of printable ASCII. Empty leaves that of a role which exists, and gives a new one
	// FirstPassword.
	Password, FirstPassword string
	// Private says that the database is the private Postgres, whose other roles are nobody's:
	// temporary tables, which every role may make, are forbidden there.
	Private bool
}

var roleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

const (
	readerConnections = 20 // of the private Postgres's 50, most of which Plait needs
	minPassword       = 8
)

// Validate says what is wrong with the role, wrapping plait.ErrInvalid.
func (r ReaderRole) Validate() error {
	if !roleName.MatchString(r.Name) || strings.HasPrefix(r.Name, "pg_") {
		return plait.Errorf(plait.ErrInvalid, "%q is no name for a role: want up to 63 letters, digits and underscores, not pg_ first", r.Name)
	}
	if r.Password == "" {
		return nil
	}
	if len(r.Password) < minPassword || strings.ContainsFunc(r.Password, func(c rune) bool { return c < ' ' || c > '~' }) {
		return plait.Errorf(plait.ErrInvalid, "the password of %s: want at least %d characters, all of them printable ASCII", r.Name, minPassword)
	}
	return nil
}

const (
	findRoleSQL = `
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolname = current_user
	OR EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspowner = r.oid AND n.nspname IN ('plait', 'plait_store'))
FROM pg_catalog.pg_roles r
WHERE rolname = $1`

	// What later migrations make is granted as well, if the same user makes it.
	grantReaderSQL = `
ALTER ROLE ROLE WITH LOGIN CONNECTION LIMIT LIMIT_OF_CONNECTIONS;
ALTER ROLE ROLE SET default_transaction_read_only = on;
ALTER ROLE ROLE SET statement_timeout = '60s';
ALTER ROLE ROLE SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE ROLE SET jit = off;
ALTER ROLE ROLE SET search_path = plait;
GRANT CONNECT ON DATABASE DATABASE TO ROLE;
GRANT USAGE ON SCHEMA plait TO ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA plait TO ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA plait TO ROLE;
ALTER DEFAULT PRIVILEGES IN SCHEMA plait GRANT SELECT ON TABLES TO ROLE;
ALTER DEFAULT PRIVILEGES IN SCHEMA plait GRANT EXECUTE ON FUNCTIONS TO ROLE;`
)

// EnsureReader makes the role or brings its rights and settings up to date, in one transaction,
// and says whether it made it. The schema must be migrated. A role that is more than a reader,
// such as Plait's own, is refused with plait.ErrInvalid.
func EnsureReader(ctx context.Context, databaseURL string, r ReaderRole) (made bool, err error) {
	if err := r.Validate(); err != nil {
		return false, err
	}
	err = withMigrationLock(ctx, databaseURL, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			made, err = r.ensure(ctx, tx)
			return err
		})
	})
	if err != nil {
		return false, fmt.Errorf("make the role %s: %w", r.Name, err)
	}
	return made, nil
}

func (r ReaderRole) ensure(ctx context.Context, tx pgx.Tx) (made bool, err error) {
	var database string
	if err := tx.QueryRow(ctx, `SELECT current_database()`).Scan(&database); err != nil {
		return false, err
	}
	var more bool
	switch err := tx.QueryRow(ctx, findRoleSQL, r.Name).Scan(&more); {
	case errors.Is(err, pgx.ErrNoRows):
		made = true
	case err != nil:
		return false, err
	case more:
		return false, plait.Errorf(plait.ErrInvalid, "it owns Plait's schemas or may do more than read; choose another name")
	}
	quoted := pgx.Identifier{r.Name}.Sanitize()
	statements := strings.NewReplacer("ALTER ROLE ROLE", "ALTER ROLE "+quoted, "TO ROLE", "TO "+quoted,
		"LIMIT_OF_CONNECTIONS", fmt.Sprint(readerConnections),
		"ON DATABASE DATABASE", "ON DATABASE "+pgx.Identifier{database}.Sanitize()).Replace(grantReaderSQL)
	if made {
		statements = "CREATE ROLE " + quoted + ";" + statements
	}
	password := r.Password
	if made && password == "" {
		password = r.FirstPassword
	}
	if password != "" {
		// A verifier and not the password itself, which would stand in the server's log.
		verifier, err := scramVerifier(password)
		if err != nil {
			return false, err
		}
		statements += "\nALTER ROLE " + quoted + " PASSWORD '" + verifier + "';"
	}
	if r.Private {
		statements += "\nREVOKE TEMPORARY ON DATABASE " + pgx.Identifier{database}.Sanitize() + " FROM PUBLIC;"
	}
	grants, err := citus.ReaderGrants(ctx, tx, quoted)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, statements+grants)
	return made, err
}

// scramVerifier returns what Postgres stores of a password (RFC 5802, RFC 7677).
func scramVerifier(password string) (string, error) {
	const iterations = 4096
	var salt [16]byte
	_, _ = rand.Read(salt[:]) // it never fails
	salted, err := pbkdf2.Key(sha256.New, password, salt[:], iterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, encode(salt[:]), encode(stored[:]), encode(mac("Server Key"))), nil
}

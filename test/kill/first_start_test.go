package kill

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// schemaVersion names the migration that a database is at, or is on the way to.
const schemaVersion = `SELECT version FROM plait_store.schema_migrations`

func TestGatewayStartsAfterKillsDuringItsFirstStart(t *testing.T) {
	g := newGateway(t)
	g.start(t)
	for version, answers := awaitMigrationAfter(t, g, 0); !answers; version, answers = awaitMigrationAfter(t, g, version) {
		t.Logf("killed at migration %d", version)
		g.kill(t)
		g.start(t)
	}
	s := startSenders(t, g)
	s.await(t, g, senderCount*len(ways))
	acks := s.stop(t, g)
	g.stop(t)
	compare(t, g.dataDir, acks)
}

// awaitMigrationAfter returns when the database is at a later migration than version, or when
// the gateway answers, which it does once all are done.
func awaitMigrationAfter(t *testing.T, g *gateway, version int) (next int, answers bool) {
	t.Helper()
	limit := time.After(ackLimit)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close(context.Background())
		}
	}()
	for {
		select {
		case <-g.ended:
			t.Fatalf("plait ended by itself: %v", g.err)
		case <-limit:
			t.Fatalf("no migration after %d in %v", version, ackLimit)
		case <-tick.C:
		}
		if conn == nil {
			conn = g.connect(t)
			continue
		}
		if err := conn.QueryRow(t.Context(), schemaVersion).Scan(&next); err == nil && next > version {
			return next, false
		}
		if g.answers() {
			return version, true
		}
	}
}

// connect returns nil as long as the private Postgres does not answer.
func (g *gateway) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(g.dataDir, "password"))
	if err != nil {
		return nil
	}
	config, err := pgx.ParseConfig("host=" + filepath.Join(g.dataDir, "run") + " user=plait database=plait")
	check(t, err)
	config.Password = strings.TrimSpace(string(password))
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		return nil
	}
	return conn
}

// answers tells whether the gateway takes telemetry in.
func (g *gateway) answers() bool {
	conn, err := net.Dial("tcp", g.ingestAddr)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

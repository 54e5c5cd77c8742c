package kill

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/localpg"
)

// mergeOfIndex is the statement of a merge of the term index that changes rows before its transaction ends.
const mergeOfIndex = `INSERT INTO plait_store\.term_segment`

const killsDuringMerges = 2

// Every second kill takes Postgres along.
func TestKillsDuringMergesOfTheTermIndexLoseNothing(t *testing.T) {
	g := newGateway(t)
	g.start(t)
	s := startSenders(t, g)
	s.await(t, g, senderCount*len(ways))
	for n := range killsDuringMerges {
		if hit := g.awaitStatement(t, mergeOfIndex); hit == "" {
			t.Error("no merge was met")
		} else {
			t.Logf("kill %d, at %s", n+1, strings.TrimSpace(hit))
		}
		killed := time.Now()
		if n%2 == 1 {
			terminate(t, g.postmaster(t))
		}
		g.kill(t)
		g.start(t)
		s.awaitBegunAfter(t, g, killed)
	}
	g.awaitSegments(t)
	acks := s.stop(t, g)
	g.stop(t)
	compare(t, g.dataDir, acks)
	compareIndex(t, g.dataDir)
}

// awaitSegments waits until a merge of each signal has been committed.
func (g *gateway) awaitSegments(t *testing.T) {
	t.Helper()
	conn := g.connectSoon(t)
	defer func() { _ = conn.Close(context.Background()) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(ackLimit); ; {
		var signals int
		check(t, conn.QueryRow(t.Context(), `SELECT count(DISTINCT signal) FROM plait_store.term_segment WHERE replaced_at = 'infinity'`).Scan(&signals))
		if signals == 2 {
			return
		}
		select {
		case <-limit:
			t.Fatalf("no merge was committed in %v", ackLimit)
		case <-tick.C:
		}
	}
}

// compareIndex checks that the term index has every row, once.
func compareIndex(t *testing.T, dataDir string) {
	t.Helper()
	server, err := localpg.Start(t.Context(), localpg.Config{DataDir: dataDir})
	check(t, err)
	defer func() { check(t, server.Stop(context.Background())) }()
	conn, err := pgx.Connect(t.Context(), server.URL())
	check(t, err)
	defer conn.Close(t.Context())
	for signal, table := range map[int]string{1: "span", 2: "log"} {
		var rows, indexed, segments int
		check(t, conn.QueryRow(t.Context(), `
			SELECT (SELECT count(*) FROM plait_store.`+table+`),
			       (SELECT coalesce(sum(row_count), 0) FROM plait_store.term_head WHERE signal = $1 AND replaced_at = 'infinity')
			     + (SELECT coalesce(sum(row_count), 0) FROM plait_store.term_segment WHERE signal = $1 AND replaced_at = 'infinity'),
			       (SELECT count(*) FROM plait_store.term_segment WHERE signal = $1 AND replaced_at = 'infinity')`, signal).Scan(&rows, &indexed, &segments))
		if rows == 0 || indexed != rows || segments == 0 {
			t.Errorf("the index of %s has %d of %d rows, in %d segments", table, indexed, rows, segments)
		}
	}
}

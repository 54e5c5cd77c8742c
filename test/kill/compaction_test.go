package kill

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"

	"github.com/plaithq/plait/store/localpg"
)

// compaction are the statements of one that changes rows, which is a transaction.
const compaction = `COPY plait_store\.sample_chunk|DELETE FROM plait_store\.sample_head`

const killsDuringCompaction = 4

// Senders bring what they always do, and one more so many samples that they are compacted. Every second
// kill takes Postgres along.
func TestKillsDuringCompactionLoseNothing(t *testing.T) {
	g := newGateway(t)
	g.start(t)
	s := startSenders(t, g)
	s.await(t, g, senderCount*len(ways))
	f := startFilling(t, s.doors)
	for n := range killsDuringCompaction {
		f.wanted.Store(true)
		if hit := g.awaitStatement(t, compaction); hit == "" {
			t.Error("no compaction was met")
		} else {
			t.Logf("kill %d, at %s", n+1, hit)
		}
		killed := time.Now()
		if n%2 == 1 {
			terminate(t, g.postmaster(t))
		}
		g.kill(t)
		f.wanted.Store(false)
		g.start(t)
		s.awaitBegunAfter(t, g, killed)
	}
	g.awaitChunks(t)
	filled := f.stop()
	acks := s.stop(t, g)
	g.stop(t)
	compare(t, g.dataDir, acks)
	compareFilling(t, g.dataDir, filled)
}

// awaitStatement returns a statement that Postgres runs for the gateway and that matches, or "" when
// there is none for a while.
func (g *gateway) awaitStatement(t *testing.T, pattern string) (statement string) {
	t.Helper()
	conn := g.connectSoon(t)
	defer func() { _ = conn.Close(context.Background()) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.After(ackLimit); ; {
		err := conn.QueryRow(t.Context(), `
			SELECT query
			FROM pg_stat_activity
			WHERE state IN ('active', 'idle in transaction') AND query ~ $1 AND pid <> pg_backend_pid()`, pattern).Scan(&statement)
		if err == nil {
			return statement
		}
		if conn.IsClosed() {
			conn = g.connectSoon(t)
		}
		select {
		case <-limit:
			return ""
		case <-tick.C:
		}
	}
}

// awaitChunks waits until a compaction has come to its end.
func (g *gateway) awaitChunks(t *testing.T) {
	t.Helper()
	conn := g.connectSoon(t)
	defer func() { _ = conn.Close(context.Background()) }()
	tick := time.NewTicker(retryDelay)
	defer tick.Stop()
	limit := time.After(ackLimit)
	for some := false; !some; {
		check(t, conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM plait_store.sample_chunk)`).Scan(&some))
		select {
		case <-limit:
			t.Fatal("no compaction came to its end")
		case <-tick.C:
		}
	}
}

const (
	fillingSeries  = 400
	fillingSamples = 50 // of each series in a request
	fillingStep    = 20 * time.Millisecond
)

// filling sends requests of many samples, each until it is acknowledged.
type filling struct {
	wanted       atomic.Bool
	end          context.CancelFunc
	running      sync.WaitGroup
	acknowledged int
}

func startFilling(t *testing.T, d *doors) *filling {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	f := &filling{end: end}
	t.Cleanup(func() { f.stop() })
	from := time.Now().Add(-time.Hour)
	f.running.Go(func() {
		for ctx.Err() == nil {
			if !f.wanted.Load() {
				time.Sleep(retryDelay)
				continue
			}
			body, err := fillingRequest(from.Add(time.Duration(f.acknowledged) * fillingSamples * fillingStep))
			if err != nil {
				t.Error(err)
				return
			}
			for err = errRepeat; errors.Is(err, errRepeat) && t.Context().Err() == nil; {
				if err = d.post(t.Context(), "/api/v1/write", "application/x-protobuf", body); err != nil {
					time.Sleep(retryDelay)
				}
			}
			if err != nil {
				t.Errorf("send samples: %v", err)
				return
			}
			f.acknowledged++
		}
	})
	return f
}

// stop returns how many requests were acknowledged.
func (f *filling) stop() int {
	f.end()
	f.running.Wait()
	return f.acknowledged
}

func fillingRequest(from time.Time) ([]byte, error) {
	var w prompb.WriteRequest
	for i := range fillingSeries {
		s := prompb.TimeSeries{Labels: []prompb.Label{{Name: "__name__", Value: "kill_filling"}, {Name: "i", Value: fmt.Sprint(i)}}}
		for j := range fillingSamples {
			s.Samples = append(s.Samples, prompb.Sample{Timestamp: from.Add(time.Duration(j) * fillingStep).UnixMilli(), Value: rand.Float64()})
		}
		w.Timeseries = append(w.Timeseries, s)
	}
	body, err := w.Marshal()
	return snappy.Encode(nil, body), err
}

func compareFilling(t *testing.T, dataDir string, requests int) {
	t.Helper()
	server, err := localpg.Start(t.Context(), localpg.Config{DataDir: dataDir})
	check(t, err)
	defer func() { check(t, server.Stop(context.Background())) }()
	conn, err := pgx.Connect(t.Context(), server.URL())
	check(t, err)
	defer conn.Close(t.Context())
	var rows, distinct, inChunks int
	check(t, conn.QueryRow(t.Context(), `
		SELECT count(*), count(DISTINCT (labels ->> 'i', time))
		FROM plait.samples
		WHERE metric = 'kill_filling'`).Scan(&rows, &distinct))
	check(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM plait_store.sample_chunk`).Scan(&inChunks))
	if want := requests * fillingSeries * fillingSamples; rows != want || distinct != want || inChunks == 0 {
		t.Errorf("%d samples are there, %d of them different, in %d chunks; %d were acknowledged", rows, distinct, inChunks, want)
	}
	t.Logf("%d samples of %d requests, %d chunks", rows, requests, inChunks)
}

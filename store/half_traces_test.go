package store_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// tracePair is a trace as most of its services know it, and as one does that knows 64 bits.
func tracePair(upper byte, low uint64) (whole, half plait.TraceID) {
	binary.BigEndian.PutUint64(half[8:], low)
	whole = half
	whole[0] = upper
	return whole, half
}

// joinedSQL counts what plain joins find: spans, records, exemplars, traces and the spans they count.
const joinedSQL = `
SELECT ARRAY[
	(SELECT count(*) FROM plait.spans s WHERE s.trace_id = $1),
	(SELECT count(*) FROM plait.spans s JOIN plait.logs l USING (trace_id, span_id) WHERE s.trace_id = $1),
	(SELECT count(*) FROM plait.spans s JOIN plait.exemplars e USING (trace_id, span_id) WHERE s.trace_id = $1),
	(SELECT count(*) FROM plait.traces t WHERE t.trace_id = $1),
	(SELECT coalesce(sum(t.span_count), 0) FROM plait.traces t WHERE t.trace_id = $1)
]`

func joined(t *testing.T, conn *pgx.Conn, id plait.TraceID) (counts []int64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), joinedSQL, id.String()).Scan(&counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

func TestHalfIDsJoinTheirTraceInSQL(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	// Each brings a part of a trace: its span in full, an older tracer's span, a record, an exemplar.
	parts := []func(whole, half plait.TraceID, at time.Time){
		func(whole, _ plait.TraceID, at time.Time) {
			writeSpans(t, s, span(whole, 1, 0, "web", "GET /", at, 0, time.Second))
		},
		func(_, half plait.TraceID, at time.Time) {
			writeSpans(t, s, span(half, 2, 1, "till", "pay", at, 0, time.Second))
		},
		func(_, half plait.TraceID, at time.Time) { writeLogs(t, s, record(half, 1, "till", "paid", at, 0)) },
		func(_, half plait.TraceID, at time.Time) {
			writeExemplars(t, s, span(half, 1, 0, "till", "pay", at, 0, time.Second))
		},
	}
	low := uint64(1) << 40
	orders := [][]int{{0, 1, 2, 3}, {1, 2, 3, 0}, {2, 0, 3, 1}, {3, 1, 0, 2}, {2, 3, 1, 0}}
	// Of today, and of a year for which there is no partition.
	for _, at := range []time.Time{now, now.Add(-3 * 365 * 24 * time.Hour)} {
		for _, order := range orders {
			low++
			whole, half := tracePair(0xaa, low)
			for _, part := range order {
				parts[part](whole, half, at)
			}
			if diff := cmp.Diff([]int64{2, 1, 1, 1, 2}, joined(t, conn, whole)); diff != "" {
				t.Errorf("order %v at %v: spans, with logs, with exemplars, traces, their spans (-want +got)\n%s", order, at, diff)
			}
			if left := joined(t, conn, half)[:4]; slices.Max(left) > 0 {
				t.Errorf("order %v: under the half id are %v", order, left)
			}
			if got := readInSQL(t, conn, half.String()); got[0] != whole.String() {
				t.Errorf("order %v: the half id is read as %s", order, got)
			}
		}
	}
	var waiting int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM plait_store.half_trace`).Scan(&waiting); err != nil || waiting != 0 {
		t.Errorf("%d halves wait, %v", waiting, err)
	}
}

func TestHalfIDsInOneRequestJoin(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	whole, half := tracePair(0xaa, 7)
	writeSpans(t, s, span(half, 2, 1, "till", "pay", now, 0, time.Second), span(whole, 1, 0, "web", "GET /", now, 0, time.Second))
	if got := joined(t, conn, whole); got[0] != 2 || got[4] != 2 {
		t.Errorf("the trace has %v", got)
	}
}

func TestTracesOf64BitsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	_, half := tracePair(0, 9)
	writeLogs(t, s, record(half, 1, "till", "paid", now, 0))
	writeSpans(t, s, span(half, 1, 0, "web", "GET /", now, 0, time.Second), span(half, 2, 1, "till", "pay", now, 0, time.Second))
	writeExemplars(t, s, span(half, 1, 0, "till", "pay", now, 0, time.Second))
	if diff := cmp.Diff([]int64{2, 1, 1, 1, 2}, joined(t, conn, half)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOfTracesWithTheSameLowerHalfTheNewestIsJoined(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	older, half := tracePair(0xaa, 11)
	newer, _ := tracePair(0xbb, 11)
	writeSpans(t, s, span(newer, 1, 0, "web", "GET /", now, 0, time.Second))
	writeSpans(t, s, span(older, 1, 0, "web", "GET /", now, time.Hour, time.Second))
	writeLogs(t, s, record(half, 1, "till", "paid", now, 0))
	if got := joined(t, conn, newer)[1]; got != 1 {
		t.Errorf("the newer trace has %d records", got)
	}
	if got := joined(t, conn, older)[1]; got != 0 {
		t.Errorf("the older trace has %d records", got)
	}
}

// A record and the spans that it belongs to can be committed in the same moment, so that neither sees
// the other.
func TestHalfIDsThatCameWithTheirSpansAreJoinedLater(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	whole, half := tracePair(0xaa, 13)
	writeLogs(t, s, record(half, 1, "till", "paid", now, 0))
	// The spans do not find the entry, as if it were not committed yet.
	if _, err := conn.Exec(t.Context(), `CREATE TEMPORARY TABLE aside AS SELECT * FROM plait_store.half_trace; DELETE FROM plait_store.half_trace`); err != nil {
		t.Fatal(err)
	}
	writeSpans(t, s, span(whole, 1, 0, "web", "GET /", now, 0, time.Second))
	if _, err := conn.Exec(t.Context(), `INSERT INTO plait_store.half_trace SELECT * FROM aside`); err != nil {
		t.Fatal(err)
	}
	if err := s.JoinLateHalves(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := joined(t, conn, whole)[1]; got != 1 {
		t.Errorf("%d records are joined", got)
	}
}

func TestHalfIDsAndSpansOfManyTracesAtOnce(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	first, second, conn := storetest.Open(t, url), storetest.Open(t, url), connect(t, url)
	now := time.Now()
	const senders, traces = 8, 25
	var senderGroup sync.WaitGroup
	for sender := range senders {
		senderGroup.Go(func() {
			for i := range traces { // each trace is sent by all, as half an id or in full, in an order of their own
				whole, half := tracePair(0xaa, uint64(100+(i*7+sender*3)%traces))
				s := []*store.Store{first, second}[sender%2]
				id := int64(sender + 1)
				switch sender % 4 {
				case 0:
					writeLogs(t, s, record(half, id, "till", "paid", now, 0))
				case 1:
					writeSpans(t, s, span(half, id, 0, "till", "pay", now, 0, time.Second))
				default:
					writeSpans(t, s, span(whole, id, 0, "web", "GET /", now, 0, time.Second))
				}
			}
		})
	}
	senderGroup.Wait()
	if err := first.JoinLateHalves(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range traces {
		whole, _ := tracePair(0xaa, uint64(100+i))
		var records int64
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM plait.logs WHERE trace_id = $1`, whole.String()).Scan(&records); err != nil {
			t.Fatal(err)
		}
		if got := joined(t, conn, whole); got[0] != 6 || got[3] != 1 || got[4] != 6 || records != 2 {
			t.Errorf("trace %d has %v, %d records", i, got, records)
		}
	}
}

func TestJoinOfHalvesReadsIndexesOnly(t *testing.T) {
	t.Parallel()
	_, url, trace := planStore(t)
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), strings.ReplaceAll(statement(t, "traceid", "byIndexSQL"), "true)", "false)")); err != nil {
		t.Fatal(err)
	}
	for name, sql := range statements(t, "traceid") {
		if !strings.HasPrefix(name, "join") || name == "joinedHalvesSQL" {
			continue
		}
		sql = strings.NewReplacer("$1", "ARRAY['"+trace.String()+"'::uuid]", "$2", "ARRAY['"+trace.String()+"'::uuid]").Replace(sql)
		explain(t, conn, sql).walk(func(n planNode) {
			if n.Type == "Seq Scan" {
				t.Errorf("%s\nscans %s", sql, n.Relation)
			}
		})
	}
}

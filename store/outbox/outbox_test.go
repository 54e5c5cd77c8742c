package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// names encodes spans as their names, one a line.
func names(parts ...[]plait.Span) []byte {
	var b strings.Builder
	for _, part := range parts {
		for _, s := range part {
			b.WriteString(s.Name + "\n")
		}
	}
	return []byte(b.String())
}

func withNames(c *store.Config) { c.Outbox.Traces = names }

// lines are the names in the rows of a batch.
func lines(b outbox.Batch) (all []string) {
	for _, r := range b.Rows {
		all = append(all, strings.Fields(string(r.Body))...)
	}
	return all
}

// database is one with a store, and an outbox and a pool of the test's own.
type database struct {
	t     *testing.T
	url   string
	store *store.Store
	pool  *pgxpool.Pool
	*outbox.Outbox
}

func newDatabase(t *testing.T, options ...storetest.Option) *database {
	t.Helper()
	url := storetest.URL(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &database{t, url, storetest.Open(t, url, append(options, withNames)...), pool, outbox.New(pool)}
}

func (d *database) register(names ...string) {
	d.t.Helper()
	for _, name := range names {
		d.must(d.Register(d.t.Context(), name, outbox.Traces))
	}
	d.must(d.store.Outbox().Refresh(d.t.Context()))
}

func (d *database) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *database) write(names ...string) {
	d.t.Helper()
	batch := &plait.Traces{}
	r, sc := &plait.Resource{}, &plait.Scope{}
	for i, name := range names {
		batch.Spans = append(batch.Spans, plait.Span{Name: name, TraceID: plait.TraceID{1, byte(i + 1)}, SpanID: plait.SpanID{byte(i + 1)},
			StartNanos: time.Now().UnixNano(), EndNanos: time.Now().UnixNano(), Resource: r, Scope: sc})
	}
	_, err := d.store.WriteTraces(d.t.Context(), batch)
	d.must(err)
}

func (d *database) next(after outbox.Place) outbox.Batch {
	d.t.Helper()
	d.must(d.Number(d.t.Context(), outbox.Traces))
	b, err := d.Next(d.t.Context(), outbox.Traces, after)
	d.must(err)
	return b
}

func (d *database) rows() (n int) {
	d.t.Helper()
	d.must(d.pool.QueryRow(d.t.Context(), "SELECT count(*) FROM plait_store.outbox").Scan(&n))
	return n
}

func target(name string, holder byte) outbox.Target {
	return outbox.Target{Name: name, Signal: outbox.Traces, Holder: [16]byte{holder}, Lease: time.Hour}
}

func TestNothingIsLeftWithoutATarget(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.write("before")
	if d.rows() != 0 {
		t.Error("a commit left its spans although nobody waits for them")
	}
	d.register("a")
	d.write("after")
	if got := lines(d.next(outbox.Place{})); !slices.Equal(got, []string{"after"}) {
		t.Errorf("the target gets %q", got)
	}
}

// leave puts a row into the outbox as a commit does, within a transaction.
func leave(ctx context.Context, tx pgx.Tx, name string) error {
	_, err := tx.Exec(ctx, `INSERT INTO plait_store.outbox (id, position, total, made_at, record_count, byte_count, signal, body)
VALUES ($1, 0, 0, clock_timestamp(), 1, 1, 1, convert_to($2, 'UTF8'))`, rand.Int64(), name+"\n")
	return err
}

func TestWhatCommitsLateIsNotPassedOver(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.register("a")
	late, err := d.pool.Begin(t.Context())
	d.must(err)
	defer func() { _ = late.Rollback(context.WithoutCancel(t.Context())) }() // does nothing after the commit
	d.must(leave(t.Context(), late, "late"))
	d.write("early")
	first := d.next(outbox.Place{})
	if got := lines(first); !slices.Equal(got, []string{"early"}) {
		t.Fatalf("before the late commit there is %q", got)
	}
	d.must(late.Commit(t.Context()))
	if got := lines(d.next(first.End)); !slices.Equal(got, []string{"late"}) {
		t.Errorf("after it the cursor finds %q", got)
	}
}

// TestWhoeverCommitsWhenEverythingIsReadOnce lets commits, numbering gateways and a reader run into each other.
func TestWhoeverCommitsWhenEverythingIsReadOnce(t *testing.T) {
	t.Parallel()
	const writers, each = 6, 60
	d := newDatabase(t)
	d.register("a")
	var stopped atomic.Bool // the calls themselves are not cancelled: a server may hold their locks for a moment longer
	var committing, numbering sync.WaitGroup
	defer numbering.Wait()
	defer stopped.Store(true)
	for w := range writers {
		committing.Go(func() {
			for i := range each {
				err := pgx.BeginFunc(t.Context(), d.pool, func(tx pgx.Tx) error {
					if err := leave(t.Context(), tx, fmt.Sprint(w, "-", i)); err != nil || i%3 > 0 {
						return err
					}
					_, err := tx.Exec(t.Context(), "SELECT pg_sleep($1)", rand.Float64()/100) // so that commits overtake one another
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		numbering.Go(func() {
			for !stopped.Load() {
				if err := d.Number(t.Context(), outbox.Traces); err != nil {
					t.Error(err)
				}
			}
		})
	}
	got, place := map[string]int{}, outbox.Place{}
	read := func() {
		b, err := d.Next(t.Context(), outbox.Traces, place)
		d.must(err)
		if b.Expired != 0 {
			t.Errorf("%d records seem to be gone", b.Expired)
		}
		for _, name := range lines(b) {
			got[name]++
		}
		place = b.End
	}
	done := make(chan struct{})
	go func() { committing.Wait(); close(done) }()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		read()
	}
	stopped.Store(true)
	numbering.Wait()
	d.must(d.Number(t.Context(), outbox.Traces))
	for before := int64(-1); before < place.Position; read() {
		before = place.Position
	}
	if len(got) != writers*each || place.Total != writers*each {
		t.Errorf("%d of %d rows were read, and the total is %d", len(got), writers*each, place.Total)
	}
	for name, n := range got {
		if n != 1 {
			t.Errorf("%s was read %d times", name, n)
		}
	}
}

func TestACommitIsCutIntoRowsAndABatchIsBounded(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.register("a")
	var all []string
	for i := range 20_000 {
		all = append(all, fmt.Sprint("span-", i))
	}
	d.write(all[:9000]...)
	d.write(all[9000:]...)
	var got []string
	place, batches := outbox.Place{}, 0
	for b := d.next(place); len(b.Rows) > 0; b = d.next(place) {
		same, err := d.Same(t.Context(), outbox.Traces, place, b.End.Position)
		d.must(err)
		if !slices.Equal(lines(same), lines(b)) {
			t.Errorf("batch %d is made again with other rows", batches)
		}
		if n := len(lines(b)); n > 8192+4096 {
			t.Errorf("a batch of %d records", n)
		}
		got = append(got, lines(b)...)
		place = b.End
		batches++
	}
	if !slices.Equal(got, all) || batches < 2 {
		t.Errorf("%d records in %d batches", len(got), batches)
	}
}

func TestOneGatewaySendsAtATime(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := newDatabase(t)
	d.register("a")
	first, second := target("a", 1), target("a", 2)
	_, _, err := d.Hold(ctx, first)
	d.must(err)
	if _, _, err := d.Hold(ctx, second); !errors.Is(err, outbox.ErrNotHeld) {
		t.Errorf("a second gateway holds the target: %v", err)
	}
	d.must(d.Release(ctx, first))
	if _, _, err := d.Hold(ctx, second); err != nil {
		t.Errorf("after the first has released it: %v", err)
	}
	for what, err := range map[string]error{
		"moves its cursor": d.Advance(ctx, first, outbox.Progress{Done: outbox.Place{Position: 5}}),
		"fails":            d.Failed(ctx, first, "x"),
	} {
		if !errors.Is(err, outbox.ErrNotHeld) {
			t.Errorf("a gateway that was too late %s: %v", what, err)
		}
	}
	d.must(d.Release(ctx, first)) // in vain
	if _, _, err := d.Hold(ctx, first); !errors.Is(err, outbox.ErrNotHeld) {
		t.Errorf("a gateway released the target of another: %v", err)
	}
	d.must(d.Release(ctx, second))
	brief := first
	brief.Lease = -time.Second
	_, _, err = d.Hold(ctx, brief)
	d.must(err)
	if _, _, err := d.Hold(ctx, second); err != nil {
		t.Errorf("after the lease of a dead gateway: %v", err)
	}
}

func TestACursorSurvivesAndIsTold(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := newDatabase(t)
	d.register("a", "b")
	d.write("1", "2")
	d.write("3")
	b := d.next(outbox.Place{})
	a := target("a", 1)
	_, _, err := d.Hold(ctx, a)
	d.must(err)
	d.must(d.Failed(ctx, a, "no \xff way\x00"))
	d.must(d.Advance(ctx, a, outbox.Progress{Done: outbox.Place{}, Sending: b.End.Position}))
	done, sending, err := d.Hold(ctx, a)
	d.must(err)
	if done != (outbox.Place{}) || sending != b.End.Position {
		t.Errorf("done with %v, sending up to %d", done, sending)
	}
	d.must(d.RemoveDone(ctx, outbox.Traces))
	d.must(d.Advance(ctx, a, outbox.Progress{Done: b.End, Sending: b.End.Position, Sent: 1, LeftOut: 1, Refused: 1, Said: "bad"}))
	d.must(d.RemoveDone(ctx, outbox.Traces))
	if d.rows() != 2 {
		t.Errorf("%d rows, although a target needs two", d.rows())
	}
	all, err := d.Status(ctx)
	d.must(err)
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	if s := all[0]; s.Target != "a" || s.Waiting != 0 || s.Lag != 0 || s.Sent != 1 || s.LeftOut != 1 || s.Refused != 1 || !s.Held || s.Failing != 0 || s.Failure != "bad" {
		t.Errorf("a: %+v", s)
	}
	if s := all[1]; s.Target != "b" || s.Waiting != 3 || s.Lag <= 0 || s.Held {
		t.Errorf("b: %+v", s)
	}
	d.must(d.Failed(ctx, a, "away"))
	d.write("4") // has no number yet
	if all, err = d.Status(ctx); err != nil || all[0].Failing <= 0 || all[0].Failure != "away" || all[0].Waiting != 1 || all[0].Lag <= 0 {
		t.Errorf("a that fails: %+v, %v", all[0], err)
	}
}

func TestWhatRetentionRemovesIsCounted(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := newDatabase(t)
	d.register("a")
	d.write("1", "2", "3")
	d.must(d.Number(ctx, outbox.Traces))
	d.must(d.SetAside(ctx, target("a", 1), 1, "because", []byte("x")))
	later := time.Now().Add(time.Hour)
	d.must(d.Retain(ctx, outbox.Traces, time.Now().Add(-time.Hour)))
	if d.rows() != 1 {
		t.Fatal("retention removed what is young")
	}
	d.must(d.Retain(ctx, outbox.Logs, later))
	if d.rows() != 1 {
		t.Fatal("retention of another signal removed spans")
	}
	gone := func(sql string) (n int) {
		d.must(d.pool.QueryRow(ctx, "SELECT count(*) FROM plait_store."+sql).Scan(&n))
		return n
	}
	_, err := d.pool.Exec(ctx, "UPDATE plait_store.outbox SET made_at = made_at - interval '2 hours'")
	d.must(err)
	d.must(d.Retain(ctx, outbox.Traces, time.Now().Add(-time.Hour)))
	b := d.next(outbox.Place{})
	if len(b.Rows) != 0 || b.Expired != 3 || b.End.Total != 3 {
		t.Errorf("when all is gone: %+v", b)
	}
	d.write("4")
	if b = d.next(outbox.Place{}); b.Expired != 3 || !slices.Equal(lines(b), []string{"4"}) {
		t.Errorf("with something behind it: %+v", b)
	}
	if b = d.next(b.End); b.Expired != 0 || len(b.Rows) != 0 {
		t.Errorf("at the end: %+v", b)
	}
	d.must(d.Retain(ctx, outbox.Traces, later))
	if gone("forward_target") != 0 || gone("forward_refusal") != 0 || d.rows() != 0 {
		t.Error("targets, refusals or rows outlive their retention")
	}
}

func TestAGatewayWithoutTheTargetLeavesItsRecords(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	other := storetest.Open(t, d.url, withNames)
	d.must(other.Outbox().Register(t.Context(), "a", outbox.Traces))
	if d.store.Outbox().Wanted(outbox.Traces) {
		t.Fatal("the gateway knows of a target before it could ask")
	}
	d.must(d.store.Outbox().Refresh(t.Context()))
	d.write("1")
	if got := lines(d.next(outbox.Place{})); !slices.Equal(got, []string{"1"}) {
		t.Errorf("the target gets %q", got)
	}
}

func TestARepeatedRequestIsLeftOnce(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.register("a")
	r, sc := &plait.Resource{}, &plait.Scope{}
	for range 3 {
		now := time.Now().UnixNano()
		_, err := d.store.WriteTraces(t.Context(), &plait.Traces{Digest: plait.Digest{7}, Spans: []plait.Span{
			{Name: "once", TraceID: plait.TraceID{1}, SpanID: plait.SpanID{1}, StartNanos: now, EndNanos: now, Resource: r, Scope: sc}}})
		d.must(err)
	}
	if got := lines(d.next(outbox.Place{})); !slices.Equal(got, []string{"once"}) {
		t.Errorf("the target gets %q", got)
	}
}

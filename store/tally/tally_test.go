package tally_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/tally"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// database is one that two gateways write to.
type database struct {
	t        *testing.T
	r        *rand.Rand
	now      time.Time
	gateways [2]*store.Store
	pool     *pgxpool.Pool
	tally    *tally.Tally
	level    string // of some records
}

func newDatabase(t *testing.T, seed uint64) *database {
	url := storetest.URL(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &database{t, rand.New(rand.NewPCG(seed, 1)), time.Now(),
		[2]*store.Store{storetest.Open(t, url), storetest.Open(t, url)}, pool, tally.New(pool, prometheus.NewRegistry()), "info"}
}

// moment is mostly of the last hours, and now and then of any time.
func (d *database) moment() int64 {
	switch d.r.IntN(40) {
	case 0:
		return []int64{math.MinInt64, math.MaxInt64, 0, -1}[d.r.IntN(4)]
	case 1:
		return d.r.Int64()
	case 2:
		return d.now.Add(-time.Duration(d.r.IntN(20*24)) * time.Hour).UnixNano()
	case 3, 4, 5:
		return d.now.Truncate(15*time.Second).UnixNano() - d.r.Int64N(3)*15e9 - d.r.Int64N(3) + 1 // where quarters and minutes meet
	}
	return d.now.UnixNano() - d.r.Int64N(int64(2*time.Hour))
}

func (d *database) resource() *plait.Resource {
	return &plait.Resource{Attributes: plait.Attributes{
		{Key: "service.name", Value: plait.StringValue(fmt.Sprint("service-", d.r.IntN(3)))}, {Key: "host", Value: plait.IntValue(int64(d.r.IntN(2)))}}}
}

// write commits some spans and records on either gateway.
func (d *database) write(n int) {
	d.t.Helper()
	traces, logs := &plait.Traces{}, &plait.Logs{}
	for range n {
		var s plait.Span
		binary.BigEndian.PutUint64(s.TraceID[:], d.r.Uint64()|1)
		binary.BigEndian.PutUint64(s.SpanID[:], d.r.Uint64()|1)
		s.ParentSpanID[0] = byte(d.r.IntN(2))
		s.StartNanos, s.Status, s.Name = d.moment(), plait.StatusCode(d.r.IntN(3)), fmt.Sprint("call ", d.r.IntN(4))
		s.EndNanos = s.StartNanos + int64(math.Exp(d.r.Float64()*30)) - 5
		s.Resource, s.Scope = d.resource(), &plait.Scope{}
		traces.Spans = append(traces.Spans, s)
		record := plait.LogRecord{TimeNanos: d.moment(), Severity: plait.SeverityNumber(d.r.IntN(25)), SeverityText: []string{"1", "2", "CRITICAL"}[d.r.IntN(3)],
			Resource: s.Resource, Scope: s.Scope, Body: plait.StringValue(fmt.Sprint("é number ", d.r.IntN(1000)))}
		if d.r.IntN(3) == 0 {
			record.Attributes = plait.Attributes{{Key: tally.LevelAttribute, Value: plait.StringValue(d.level)}}
		}
		logs.Records = append(logs.Records, record)
	}
	g := d.gateways[d.r.IntN(2)]
	if _, err := g.WriteTraces(d.t.Context(), traces); err != nil {
		d.t.Fatal(err)
	}
	if _, err := g.WriteLogs(d.t.Context(), logs); err != nil {
		d.t.Fatal(err)
	}
}

func (d *database) exec(sql string) {
	d.t.Helper()
	if _, err := d.pool.Exec(d.t.Context(), sql); err != nil {
		d.t.Fatal(err)
	}
}

func (d *database) merge() {
	d.t.Helper()
	if err := d.tally.Merge(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// age makes all that was counted so much older.
func (d *database) age(interval string) {
	d.exec(`UPDATE plait_store.tally SET made_at = made_at - interval '` + interval + `'`)
}

// steps are some of a range, aligned to minutes, to quarters of one or not.
func (d *database) steps() tally.Steps {
	unit := []time.Duration{time.Minute, 15 * time.Second, 15 * time.Second, time.Second, time.Microsecond, time.Hour}[d.r.IntN(6)]
	from := d.now.Add(-time.Duration(d.r.Int64N(int64(3 * time.Hour)))).Truncate(unit)
	to := from.Add(time.Duration(1+d.r.Int64N(int64(3*time.Hour))) + unit).Truncate(unit)
	length := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Second, 45 * time.Second, 20 * time.Second, 90 * time.Second, to.Sub(from), math.MaxInt64, 7*time.Minute + time.Microsecond}[d.r.IntN(9)]
	return tally.Steps{From: from.UnixMicro(), To: to.UnixMicro(), Length: length.Microseconds(), Aligned: d.r.IntN(2) == 0}
}

// zero is the time from which the lengths of steps are counted.
func zero(s tally.Steps) int64 {
	if s.Aligned {
		return s.From / s.Length * s.Length
	}
	return s.From
}

type spanSum struct {
	count, nanos int64
	buckets      [600]int64
}

func (d *database) countedSpans(ctx context.Context, s tally.Steps) (map[counts.SpanKey]spanSum, error) {
	sums := map[counts.SpanKey]spanSum{}
	err := d.tally.Spans(ctx, s, func(c *counts.SpanCell) error {
		sum := sums[c.SpanKey]
		sum.count, sum.nanos = sum.count+c.Count, sum.nanos+c.SumNanos
		for _, b := range c.Buckets {
			sum.buckets[b.Index] += b.Count
		}
		sums[c.SpanKey] = sum
		return nil
	})
	return sums, err
}

// spanRows counts rows, one by one.
func (d *database) spanRows(s tally.Steps) map[counts.SpanKey]spanSum {
	d.t.Helper()
	rows, err := d.pool.Query(d.t.Context(), `
		SELECT (extract(epoch FROM start_time) * 1000000)::int8, operation, resource, status, parent_span_id = 0, duration_ns FROM plait_store.span`)
	if err != nil {
		d.t.Fatal(err)
	}
	defer rows.Close()
	sums := map[counts.SpanKey]spanSum{}
	for rows.Next() {
		var k counts.SpanKey
		var micros, nanos int64
		if err := rows.Scan(&micros, &k.Operation, &k.Resource, &k.Status, &k.Root, &nanos); err != nil {
			d.t.Fatal(err)
		}
		if micros < s.From || micros >= s.To {
			continue
		}
		k.Minute = (micros - zero(s)) / s.Length
		sum := sums[k]
		sum.count++
		sum.nanos += max(nanos, 0)
		sum.buckets[counts.BucketOf(nanos)]++
		sums[k] = sum
	}
	return sums
}

type logSum struct{ count, bytes int64 }

func (d *database) countedLogs(ctx context.Context, s tally.Steps, classes bool) (map[counts.LogKey]logSum, error) {
	sums := map[counts.LogKey]logSum{}
	err := d.tally.Logs(ctx, s, classes, func(c *counts.LogCell) error {
		key := c.LogKey
		if !classes {
			key.Class = 0
		}
		sums[key] = logSum{sums[key].count + c.Count, sums[key].bytes + c.Bytes}
		return nil
	})
	return sums, err
}

func (d *database) logRows(s tally.Steps, classes bool) map[counts.LogKey]logSum {
	d.t.Helper()
	rows, err := d.pool.Query(d.t.Context(), `
		SELECT ((extract(epoch FROM time) * 1000000)::int8 - $4::int8) / $2::int8, resource, CASE WHEN $5 THEN class ELSE 0 END, severity, count(*), sum(octet_length(body))
		FROM plait_store.log WHERE (extract(epoch FROM time) * 1000000)::int8 BETWEEN $1::int8 AND $3::int8 - 1 GROUP BY 1, 2, 3, 4`, s.From, s.Length, s.To, zero(s), classes)
	if err != nil {
		d.t.Fatal(err)
	}
	defer rows.Close()
	sums := map[counts.LogKey]logSum{}
	for rows.Next() {
		var k counts.LogKey
		var sum logSum
		if err := rows.Scan(&k.Minute, &k.Resource, &k.Class, &k.Severity, &sum.count, &sum.bytes); err != nil {
			d.t.Fatal(err)
		}
		sums[k] = sum
	}
	return sums
}

// expect fails unless counts are those of the rows, for some questions and for all time.
func (d *database) expect(when string) {
	d.t.Helper()
	all := tally.Steps{From: rowcodec.MinMicros, To: rowcodec.MaxMicros, Length: math.MaxInt64}
	for i := range 6 {
		s := all
		if i > 0 {
			s = d.steps()
		}
		spans, err := d.countedSpans(d.t.Context(), s)
		if err != nil {
			d.t.Fatal(err)
		}
		if want := d.spanRows(s); !reflect.DeepEqual(spans, want) {
			d.t.Fatalf("%s %d kinds of spans are counted in %+v, and the rows have %d", when, len(spans), s, len(want))
		}
		for _, classes := range []bool{true, false} {
			logs, err := d.countedLogs(d.t.Context(), s, classes)
			if err != nil {
				d.t.Fatal(err)
			}
			if want := d.logRows(s, classes); !reflect.DeepEqual(logs, want) {
				d.t.Fatalf("%s %d kinds of records are counted in %+v, and the rows have %d (classes: %v)", when, len(logs), s, len(want), classes)
			}
		}
		d.expectUpTo(when, s)
	}
}

func TestCountsAreThoseOfTheRows(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 1)
	for range 10 {
		for range 3 {
			d.write(1 + d.r.IntN(40))
		}
		d.expect("before a merge")
		d.age("2 minutes")
		d.merge()
		d.expect("after a merge")
	}
	d.age("2 hours")
	d.merge()
	d.expect("after all is quiet")
	d.write(30)
	d.expect("after late telemetry")
}

func TestAnHourThatIsQuietHasFewBodies(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 2)
	for range 30 {
		d.write(5)
		d.age("2 minutes")
		d.merge()
	}
	d.age("2 hours")
	d.merge()
	var most int
	if err := d.pool.QueryRow(t.Context(), `
		SELECT max(n) FROM (SELECT count(*) AS n FROM plait_store.tally WHERE shelf < '4000-01-01' GROUP BY signal, shelf, date_trunc('hour', first_time)) h`).Scan(&most); err != nil {
		t.Fatal(err)
	}
	if most != 1 {
		t.Errorf("an hour to which nothing comes has %d bodies", most)
	}
	if err := d.pool.QueryRow(t.Context(), `SELECT count(*) FROM plait_store.tally WHERE shelf > '4000-01-01'`).Scan(&most); err != nil {
		t.Fatal(err)
	}
	if most > 2*2*8 {
		t.Errorf("telemetry of any time has %d bodies after 30 commits", most)
	}
	d.expect("after all is quiet")
}

func TestCountsStayWhatTheyAreWhileTheyAreMerged(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 3)
	for range 20 {
		d.write(10)
	}
	s := tally.Steps{From: d.now.Add(-3 * time.Hour).Truncate(time.Minute).UnixMicro(), To: d.now.Add(time.Hour).Truncate(time.Minute).UnixMicro(), Length: 60_000_000}
	want := d.spanRows(s)
	stop, merges := make(chan struct{}), sync.WaitGroup{}
	for range 2 {
		merges.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, _ = d.pool.Exec(t.Context(), `UPDATE plait_store.tally SET made_at = made_at - interval '2 hours', level = 0 WHERE random() < 0.5`)
				_ = d.tally.Merge(t.Context()) // they overtake one another
			}
		})
	}
	for range 50 {
		got, err := d.countedSpans(t.Context(), s)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d kinds of spans are counted during merges, want %d, %v", len(got), len(want), err)
			break
		}
	}
	close(stop)
	merges.Wait()
	d.expect("after merges")
}

func TestQuestionsWithoutBoundsAreRefused(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 4)
	for _, s := range []tally.Steps{{}, {From: 5, To: 5, Length: 1}, {From: 0, To: 100_000, Length: 1}, {From: 0, To: 10, Length: 0}, {From: 0, To: 10, Length: -1},
		{From: math.MinInt64, To: 1, Length: math.MaxInt64}, {From: 0, To: math.MaxInt64, Length: math.MaxInt64}} {
		if _, err := d.countedSpans(t.Context(), s); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("spans are counted in %+v", s)
		}
	}
}

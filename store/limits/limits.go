// Package limits remembers when limits of ingest left records out, by the minute: for those who look later why their telemetry
// is not here. It is told by the doors, writes behind the commits, and keeps what it is told for as long as telemetry of the
// signal is kept.
package limits

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/rowcodec"
)

// maxPending bounds the minutes that wait to be written, each of one limit: about an hour of them while the database is out of
// reach. Beyond it the oldest are forgotten.
const maxPending = 1000

// History is the record of all gateways of a database. Its methods may be called concurrently.
type History struct {
	pool *pgxpool.Pool

	writing sync.Mutex // one write after the other, so that who reads finds all

	mu      sync.Mutex
	pending map[minute]tally
	newest  time.Time       // the minute that was noted last
	seen    map[minute]bool // of that minute, those of services
}

// maxServices bounds the services of which a minute is remembered by their names, of both signals together: others are one.
// Who makes up names does not fill the table.
const maxServices = 50

// others stands for those.
const others = "*"

// minute is one of a limit.
type minute struct {
	begins          time.Time
	signal, service string
}

func (m minute) compare(o minute) int {
	return cmp.Or(m.begins.Compare(o.begins), cmp.Compare(m.signal, o.signal), cmp.Compare(m.service, o.service))
}

// tally is what a limit did in a minute.
type tally struct {
	came, out  int64
	leastShare float64
}

func (t tally) and(o tally) tally {
	if t == (tally{}) {
		return o
	}
	return tally{t.came + o.came, t.out + o.out, min(t.leastShare, o.leastShare)}
}

// New makes the history of a database.
func New(pool *pgxpool.Pool) *History {
	return &History{pool: pool, pending: map[minute]tally{}, seen: map[minute]bool{}}
}

// Note adds what a limit did at l.From, which is l.To as well or in the same minute. It returns at once.
func (h *History) Note(l plait.Limited) {
	m := minute{l.From.UTC().Truncate(time.Minute), l.Signal, rowcodec.CleanText(l.Service)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.newest.Equal(m.begins) {
		h.newest = m.begins
		clear(h.seen)
	}
	switch {
	case m.service == "" || h.seen[m]:
	case len(h.seen) < maxServices:
		h.seen[m] = true
	default:
		m.service = others
	}
	h.add(m, tally{l.Came, l.SampledOut, l.LeastShare})
}

// add adds to a minute, and forgets the oldest where there are too many. The caller holds mu.
func (h *History) add(m minute, t tally) {
	before, known := h.pending[m]
	if !known && len(h.pending) >= maxPending {
		oldest := m
		for other := range h.pending {
			if other.compare(oldest) < 0 {
				oldest = other
			}
		}
		if oldest == m {
			return
		}
		delete(h.pending, oldest)
	}
	h.pending[m] = before.and(t)
}

// The rows are in order, so that gateways which write the same ones wait for each other, and not in a circle.
const addSQL = `
INSERT INTO plait_store.limited_minute AS m (begins, signal, service, came, sampled_out, least_share)
SELECT begins, signal, service, came, sampled_out, least_share
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::int8[], $5::int8[], $6::float8[])
     AS new (begins, signal, service, came, sampled_out, least_share)
ON CONFLICT (begins, signal, service) DO UPDATE
SET came = m.came + excluded.came,
    sampled_out = m.sampled_out + excluded.sampled_out,
    least_share = least(m.least_share, excluded.least_share)`

// Write writes what was noted since the last one. What fails is written with the next; where the answer to a commit was lost,
// it counts twice. A database that takes no writes is no error.
func (h *History) Write(ctx context.Context) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	h.mu.Lock()
	noted := h.pending
	h.pending = map[minute]tally{}
	h.mu.Unlock()
	if len(noted) == 0 {
		return nil
	}
	minutes := make([]minute, 0, len(noted))
	for m := range noted {
		minutes = append(minutes, m)
	}
	slices.SortFunc(minutes, minute.compare)
	if err := h.write(ctx, minutes, noted); err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		for m, t := range noted {
			h.add(m, t)
		}
		if pgerror.Code(err) == pgerrcode.ReadOnlySQLTransaction {
			return nil // a standby, which is asked all the same
		}
		return fmt.Errorf("note when limits left records out: %w", pgerror.Read(err))
	}
	return nil
}

func (h *History) write(ctx context.Context, minutes []minute, noted map[minute]tally) error {
	n := len(minutes)
	begins, signals, services := make([]time.Time, n), make([]string, n), make([]string, n)
	came, out, shares := make([]int64, n), make([]int64, n), make([]float64, n)
	for i, m := range minutes {
		t := noted[m]
		begins[i], signals[i], services[i] = m.begins, m.signal, m.service
		came[i], out[i], shares[i] = t.came, t.out, t.leastShare
	}
	_, err := h.pool.Exec(ctx, addSQL, begins, signals, services, came, out, shares)
	return err
}

// maxStretches bounds what is told.
const maxStretches = 1000

// Minutes of a limit that follow each other are one stretch: less their number they begin at the same time.
const readSQL = `
SELECT signal, service, min(begins), max(begins) + interval '1 minute', sum(came)::int8, sum(sampled_out)::int8, min(least_share)
FROM (
    SELECT m.*, begins - row_number() OVER (PARTITION BY signal, service ORDER BY begins) * interval '1 minute' AS stretch
    FROM plait_store.limited_minute m
    WHERE begins > $1 AND begins < $2 AND sampled_out > 0
) minutes
GROUP BY signal, service, stretch
ORDER BY max(begins) DESC, service <> '', sum(sampled_out) DESC, signal, service
LIMIT $3`

// Read returns when limits left records out, in stretches of minutes that overlap a range: the newest first, of the same minute
// that of all together first and then by how many it left out, and at most a thousand. Both ends of the range are needed.
func (h *History) Read(ctx context.Context, r plait.TimeRange) ([]plait.Limited, error) {
	if err := h.Write(ctx); err != nil {
		return nil, err
	}
	rows, err := h.pool.Query(ctx, readSQL, r.From.Add(-time.Minute), r.To, maxStretches)
	if err != nil {
		return nil, fmt.Errorf("read when limits left records out: %w", pgerror.Read(err))
	}
	stretches, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l plait.Limited, err error) {
		err = row.Scan(&l.Signal, &l.Service, &l.From, &l.To, &l.Came, &l.SampledOut, &l.LeastShare)
		l.From, l.To = l.From.UTC(), l.To.UTC()
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read when limits left records out: %w", pgerror.Read(err))
	}
	return stretches, nil
}

const retainSQL = `
DELETE FROM plait_store.limited_minute
WHERE signal = $1 AND begins < $2`

// Retain forgets what was of a signal before a time.
func (h *History) Retain(ctx context.Context, signal string, before time.Time) error {
	if _, err := h.pool.Exec(ctx, retainSQL, signal, before); err != nil {
		return fmt.Errorf("forget when limits left records out: %w", pgerror.Read(err))
	}
	return nil
}

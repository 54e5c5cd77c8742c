// Package index keeps the index of terms (store/terms) in Postgres: a commit writes its heads with its
// rows, a merger behind it makes segments of them, and a search reads both. So what is committed is
// found, and a search pays for few segments.
package index

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/terms"
)

// Signal says whose index it is.
type Signal int16

// The signals that have one. Tables hold these numbers.
const (
	Spans Signal = 1
	Logs  Signal = 2
)

// order is the order of the signal's units: traces by when they begin, records by when the last came.
func (s Signal) order() terms.Order {
	if s == Logs {
		return terms.ByEnd
	}
	return terms.ByStart
}

func (s Signal) String() string {
	if s == Logs {
		return "logs"
	}
	return "traces"
}

// What a gateway keeps in memory of each signal's index, in bytes: heads that are not merged yet, the
// directories of segments, and parts of segments that searches read. What has no place is read again by each search.
const (
	headCacheBytes      = 64 << 20
	directoryCacheBytes = 16 << 20
	partCacheBytes      = 16 << 20
)

// Index is the index of one signal. Its methods may be called concurrently.
type Index struct {
	signal Signal
	pool   *pgxpool.Pool
	hasher *terms.Hasher

	mu          sync.Mutex
	heads       *recent.Map[int64, *terms.Head]
	directories *recent.Map[int64, *terms.Directory]
	parts       *recent.Map[terms.Range, []byte]

	instruments *signalInstruments
}

// New makes the index of a signal. The key is a secret that all gateways of the database share.
func New(signal Signal, pool *pgxpool.Pool, key [32]byte, in *Instruments) *Index {
	return &Index{
		signal:      signal,
		pool:        pool,
		hasher:      terms.NewHasher(key),
		heads:       recent.New(headCacheBytes, func(_ int64, h *terms.Head) int { return h.Size() }),
		directories: recent.New(directoryCacheBytes, func(_ int64, d *terms.Directory) int { return d.Size() }),
		parts:       recent.New(partCacheBytes, func(_ terms.Range, part []byte) int { return len(part) }),
		instruments: in.of(signal),
	}
}

// Hasher makes the terms of rows and of questions.
func (x *Index) Hasher() *terms.Hasher { return x.hasher }

const (
	headsOfTimeSQL = `
SELECT id
FROM plait_store.term_head
WHERE signal = $1 AND replaced_at = 'infinity' AND last_time >= $2 AND first_time < $3`

	segmentsOfTimeSQL = `
SELECT id
FROM plait_store.term_segment
WHERE signal = $1 AND replaced_at = 'infinity' AND last_time >= $2 AND first_time < $3`

	headBodiesSQL = `
SELECT id, body
FROM plait_store.term_head
WHERE id = ANY ($1)`

	directoriesSQL = `
SELECT id, directory
FROM plait_store.term_segment
WHERE id = ANY ($1)`
)

const newestSQL = `
SELECT greatest(
    (SELECT max(last_time) FROM plait_store.term_head WHERE signal = $1 AND replaced_at = 'infinity' AND last_time >= $2 AND first_time < $3),
    (SELECT max(last_time) FROM plait_store.term_segment WHERE signal = $1 AND replaced_at = 'infinity' AND last_time >= $2 AND first_time < $3))`

// Newest returns about when the last row between two times is, in microseconds since 1970: none is later, unless it is committed now.
// It is not ok where there is none.
func (x *Index) Newest(ctx context.Context, from, to int64) (micros int64, ok bool, err error) {
	err = pg.QueryRows(ctx, x.pool, func(v [][]byte) {
		if ok = v[0] != nil; ok {
			micros = min(rowcodec.TimeMicros(v[0]), to-1)
		}
	}, newestSQL, int16(x.signal), rowTime(from), rowTime(to))
	if err != nil {
		return 0, false, fmt.Errorf("look for the newest row: %w", err)
	}
	return micros, ok, nil
}

// Find begins a search among the units that have rows between two times, in microseconds since 1970; to is
// not within. What was committed before is found. A search has to read its first units within a minute,
// and to end within five: until then what a merge replaces is there.
func (x *Index) Find(ctx context.Context, plan *terms.Plan, from, to int64, ascending bool) (*terms.Search, error) {
	headIDs, segmentIDs, err := x.list(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("list the term index: %w", err)
	}
	directories, err := load(ctx, x, x.directories, segmentIDs, directoriesSQL, terms.ParseDirectory)
	if err != nil {
		return nil, fmt.Errorf("read directories of the term index: %w", err)
	}
	segments := make([]terms.Stored, len(directories))
	for i, d := range directories {
		segments[i] = terms.Stored{ID: segmentIDs[i], Directory: d}
	}
	heads := func(ctx context.Context, use func(*terms.Head)) error { return x.eachHead(ctx, headIDs, use) }
	query := terms.Query{Plan: plan, Order: x.signal.order(), From: from, To: to, Ascending: ascending}
	return terms.NewSearch(x.hasher, query, heads, segments, remembered{source{x.pool}, x}), nil
}

// eachHead hands over the heads under some ids. Those that are not in memory are read one after the other:
// where nobody merges they are more than memory has room for.
func (x *Index) eachHead(ctx context.Context, ids []int64, use func(*terms.Head)) error {
	var missing []int64
	for _, id := range ids {
		x.mu.Lock()
		h, ok := x.heads.Get(id)
		x.mu.Unlock()
		if ok {
			use(h)
		} else {
			missing = append(missing, id)
		}
	}
	found := 0
	err := read(ctx, x, x.heads, missing, headBodiesSQL, terms.ParseHead, func(_ int64, h *terms.Head) {
		found++
		use(h)
	})
	if err == nil && found < len(missing) {
		err = errGone
	}
	if err != nil {
		return fmt.Errorf("read heads of the term index: %w", err)
	}
	return nil
}

// list returns the ids of the heads and segments of a time. Heads are listed first: one that is merged
// before the segments are listed is found in its segment, too.
func (x *Index) list(ctx context.Context, from, to int64) (heads, segments []int64, err error) {
	var batch pgx.Batch
	collect := func(ids *[]int64) func(pgx.Rows) error {
		return func(rows pgx.Rows) (err error) {
			*ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		}
	}
	for _, q := range []struct {
		sql string
		ids *[]int64
	}{{headsOfTimeSQL, &heads}, {segmentsOfTimeSQL, &segments}} {
		batch.Queue(q.sql, int16(x.signal), rowTime(from), rowTime(to)).Query(collect(q.ids))
	}
	if err := x.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, nil, pgerror.Read(err)
	}
	return heads, segments, nil
}

// load returns what stands under some ids, in their order, from memory where it is there.
func load[V any](ctx context.Context, x *Index, known *recent.Map[int64, V], ids []int64, sql string, parse func([]byte) (V, error)) ([]V, error) {
	found := make(map[int64]V, len(ids))
	var missing []int64
	x.mu.Lock()
	for _, id := range ids {
		if v, ok := known.Get(id); ok {
			found[id] = v
		} else {
			missing = append(missing, id)
		}
	}
	x.mu.Unlock()
	err := read(ctx, x, known, missing, sql, parse, func(id int64, v V) { found[id] = v })
	if err != nil {
		return nil, err
	}
	values := make([]V, len(ids))
	for i, id := range ids {
		v, ok := found[id]
		if !ok {
			return nil, errGone
		}
		values[i] = v
	}
	return values, nil
}

// read hands over what stands under some ids, and remembers it.
func read[V any](ctx context.Context, x *Index, known *recent.Map[int64, V], ids []int64, sql string, parse func([]byte) (V, error), use func(int64, V)) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := x.pool.Query(ctx, sql, ids)
	if err != nil {
		return pgerror.Read(err)
	}
	defer rows.Close()
	for rows.Next() {
		raw := rows.RawValues()
		id := rowcodec.Int8(raw[0])
		v, err := parse(raw[1])
		if err != nil {
			return err
		}
		x.mu.Lock()
		known.Put(id, v)
		x.mu.Unlock()
		use(id, v)
	}
	return pgerror.Read(rows.Err())
}

// rowTime is a time in microseconds since 1970 as Postgres has it; rows have none that 64 bits of nanoseconds
// do not hold.
func rowTime(micros int64) time.Time {
	const beyond = math.MaxInt64/1000 + 1
	return rowcodec.MicrosTime(min(max(micros, -beyond), beyond))
}

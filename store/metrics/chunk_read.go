package metrics

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pgcopy"
)

// chunkRef says where a chunk is.
type chunkRef struct {
	series, startMicros, id int64
	bytes                   int // what it takes in memory, about
}

// A chunk lies within one day, so one that reaches into the range begins at most a day before it.
// The shelf says the same of its first sample as start_time, and the planner chooses the partitions by it.
const (
	listChunksSQL = `
SELECT series, start_time, id, end_time, step_ms, pg_column_size(histograms)
FROM plait_store.sample_chunk
WHERE series = ANY ($1::int8[]) AND start_time >= $2::timestamptz - interval '1 day' AND start_time <= $3 AND end_time >= $2
  AND (shelf BETWEEN ($2::timestamptz AT TIME ZONE interval '0')::date - 1 AND ($3::timestamptz AT TIME ZONE interval '0')::date OR shelf >= '4000-01-01')`

	readChunksSQL = `
SELECT c.series, c.start_time, c.id, c.step_ms, c.times, c.starts, c.values, c.histograms
FROM unnest($1::int8[], $2::timestamptz[], $3::int8[]) AS w(series, start_time, id)
JOIN plait_store.sample_chunk c ON c.series = w.series AND c.start_time = w.start_time AND c.id = w.id
WHERE c.start_time >= $4 AND c.start_time <= $5
  AND (c.shelf BETWEEN ($4::timestamptz AT TIME ZONE interval '0')::date AND ($5::timestamptz AT TIME ZONE interval '0')::date OR c.shelf >= '4000-01-01')`
)

// listChunks returns the chunks of series that reach into a range of milliseconds, both ends included.
func (db *DB) listChunks(ctx context.Context, ids []int64, from, to int64, spent *spending) ([]chunkRef, error) {
	rows, err := db.config.Read.Query(ctx, listChunksSQL, ids, bound(from), bound(to))
	if err != nil {
		return nil, fmt.Errorf("list chunks: %w", err)
	}
	defer rows.Close()
	var refs []chunkRef
	for rows.Next() {
		r, err := decodeRef(rows.RawValues())
		if err != nil {
			return nil, fmt.Errorf("list chunks: %w", err)
		}
		if err := spent.choose(refBytes); err != nil {
			return nil, err
		}
		refs = append(refs, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list chunks: %w", err)
	}
	return refs, nil
}

func decodeRef(raw [][]byte) (chunkRef, error) {
	var wide [4]int64 // series, start, id, end
	for i, at := range []int{0, 1, 2, 3} {
		var err error
		if wide[i], err = readInt8(raw[at]); err != nil {
			return chunkRef{}, err
		}
	}
	step, err := readInt4(raw[4])
	if err != nil {
		return chunkRef{}, err
	}
	compressed, err := readInt4(raw[5])
	if err != nil {
		return chunkRef{}, err
	}
	count := int64(maxChunk) // where distances differ, the row does not tell without its arrays
	if step > 0 {
		count = min((wide[3]-wide[1])/1000/int64(step)+1, maxChunk)
	}
	const sampleBytes, expansion = 24, 8
	return chunkRef{
		series: wide[0], startMicros: wide[1] + pgcopy.EpochMicros, id: wide[2],
		bytes: int(count)*sampleBytes + int(compressed)*expansion,
	}, nil
}

// chunksOf reads chunks, those that are in the cache from there, in no order. With keep the
// others go there too. One that retention has dropped meanwhile is left out. It ends with add's error.
func (db *DB) chunksOf(ctx context.Context, refs []chunkRef, keep bool, add func(*chunk) error) error {
	var missing []chunkRef
	for _, r := range refs {
		if c := db.chunks.get(r.id); c != nil {
			if err := add(c); err != nil {
				return err
			}
			continue
		}
		missing = append(missing, r)
	}
	return db.readChunks(ctx, missing, func(c *chunk) error {
		if keep {
			db.chunks.add(c)
		}
		return add(c)
	})
}

// bound is a time in milliseconds as a bound for a query. PromQL asks with times that Postgres
// does not have when it means "ever".
func bound(millis int64) time.Time {
	const firstYear, lastYear = -62_135_596_800_000, 253_402_300_799_999 // 1 and 9999
	return time.UnixMilli(min(max(millis, firstYear), lastYear)).UTC()
}

func (db *DB) readChunks(ctx context.Context, refs []chunkRef, add func(*chunk) error) error {
	if len(refs) == 0 {
		return nil
	}
	series, ids := make([]int64, len(refs)), make([]int64, len(refs))
	times := make([]time.Time, len(refs))
	for i, r := range refs {
		series[i], ids[i], times[i] = r.series, r.id, time.UnixMicro(r.startMicros).UTC()
	}
	first, last := slices.MinFunc(times, time.Time.Compare), slices.MaxFunc(times, time.Time.Compare)
	ctx, cancel := context.WithCancel(ctx) // where it ends early, nobody reads the rest
	defer cancel()
	rows, err := db.config.Read.Query(ctx, readChunksSQL, series, times, ids, first, last)
	if err != nil {
		return fmt.Errorf("read %d chunks: %w", len(refs), err)
	}
	return collectChunks(rows, cancel, add)
}

func collectChunks(rows pgx.Rows, cancel func(), add func(*chunk) error) error {
	defer rows.Close()
	for rows.Next() {
		c, err := decodeChunk(rows.RawValues())
		if err != nil {
			return fmt.Errorf("read chunk: %w", err)
		}
		if err := add(c); err != nil {
			cancel()
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read chunks: %w", err)
	}
	return nil
}

func decodeChunk(raw [][]byte) (*chunk, error) {
	var fixed [3]int64
	for i := range fixed {
		var err error
		if fixed[i], err = readInt8(raw[i]); err != nil {
			return nil, err
		}
	}
	step, err := readInt4(raw[3])
	if err != nil {
		return nil, err
	}
	after, err := readInt4s(raw[4])
	if err != nil {
		return nil, err
	}
	starts, err := readInt8s(raw[5])
	if err != nil {
		return nil, err
	}
	values, err := readFloat8s(raw[6])
	if err != nil {
		return nil, err
	}
	encoded, err := readByteas(raw[7])
	if err != nil {
		return nil, err
	}
	c := &chunk{series: fixed[0], id: fixed[2]}
	first := (fixed[1] + pgcopy.EpochMicros) / 1000
	if n := len(values) + len(encoded); len(after) != 0 && len(after) != n {
		return nil, fmt.Errorf("chunk %d has %d times for %d samples", c.id, len(after), n)
	}
	next := clock{first: first, step: int64(step), after: after, starts: starts}
	c.floats = make([]floatSample, 0, len(values))
	c.histograms = make([]histogramSample, 0, len(encoded))
	for _, v := range values {
		t, st := next.tick()
		c.floats = append(c.floats, floatSample{t: t, st: st, v: v})
	}
	for _, e := range encoded {
		t, st := next.tick()
		c.histograms = append(c.histograms, histogramSample{t: t, st: st, encoded: e})
	}
	return c, nil
}

// clock tells the times of a chunk's samples, one after the other.
type clock struct {
	first, step int64
	after       []int32
	starts      []int64
	n           int64
}

func (c *clock) tick() (t, st int64) {
	t = c.first + c.n*c.step
	if len(c.after) > 0 {
		t = c.first + int64(c.after[c.n])
	}
	c.n++
	for len(c.starts) >= 2 {
		if c.starts[0] > 0 {
			c.starts[0]--
			return t, c.starts[1]
		}
		c.starts = c.starts[2:]
	}
	return t, 0
}

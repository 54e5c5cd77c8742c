package metrics

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pgcopy"
)

// chunk is a row of sample_chunk: samples of one series within one day, in order of time, each
// time once, and either floats or histograms. It never changes.
type chunk struct {
	id     int64
	series int64
	samples
}

// maxChunk bounds the samples of a chunk, so that a query for an hour does not read a day.
const maxChunk = 1024

func (c *chunk) len() int { return len(c.floats) + len(c.histograms) }

// at returns time and start of a sample.
func (c *chunk) at(i int) (t, st int64) {
	if len(c.floats) > 0 {
		return c.floats[i].t, c.floats[i].st
	}
	return c.histograms[i].t, c.histograms[i].st
}

// memory is about what a chunk takes.
func (c *chunk) memory() int64 {
	n := 128 + 24*int64(len(c.floats))
	for _, h := range c.histograms {
		n += 48 + int64(len(h.encoded))
	}
	return n
}

// makeChunks sorts the samples of a series, drops what has the time of an earlier arrival and
// cuts at days and at maxChunk.
func makeChunks(series int64, s samples) []*chunk {
	var chunks []*chunk
	floats := inOrder(s.floats, func(a floatSample) int64 { return a.t })
	for from := 0; from < len(floats); {
		to := cut(len(floats), from, func(i int) int64 { return floats[i].t })
		chunks = append(chunks, &chunk{id: newChunkID(), series: series, samples: samples{floats: floats[from:to]}})
		from = to
	}
	histograms := inOrder(s.histograms, func(a histogramSample) int64 { return a.t })
	for from := 0; from < len(histograms); {
		to := cut(len(histograms), from, func(i int) int64 { return histograms[i].t })
		chunks = append(chunks, &chunk{id: newChunkID(), series: series, samples: samples{histograms: histograms[from:to]}})
		from = to
	}
	return chunks
}

func newChunkID() int64 { return rand.Int64() }

// inOrder returns samples in order of time, of each time the first. What is in order already,
// as nearly everything is, is returned as it is.
func inOrder[S any](samples []S, t func(S) int64) []S {
	ordered := true
	for i := 1; i < len(samples) && ordered; i++ {
		ordered = t(samples[i-1]) < t(samples[i])
	}
	if ordered {
		return samples
	}
	samples = slices.Clone(samples)
	slices.SortStableFunc(samples, func(a, b S) int { return cmp.Compare(t(a), t(b)) })
	return slices.CompactFunc(samples, func(a, b S) bool { return t(a) == t(b) })
}

// cut returns where the chunk that begins at from ends.
func cut(n, from int, t func(int) int64) int {
	day := floorDay(t(from))
	to := from + 1
	for to < n && to-from < maxChunk && floorDay(t(to)) == day {
		to++
	}
	return to
}

// floorDay is the day of a time in milliseconds.
func floorDay(millis int64) int64 {
	day := millis / millisPerDay
	if millis%millisPerDay < 0 {
		day--
	}
	return day
}

// times returns the step of a chunk whose samples come at equal distances, or else each
// sample's distance from the first.
func (c *chunk) times() (step int32, after []int32) {
	first, _ := c.at(0)
	if c.len() > 1 {
		second, _ := c.at(1)
		step = int32(second - first)
	}
	after = make([]int32, c.len())
	regular := true
	for i := range after {
		t, _ := c.at(i)
		after[i] = int32(t - first)
		regular = regular && after[i] == step*int32(i)
	}
	if regular {
		return step, nil
	}
	return 0, after
}

// starts returns the start times as runs: number of samples, start, number, start...
func (c *chunk) starts() []int64 {
	var runs []int64
	known := false
	for i := range c.len() {
		_, st := c.at(i)
		known = known || st != 0
		if n := len(runs); n > 0 && runs[n-1] == st {
			runs[n-2]++
		} else {
			runs = append(runs, 1, st)
		}
	}
	if !known {
		return nil
	}
	return runs
}

const (
	copyChunksSQL = `COPY plait_store.sample_chunk (series, start_time, end_time, id, step_ms, times, starts, values, histograms)
FROM STDIN BINARY`

	copyChunksOutsideSQL = `COPY plait_store.sample_chunk_outside (series, start_time, end_time, id, step_ms, times, starts, values, histograms, arrived_on)
FROM STDIN BINARY`
)

// encode adds the chunk as a row of sample_chunk.
func (c *chunk) encode(rows *pgcopy.Rows, outside bool, today int32) {
	first, _ := c.at(0)
	last, _ := c.at(c.len() - 1)
	step, after := c.times()
	if outside {
		rows.Row(10)
	} else {
		rows.Row(9)
	}
	rows.Int8(c.series)
	rows.Timestamp(first * 1000)
	rows.Timestamp(last * 1000)
	rows.Int8(c.id)
	rows.Int4(step)
	appendField(rows, func(b []byte) []byte { return appendInt4Array(b, after) })
	appendField(rows, func(b []byte) []byte { return appendInt8Array(b, c.starts()) })
	appendField(rows, func(b []byte) []byte {
		values := make([]float64, len(c.floats))
		for i := range values {
			values[i] = c.floats[i].v
		}
		return appendFloat8Array(b, values)
	})
	appendField(rows, func(b []byte) []byte {
		encoded := make([][]byte, len(c.histograms))
		for i := range encoded {
			encoded[i] = c.histograms[i].encoded
		}
		return appendByteaArray(b, encoded)
	})
	if outside {
		rows.Date(today)
	}
}

// appendField writes a field that a function appends, such as an array.
func appendField(rows *pgcopy.Rows, write func([]byte) []byte) {
	begun := rows.Begin()
	rows.Bytes = write(rows.Bytes)
	rows.End(begun)
}

// chunkRef says where a chunk is.
type chunkRef struct {
	series, startMicros, id int64
	outside                 bool
}

// A chunk lies within one day, so one that reaches into the range begins at most a day before it.
const (
	listChunksSQL = `
SELECT series, start_time, id, false
FROM plait_store.sample_chunk
WHERE series = ANY ($1::int8[]) AND start_time >= $2::timestamptz - interval '1 day' AND start_time <= $3 AND end_time >= $2
UNION ALL
SELECT series, start_time, id, true
FROM plait_store.sample_chunk_outside
WHERE series = ANY ($1::int8[]) AND start_time >= $2::timestamptz - interval '1 day' AND start_time <= $3 AND end_time >= $2`

	readChunksSQL = `
SELECT c.series, c.start_time, c.id, c.step_ms, c.times, c.starts, c.values, c.histograms
FROM unnest($1::int8[], $2::timestamptz[], $3::int8[]) AS w(series, start_time, id)
JOIN plait_store.sample_chunk c ON c.series = w.series AND c.start_time = w.start_time AND c.id = w.id
WHERE c.start_time >= $4 AND c.start_time <= $5`

	readChunksOutsideSQL = `
SELECT c.series, c.start_time, c.id, c.step_ms, c.times, c.starts, c.values, c.histograms
FROM unnest($1::int8[], $2::timestamptz[], $3::int8[]) AS w(series, start_time, id)
JOIN plait_store.sample_chunk_outside c ON c.series = w.series AND c.start_time = w.start_time AND c.id = w.id
WHERE c.start_time >= $4 AND c.start_time <= $5`
)

// chunksOf returns the chunks of series that reach into a range of milliseconds, both ends included.
func (db *DB) chunksOf(ctx context.Context, ids []int64, from, to int64, add func(*chunk)) error {
	if len(ids) == 0 {
		return nil
	}
	missing, err := db.listChunks(ctx, ids, from, to, add)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		sql     string
		outside bool
	}{{readChunksSQL, false}, {readChunksOutsideSQL, true}} {
		refs := slices.DeleteFunc(slices.Clone(missing), func(r chunkRef) bool { return r.outside != part.outside })
		if err := db.readChunks(ctx, part.sql, refs, add); err != nil {
			return err
		}
	}
	return nil
}

// listChunks adds the chunks that are in memory and returns the others.
func (db *DB) listChunks(ctx context.Context, ids []int64, from, to int64, add func(*chunk)) ([]chunkRef, error) {
	rows, err := db.config.Read.Query(ctx, listChunksSQL, ids, bound(from), bound(to))
	if err != nil {
		return nil, fmt.Errorf("list chunks: %w", err)
	}
	defer rows.Close()
	var missing []chunkRef
	for rows.Next() {
		raw := rows.RawValues()
		var r chunkRef
		if r.series, err = readInt8(raw[0]); err != nil {
			return nil, err
		}
		if r.startMicros, err = readInt8(raw[1]); err != nil {
			return nil, err
		}
		if r.id, err = readInt8(raw[2]); err != nil {
			return nil, err
		}
		r.startMicros += pgcopy.EpochMicros
		r.outside = raw[3][0] != 0
		if c := db.chunks.get(r.id); c != nil {
			add(c)
		} else {
			missing = append(missing, r)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list chunks: %w", err)
	}
	return missing, nil
}

// bound is a time in milliseconds as a bound for a query. PromQL asks with times that Postgres
// does not have when it means "ever".
func bound(millis int64) time.Time {
	const firstYear, lastYear = -62_135_596_800_000, 253_402_300_799_999 // 1 and 9999
	return time.UnixMilli(min(max(millis, firstYear), lastYear)).UTC()
}

// readChunks reads chunks into memory. One that retention has dropped meanwhile is left out.
func (db *DB) readChunks(ctx context.Context, sql string, refs []chunkRef, add func(*chunk)) error {
	if len(refs) == 0 {
		return nil
	}
	series, ids := make([]int64, len(refs)), make([]int64, len(refs))
	times := make([]time.Time, len(refs))
	for i, r := range refs {
		series[i], ids[i], times[i] = r.series, r.id, time.UnixMicro(r.startMicros).UTC()
	}
	first, last := slices.MinFunc(times, time.Time.Compare), slices.MaxFunc(times, time.Time.Compare)
	rows, err := db.config.Read.Query(ctx, sql, series, times, ids, first, last)
	if err != nil {
		return fmt.Errorf("read %d chunks: %w", len(refs), err)
	}
	return collectChunks(rows, func(c *chunk) {
		db.chunks.add(c)
		add(c)
	})
}

func collectChunks(rows pgx.Rows, add func(*chunk)) error {
	defer rows.Close()
	for rows.Next() {
		c, err := decodeChunk(rows.RawValues())
		if err != nil {
			return fmt.Errorf("read chunk: %w", err)
		}
		add(c)
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

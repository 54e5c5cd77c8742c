package metrics

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/plaithq/plait/store/pgcopy"
)

// chunk is a row of sample_chunk: samples of one series within one day, in order of time, each
// time once, and either floats or histograms. It never changes.
type chunk struct {
	id     int64
	series int64
	samples
}

// Bounds of a chunk, so that a query for an hour does not read a day: of its samples, and of the bytes
// of histograms, where it has more than one.
const (
	maxChunk      = 1024
	maxChunkBytes = 1 << 20
)

func (c *chunk) len() int { return len(c.floats) + len(c.histograms) }

// at returns time and start of a sample.
func (c *chunk) at(i int) (t, st int64) {
	if len(c.floats) > 0 {
		return c.floats[i].t, c.floats[i].st
	}
	return c.histograms[i].t, c.histograms[i].st
}

// memory is about what a chunk takes.
func (c *chunk) memory() int64 { return 128 + int64(c.samples.memory()) }

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
		to = from + fitting(histograms[from:to])
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

// fitting returns how many of the histograms fit into a chunk.
func fitting(histograms []histogramSample) int {
	bytes := 0
	for i := range histograms {
		if bytes += len(histograms[i].encoded); bytes > maxChunkBytes && i > 0 {
			return i
		}
	}
	return len(histograms)
}

// detached is a copy that shares no memory with the head.
func (c *chunk) detached() *chunk {
	out := &chunk{id: c.id, series: c.series, samples: samples{floats: slices.Clone(c.floats), histograms: slices.Clone(c.histograms)}}
	var text []byte
	for _, h := range c.histograms {
		text = append(text, h.encoded...)
	}
	for i := range out.histograms {
		n := len(out.histograms[i].encoded)
		out.histograms[i].encoded, text = text[:n:n], text[n:]
	}
	return out
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

const copyChunksSQL = `
COPY plait_store.sample_chunk (series, start_time, end_time, id, step_ms, times, starts, values, histograms, shelf)
FROM STDIN BINARY`

// encode adds the chunk as a row of sample_chunk.
func (c *chunk) encode(rows *pgcopy.Rows, shelf int32) {
	first, _ := c.at(0)
	last, _ := c.at(c.len() - 1)
	step, after := c.times()
	rows.Row(10)
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
	rows.Date(shelf)
}

// appendField writes a field that a function appends, such as an array.
func appendField(rows *pgcopy.Rows, write func([]byte) []byte) {
	begun := rows.Begin()
	rows.Bytes = write(rows.Bytes)
	rows.End(begun)
}

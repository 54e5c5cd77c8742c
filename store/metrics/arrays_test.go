package metrics

import (
	"math"
	"slices"
	"testing"
)

func TestArraysReadBack(t *testing.T) {
	t.Parallel()
	ints := []int64{0, -1, math.MaxInt64, math.MinInt64}
	if got, err := readInt8s(appendInt8Array(nil, ints)); err != nil || !slices.Equal(got, ints) {
		t.Errorf("%v, %v", got, err)
	}
	small := []int32{0, -1, math.MaxInt32}
	if got, err := readInt4s(appendInt4Array(nil, small)); err != nil || !slices.Equal(got, small) {
		t.Errorf("%v, %v", got, err)
	}
	floats := []float64{0, math.Inf(1), -1.5}
	if got, err := readFloat8s(appendFloat8Array(nil, floats)); err != nil || !slices.Equal(got, floats) {
		t.Errorf("%v, %v", got, err)
	}
	bytes := [][]byte{{}, {1, 2}, {3}}
	if got, err := readByteas(appendByteaArray(nil, bytes)); err != nil || !slices.EqualFunc(got, bytes, slices.Equal) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := readInt8s(appendInt8Array(nil, nil)); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzReadArrays(f *testing.F) {
	f.Add(appendInt8Array(nil, []int64{1, 2}))
	f.Add(appendByteaArray(nil, [][]byte{{1}, {}}))
	f.Add(appendFloat8Array(nil, []float64{1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if vs, err := readInt8s(b); err == nil {
			if again, err := readInt8s(appendInt8Array(nil, vs)); err != nil || !slices.Equal(vs, again) {
				t.Errorf("%v is read back as %v, %v", vs, again, err)
			}
		}
		if vs, err := readByteas(b); err == nil {
			if again, err := readByteas(appendByteaArray(nil, vs)); err != nil || len(vs) != len(again) {
				t.Errorf("%v is read back as %v, %v", vs, again, err)
			}
		}
	})
}

func TestChunksAreCutAtDaysAndSorted(t *testing.T) {
	t.Parallel()
	var s samples
	for i := range int64(3000) {
		s.floats = append(s.floats, floatSample{t: millisPerDay - 1500*1000 + (2999-i)*1000, v: float64(i)}) // backwards, over midnight
	}
	s.floats = append(s.floats, s.floats[0])
	chunks := makeChunks(1, s)
	total := 0
	for _, c := range chunks {
		total += c.len()
		first, _ := c.at(0)
		last, _ := c.at(c.len() - 1)
		if floorDay(first) != floorDay(last) || c.len() > maxChunk || first > last {
			t.Errorf("a chunk of %d samples from %d to %d", c.len(), first, last)
		}
		if step, after := c.times(); step != 1000 || after != nil {
			t.Errorf("regular samples have step %d and times %v", step, after)
		}
	}
	if total != 3000 || len(chunks) != 4 {
		t.Errorf("%d samples in %d chunks", total, len(chunks))
	}
}

func TestStartTimesAreRuns(t *testing.T) {
	t.Parallel()
	c := &chunk{samples: samples{floats: []floatSample{{t: 1, st: 5}, {t: 2, st: 5}, {t: 4}, {t: 5, st: 4}}}}
	if got, want := c.starts(), []int64{2, 5, 1, 0, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	next := clock{first: 1, after: []int32{0, 1, 3, 4}, starts: c.starts()}
	for i := range c.floats {
		if at, st := next.tick(); at != c.floats[i].t || st != c.floats[i].st {
			t.Errorf("sample %d is at %d with start %d", i, at, st)
		}
	}
}

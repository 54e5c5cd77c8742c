package metrics

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/plaithq/plait/store/pgerror"
)

// A query over many series and a long time asks for more samples than there should be in
// memory at once, and PromQL goes through them series by series. So the series that one Select
// found are divided into pages (limits.page), with one series at least. A page is read
// when the first of its series is iterated, with one statement, and forgotten when another one
// is read; what an iterator still holds of it stays. Most queries fit one page.

// reading is what the pages of one Select share.
type reading struct {
	ctx      context.Context // of the query: PromQL's interfaces give an iterator none
	db       *DB
	from, to int64
	spent    *spending // of the query
	streams  bool      // whoever asks keeps no iterator
	first    *series
	current  *page
	bytes    int // of the samples of the current page
	held     int // of the samples that iterators hold which are not used again
	// transient says that the pages are more than the cache could hold: they would only push
	// out what other queries use.
	transient bool
}

// page is some of the series of a Select.
type page struct {
	reading *reading
	series  []*series
	chunks  []chunkRef
	err     error // of the last attempt to read it
}

// series implements storage.Series.
type series struct {
	id     int64
	labels labels.Labels
	chunks []chunkRef // in the range
	recent []samples  // of the head, from old to young
	page   *page
	// increments is not nil for a series that is made of some.
	increments *incremented

	samples     // while the page is the current one
	first   int // of the histograms; the one before is out of the range
}

// recently says whether the head has samples in a range.
func (s *series) recently(from, to int64) bool {
	return slices.ContainsFunc(s.recent, func(r samples) bool {
		within := func(f floatSample) bool { return f.t >= from && f.t <= to }
		// They are in order nearly always, and then this finds one.
		i, _ := slices.BinarySearchFunc(r.floats, from, func(f floatSample, t int64) int { return cmp.Compare(f.t, t) })
		return i < len(r.floats) && within(r.floats[i]) || slices.ContainsFunc(r.floats, within) ||
			slices.ContainsFunc(r.histograms, func(h histogramSample) bool { return h.t >= from && h.t <= to })
	})
}

// Labels implements storage.Labels.
func (s *series) Labels() labels.Labels { return s.labels }

// Iterator implements storage.SampleIterable. When the samples cannot be read, the iterator
// has none and tells the error.
func (s *series) Iterator(reuse chunkenc.Iterator) chunkenc.Iterator {
	it, reused := reuse.(*iterator)
	if !reused {
		it = &iterator{}
	}
	s.page.open()
	err := pgerror.Read(s.page.err)
	if err == nil && !reused {
		err = s.page.reading.hold(s)
	}
	it.reset(s.samples, s.first)
	if it.err = err; err != nil {
		it.samples = samples{}
	}
	return it
}

// hold counts the samples of iterators that may all be kept, as those of PromQL's timestamp() are.
func (r *reading) hold(s *series) error {
	if s == r.first {
		r.held = 0 // another round
	}
	if r.streams {
		return nil
	}
	if r.held += s.memory(); r.held > r.spent.open {
		return r.spent.samplesTooLarge()
	}
	return nil
}

// paginate divides series, which keep their order, into pages.
func (r *reading) paginate(all []*series) {
	var p *page
	total, bytes := 0, 0
	for i, s := range all {
		if i == 0 {
			r.first = s
		}
		size := 0
		for i := range s.chunks {
			size += s.chunks[i].bytes
		}
		if s.increments != nil {
			size += s.increments.memory()
		}
		if p == nil || bytes+size > r.spent.page {
			p, bytes = &page{reading: r}, 0
		}
		bytes += size
		total += size
		s.page = p
		p.series = append(p.series, s)
		p.chunks = append(p.chunks, s.chunks...)
		s.chunks = nil
	}
	r.transient = int64(total) > r.db.chunks.limit
}

// open makes the page the current one.
func (p *page) open() {
	r := p.reading
	if r.current == p {
		return
	}
	r.close()
	r.current = p
	if p.err = p.read(); p.err != nil {
		r.bytes = 0
	}
	r.spent.opened(r)
}

// close forgets the current page.
func (r *reading) close() {
	if r.current != nil {
		for _, s := range r.current.series {
			s.samples, s.first = samples{}, 0
		}
	}
	r.current, r.bytes = nil, 0
}

// read reads the chunks of the page and merges them with what the head had.
func (p *page) read() error {
	r := p.reading
	parts := make(map[int64][]samples, len(p.series))
	if err := r.db.chunksOf(r.ctx, p.chunks, !r.transient, func(c *chunk) error {
		if r.bytes += int(c.memory()); r.bytes > r.spent.open {
			return r.spent.samplesTooLarge()
		}
		parts[c.series] = append(parts[c.series], c.samples)
		return nil
	}); err != nil {
		return err
	}
	for _, s := range p.series {
		if s.increments != nil {
			made := s.increments.samples(r.from, r.to)
			if r.bytes += made.memory(); r.bytes > r.spent.open {
				return r.spent.samplesTooLarge()
			}
			parts[s.id] = append(parts[s.id], made)
		}
		s.merge(append(parts[s.id], s.recent...), r.from, r.to)
		delete(parts, s.id)
	}
	return nil
}

// merge joins parts into one sequence, in order of time, each time once: chunks first, then
// the head from old to young, so that the first that arrived counts.
func (s *series) merge(parts []samples, from, to int64) {
	if len(parts) == 1 {
		s.floats, s.histograms = parts[0].floats, parts[0].histograms
	} else {
		floats, histograms := 0, 0
		for _, p := range parts {
			floats += len(p.floats)
			histograms += len(p.histograms)
		}
		s.floats = make([]floatSample, 0, floats)
		s.histograms = make([]histogramSample, 0, histograms)
		slices.SortStableFunc(parts, byFirstTime)
		for _, p := range parts {
			s.floats = append(s.floats, p.floats...)
			s.histograms = append(s.histograms, p.histograms...)
		}
	}
	s.floats = inOrder(s.floats, floatTime)
	first, end := within(s.floats, from, to, floatTime)
	s.floats = s.floats[first:end]

	s.histograms = inOrder(s.histograms, histogramTime)
	first, end = within(s.histograms, from, to, histogramTime)
	if 0 < first && first < end {
		// the one before the range tells the iterator whether counts were reset since
		first, s.first = first-1, 1
	}
	s.histograms = s.histograms[first:end]
}

func floatTime(s floatSample) int64         { return s.t }
func histogramTime(s histogramSample) int64 { return s.t }

// byFirstTime puts parts in the order in which they usually follow one another, so that there
// is nothing left to sort.
func byFirstTime(a, b samples) int {
	first := func(s samples) int64 {
		if len(s.floats) > 0 {
			return s.floats[0].t
		}
		if len(s.histograms) > 0 {
			return s.histograms[0].t
		}
		return 0
	}
	switch ta, tb := first(a), first(b); {
	case ta < tb:
		return -1
	case ta > tb:
		return 1
	}
	return 0
}

// within returns where a range, both ends included, begins and ends in a sequence.
func within[S any](list []S, from, to int64, t func(S) int64) (first, end int) {
	compare := func(s S, at int64) int {
		if t(s) < at {
			return -1
		}
		return 1 // never equal: the first sample that is not before at is looked for
	}
	first, _ = slices.BinarySearchFunc(list, from, compare)
	end = len(list)
	if to != math.MaxInt64 {
		end, _ = slices.BinarySearchFunc(list, to+1, compare)
	}
	return first, max(first, end)
}

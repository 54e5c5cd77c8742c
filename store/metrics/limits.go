package metrics

import (
	"slices"

	"github.com/prometheus/prometheus/storage"

	"github.com/plaithq/plait"
)

// limits bounds what one query has in memory, in bytes.
type limits struct {
	page     int // samples that are read at once; a series of more is read all the same
	open     int // samples of all selectors
	selected int // series with their labels, and where their chunks are
}

// limitsOf derives them from the size of a page.
func limitsOf(page int) limits { return newLimits(page, 4*page) }

// newLimits bounds the samples of a page and those of a query, in bytes, and its series by twice as many.
func newLimits(page, query int) limits { return limits{page: page, open: query, selected: 2 * query} }

// listingPage makes the limits of what asks for series and not for samples.
const listingPage = 4 << 20

// Limited returns the same samples within tighter limits: from pages of so many bytes. Queries that
// need more than four of them at once for samples, or eight for series, end with plait.ErrTooLarge.
func (db *DB) Limited(pageBytes int) storage.SampleAndChunkQueryable {
	return limitedDB{db, limitsOf(pageBytes)}
}

type limitedDB struct {
	db     *DB
	limits limits
}

// Querier implements storage.Queryable.
func (l limitedDB) Querier(from, to int64) (storage.Querier, error) {
	return l.db.querier(l.limits, from, to), nil
}

// ChunkQuerier implements storage.ChunkQueryable.
func (l limitedDB) ChunkQuerier(from, to int64) (storage.ChunkQuerier, error) {
	return l.db.chunkQuerier(l.limits, from, to), nil
}

// spending is what one querier uses of its limits. Queriers are used by one goroutine at a time.
type spending struct {
	limits
	series   int        // bytes of series and places of chunks
	readings []*reading // those that have a page open, the one opened last at the end
}

// What a series takes beside its labels, and what the place of a chunk takes.
const (
	selectedBytes = 320
	refBytes      = 64
)

// choose counts series and places of chunks.
func (s *spending) choose(bytes int) error {
	if s.series += bytes; s.series > s.selected {
		return plait.Errorf(plait.ErrTooLarge, "the series that match take more than %d kB of memory: "+
			"ask for fewer series, or for less time", s.selected>>10)
	}
	return nil
}

// samplesTooLarge is the error of samples beyond a limit.
func (s *spending) samplesTooLarge() error {
	return plait.Errorf(plait.ErrTooLarge, "samples take more than %d kB of memory at once: ask for less time", s.open>>10)
}

// opened tells of a page. Pages of other selectors make room for it: they are read again when they
// are asked for again.
func (s *spending) opened(r *reading) {
	s.readings = slices.DeleteFunc(s.readings, func(other *reading) bool { return other == r })
	s.readings = append(s.readings, r)
	bytes := 0
	for _, r := range s.readings {
		bytes += r.bytes
	}
	for bytes > s.open && len(s.readings) > 1 {
		bytes -= s.readings[0].bytes
		s.readings[0].close()
		s.readings = s.readings[1:]
	}
}

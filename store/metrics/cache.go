package metrics

import (
	"sync"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/recent"
)

// chunkCache keeps chunks that were used last, up to a number of bytes.
type chunkCache struct {
	limit int64

	mu     sync.Mutex
	chunks *recent.Map[int64, *chunk]
}

func newChunkCache(limit int64) *chunkCache {
	return &chunkCache{limit: limit, chunks: recent.New(int(limit), func(_ int64, c *chunk) int { return int(c.memory()) })}
}

// get returns a chunk or nil.
func (c *chunkCache) get(id int64) *chunk {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, _ := c.chunks.Get(id)
	return found
}

func (c *chunkCache) add(new *chunk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chunks.Put(new.id, new)
}

// size returns the bytes in use.
func (c *chunkCache) size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(c.chunks.Bytes())
}

// traceCache remembers traces that are stored. A trace that an exemplar points to stays as
// long as the exemplar (see package store, pinning), unless its day is thinned: so what was found once need not be
// looked for again until another day is.
type traceCache struct {
	mu      sync.Mutex
	thinned string // the days that were thinned when the traces were found
	traces  *recent.Map[plait.TraceID, struct{}]
}

// cachedTraces bounds the cache, some 30 bytes each.
const cachedTraces = 100_000

func newTraceCache() *traceCache {
	return &traceCache{traces: recent.OfSize[plait.TraceID, struct{}](cachedTraces)}
}

// unknown returns those of the exemplars' traces that are not known to be stored now that these days are thinned.
func (c *traceCache) unknown(thinned string, exemplars []exemplarRow) map[plait.TraceID]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.thinned != thinned {
		c.traces.Clear()
		c.thinned = thinned
	}
	unknown := map[plait.TraceID]bool{}
	for i := range exemplars {
		if _, known := c.traces.Get(exemplars[i].traceID); !known {
			unknown[exemplars[i].traceID] = true
		}
	}
	return unknown
}

// add takes traces that were found after it was read which days are thinned.
func (c *traceCache) add(thinned string, ids []plait.TraceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.thinned != thinned {
		return // somebody has read since then that there is another
	}
	for _, id := range ids {
		c.traces.Put(id, struct{}{})
	}
}

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
// long as the exemplar (see package store, pinning), so what was found once need not be
// looked for again.
type traceCache struct {
	mu     sync.Mutex
	traces *recent.Map[plait.TraceID, struct{}]
}

// cachedTraces bounds the cache, some 30 bytes each.
const cachedTraces = 100_000

func newTraceCache() *traceCache {
	return &traceCache{traces: recent.OfSize[plait.TraceID, struct{}](cachedTraces)}
}

func (c *traceCache) has(id plait.TraceID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.traces.Get(id)
	return ok
}

func (c *traceCache) add(ids []plait.TraceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.traces.Put(id, struct{}{})
	}
}

package metrics

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// chunkCache keeps chunks that were used last, up to a number of bytes.
type chunkCache struct {
	limit int64

	mu     sync.Mutex
	chunks *simplelru.LRU[int64, *chunk]
	bytes  int64
}

func newChunkCache(limit int64) *chunkCache {
	const unbounded = 1 << 30 // the bytes are what bounds it
	c := &chunkCache{limit: limit}
	var err error
	c.chunks, err = simplelru.NewLRU(unbounded, func(_ int64, old *chunk) { c.bytes -= old.memory() })
	if err != nil {
		panic(err) // the size is a constant
	}
	return c
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
	if c.chunks.Contains(new.id) {
		return
	}
	c.chunks.Add(new.id, new)
	c.bytes += new.memory()
	for c.bytes > c.limit {
		c.chunks.RemoveOldest()
	}
}

// size returns the bytes in use.
func (c *chunkCache) size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

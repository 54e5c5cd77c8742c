package ingest

import (
	"math/bits"
	"sync"
)

// bufferPools lend the memory of bodies, a pool for each size, which is a power of two: a buffer is
// at most twice as large as what it is lent for.
type bufferPools [maxPooledBits - minPooledBits + 1]sync.Pool

var buffers bufferPools

// Buffers above 4 MiB are not kept, so that a rare large request does not hold its memory for ever.
const (
	minPooledBits = 12
	maxPooledBits = 22
)

// get lends a buffer with room for n bytes or more.
func (p *bufferPools) get(n int) *[]byte {
	if n > 1<<maxPooledBits {
		b := make([]byte, 0, n)
		return &b
	}
	class := max(bits.Len(uint(max(n, 1)-1)), minPooledBits)
	if b, _ := p[class-minPooledBits].Get().(*[]byte); b != nil {
		return b
	}
	b := make([]byte, 0, 1<<class)
	return &b
}

// put takes a buffer back.
func (p *bufferPools) put(b *[]byte) {
	if cap(*b) <= 1<<maxPooledBits {
		p[bits.Len(uint(cap(*b)-1))-minPooledBits].Put(b)
	}
}

package terms

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// errDamaged says that bytes are not what was written.
var errDamaged = errors.New("term index is damaged")

func damaged(what string) error { return fmt.Errorf("%s: %w", what, errDamaged) }

// longestUnary is how many ones a Rice code begins with at most; more say that the number follows as it is.
const longestUnary = 24

// bitWriter packs numbers of some bits, the lowest bit first.
type bitWriter struct {
	out     []byte
	pending uint64
	n       int // bits pending, below 32 between calls
}

// write appends the lowest n bits of v, which has no others; n is at most 32.
func (w *bitWriter) write(v uint64, n int) {
	w.pending |= v << w.n
	w.n += n
	if w.n >= 32 {
		w.out = binary.LittleEndian.AppendUint32(w.out, uint32(w.pending))
		w.pending >>= 32
		w.n -= 32
	}
}

// rice appends a number below 1<<32 in Rice code: what is above its lowest k bits in unary.
func (w *bitWriter) rice(v uint64, k int) {
	q := v >> k
	if q >= longestUnary {
		w.write(1<<longestUnary-1, longestUnary)
		w.number(v)
		return
	}
	w.write(1<<q-1, int(q)+1)
	w.write(v&(1<<k-1), k)
}

// number appends a number below 1<<32, its length before it.
func (w *bitWriter) number(v uint64) {
	n := bits.Len64(v)
	w.write(uint64(n), 6)
	w.write(v, n)
}

// align fills up the last byte. Only after that is all of out there.
func (w *bitWriter) align() {
	for ; w.n > 0; w.n -= 8 {
		w.out = append(w.out, byte(w.pending))
		w.pending >>= 8
	}
	w.n = 0
}

// bitReader reads what a bitWriter wrote. Beyond the end it reads zeros, and short says so.
type bitReader struct {
	in  []byte
	pos int // in bits
}

func (r *bitReader) short() bool { return r.pos > 8*len(r.in) }

// peek returns at least the next 57 bits.
func (r *bitReader) peek() uint64 {
	i := r.pos >> 3
	if i+8 <= len(r.in) {
		return binary.LittleEndian.Uint64(r.in[i:]) >> (r.pos & 7)
	}
	var v uint64
	for j := i; j < len(r.in); j++ {
		v |= uint64(r.in[j]) << (8 * (j - i))
	}
	return v >> (r.pos & 7)
}

func (r *bitReader) read(n int) uint64 {
	v := r.peek() & (1<<n - 1)
	r.pos += n
	return v
}

func (r *bitReader) rice(k int) uint64 {
	v := r.peek()
	q := bits.TrailingZeros64(^v)
	if q >= longestUnary {
		r.pos += longestUnary
		return r.number()
	}
	if n := q + 1 + k; n <= 57 {
		r.pos += n
		return uint64(q)<<k | v>>(q+1)&(1<<k-1)
	}
	r.pos += q + 1
	return uint64(q)<<k | r.read(k)
}

func (r *bitReader) number() uint64 {
	n := int(r.read(6))
	if n > 32 {
		r.pos = 8*len(r.in) + 1
		return 0
	}
	return r.read(n)
}

// riceBits is how many low bits suit gaps of a mean length.
func riceBits(whole, parts int) int {
	if parts <= 0 {
		return 0
	}
	return max(0, bits.Len(uint(whole/parts))-1)
}

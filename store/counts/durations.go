package counts

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// Buckets of durations are an eighth of a doubling wide, so the middle of one is at most 6.3 % off. Each
// ends where the next begins and has its upper bound in it, as Prometheus has. Every power of two is a bound.
const eighths = 3

// Bucket is how many durations lie between two bounds.
type Bucket struct {
	Index int
	Count int64
}

// maxBucket is the index of the longest duration.
const maxBucket = 62<<eighths | 1<<eighths

// BucketOf returns the index of the bucket of a duration. Bucket 0 is for no time and less.
func BucketOf(nanos int64) int {
	if nanos <= 0 {
		return 0
	}
	v := uint64(nanos - 1)
	if v < 1<<eighths {
		return int(v) + 1
	}
	n := bits.Len64(v) - 1
	return n<<eighths | int(v>>(n-eighths))&(1<<eighths-1) + 1
}

// UpperBound returns the longest duration of a bucket, in nanoseconds. Indexes from 9 to 24 are those of no bucket, and
// have the bound of bucket 8.
func UpperBound(index int) int64 {
	switch {
	case index <= 1<<eighths:
		return int64(max(index, 0))
	case index <= eighths<<eighths:
		return 1 << eighths
	case index >= maxBucket:
		return math.MaxInt64
	}
	n, eighth := (index-1)>>eighths, (index-1)&(1<<eighths-1)
	return int64(1<<eighths+eighth+1) << (n - eighths)
}

// addBuckets adds sorted buckets to sorted ones.
func addBuckets(to, more []Bucket) []Bucket {
	for _, b := range more {
		i, ok := slices.BinarySearchFunc(to, b.Index, func(b Bucket, index int) int { return b.Index - index })
		if !ok {
			to = slices.Insert(to, i, Bucket{Index: b.Index})
		}
		to[i].Count = add(to[i].Count, b.Count)
	}
	return to
}

// appendBuckets appends the buckets of so many durations. Of one duration it appends the index only.
func appendBuckets(dst []byte, count int64, buckets []Bucket) []byte {
	if count > 1 {
		dst = binary.AppendUvarint(dst, uint64(len(buckets)))
	}
	last := 0
	for _, b := range buckets {
		dst = binary.AppendUvarint(dst, uint64(b.Index-last))
		last = b.Index
		if count > 1 {
			dst = binary.AppendUvarint(dst, uint64(b.Count))
		}
	}
	return dst
}

func (r *reader) buckets(count int64, buckets []Bucket) []Bucket {
	n := int64(1)
	if count > 1 {
		n = r.number(maxBucket + 1)
	}
	last := int64(0)
	for range n {
		last += r.number(maxBucket - last)
		b := Bucket{Index: int(last), Count: 1}
		if count > 1 {
			b.Count = r.number(count)
		}
		if r.bad {
			return nil
		}
		buckets = append(buckets, b)
	}
	return buckets
}

package terms

import (
	"cmp"
	"slices"
)

// When segments are merged. A search pays for each segment, a merge for each byte: with four of about a
// size to one, a byte is written three times, and of 50 million spans there are some 14 to 20 segments.
const (
	mergedAtOnce = 4
	// alike is how many times larger a segment of about the same size may be.
	alike = 2
	// largestMerged bounds what a merge makes, in bytes, and so its memory, of which it takes seven times as much where
	// all terms are different.
	largestMerged = 32 << 20
	// mostMergedUnits bounds the units of a merge, each of which takes 100 bytes of memory.
	mostMergedUnits = 1 << 20
)

// Size says how large a segment is.
type Size struct {
	ID    int64
	Bytes int // of its body
	Units int
}

// ChooseMerge says which segments, of one index and day, should be merged to one, if any. To a day that is closed
// nothing comes any more: all its segments become as few as may be. last says that what a merge
// makes is not merged again.
func ChooseMerge(segments []Size, closed bool) (ids []int64, last bool) {
	segments = slices.Clone(segments)
	slices.SortFunc(segments, func(a, b Size) int { return cmp.Or(cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.ID, b.ID)) })
	for ; len(segments) > 1; segments = segments[1:] {
		n, bytes, units, full := 0, 0, 0, false
		for n < len(segments) && (closed || segments[n].Bytes <= alike*segments[0].Bytes) {
			full = bytes+segments[n].Bytes > largestMerged || units+segments[n].Units > mostMergedUnits
			if full {
				break
			}
			bytes, units = bytes+segments[n].Bytes, units+segments[n].Units
			n++
		}
		if n >= mergedAtOnce || n > 1 && (closed || full) {
			for _, s := range segments[:n] {
				ids = append(ids, s.ID)
			}
			return ids, closed || full || 2*bytes > largestMerged
		}
	}
	return nil, false
}

package otlp

import "github.com/plaithq/plait/wire/protobuf"

// arena hands out slices of one type from few large pieces of memory. Decoding a request
// takes some allocations per thousand attributes instead of one per span, and none when the
// arena was used before.
//
// One slice is open at a time: open it, extend it, close it.
type arena[T any] struct {
	free []T   // unused and zero
	next int   // size of the next piece
	used [][]T // pieces that were handed out
	kept [][]T // pieces to be used again, zero
}

const (
	// maxPiece bounds the pieces: what is not used of the last one is waste, and a slice that is
	// kept keeps its whole piece.
	maxPiece = 1024
	// maxKept bounds the pieces that are used again. A request with a million attributes is rare.
	maxKept = 16
)

func newArena[T any](first int) arena[T] {
	var a arena[T]
	a.begin(first)
	return a
}

// begin says how large the first piece should be.
func (a *arena[T]) begin(first int) { a.next = min(max(first, 8), maxPiece) }

// reset takes back everything that was handed out.
func (a *arena[T]) reset() {
	for _, piece := range a.used {
		if len(piece) <= 2*maxPiece && len(a.kept) < maxKept {
			clear(piece)
			a.kept = append(a.kept, piece)
		}
	}
	clear(a.used)
	a.free, a.used = nil, a.used[:0]
}

// open begins a slice.
func (a *arena[T]) open() []T { return a.free[:0] }

// extend adds a zero element to the open slice.
func (a *arena[T]) extend(open []T) []T {
	if len(open) == cap(open) {
		open = a.grow(open, len(open)+1)
	}
	return open[:len(open)+1]
}

// extendFrom is extend for an item of a protobuf list. It does not double the memory of a long
// list but counts what follows: a hostile request has millions of attributes in one record.
func (a *arena[T]) extendFrom(f *protobuf.Fields, open []T) []T {
	if len(open) == cap(open) {
		more := 1
		if len(open) > 0 {
			more += f.Following()
		}
		open = a.grow(open, more)
	}
	return open[:len(open)+1]
}

// grow moves the open slice to a piece with room for more elements.
func (a *arena[T]) grow(open []T, more int) []T {
	piece := a.piece(len(open) + more)
	copy(piece, open)
	return piece[:len(open)]
}

// piece returns a piece of zeros with room for so many elements.
func (a *arena[T]) piece(room int) []T {
	var piece []T
	if last := len(a.kept) - 1; last >= 0 && len(a.kept[last]) >= room {
		piece, a.kept = a.kept[last], a.kept[:last]
	} else {
		piece = make([]T, max(a.next, room))
	}
	a.next = min(2*a.next, maxPiece)
	a.used = append(a.used, piece)
	return piece
}

// close ends the open slice and joins it to the part of the list that came before, which is
// nil unless the items of a list lie scattered among other fields.
func (a *arena[T]) close(before, open []T) []T {
	n := len(open)
	a.free = open[n:]
	if before != nil {
		return append(before, open...)
	}
	return open[:n:n]
}

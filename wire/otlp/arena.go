package otlp

// arena hands out slices of one type from few large pieces of memory. Decoding a request
// takes some allocations per thousand attributes instead of one per span.
//
// One slice is open at a time: open it, extend it, close it.
type arena[T any] struct {
	free []T // unused and zero
	next int // size of the next piece
}

// maxPiece bounds the pieces: what is not used of the last one is waste, and a slice that is kept
// keeps its whole piece.
const maxPiece = 1024

func newArena[T any](first int) arena[T] { return arena[T]{next: min(max(first, 8), maxPiece)} }

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
func (a *arena[T]) extendFrom(f *fields, open []T) []T {
	if len(open) == cap(open) {
		more := 1
		if len(open) > 0 {
			more += f.following()
		}
		open = a.grow(open, more)
	}
	return open[:len(open)+1]
}

// grow moves the open slice to a piece with room for more elements.
func (a *arena[T]) grow(open []T, more int) []T {
	piece := make([]T, len(open), max(a.next, len(open)+more))
	copy(piece, open)
	a.next = min(2*a.next, maxPiece)
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

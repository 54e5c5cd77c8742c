package terms

import (
	"context"
	"slices"
)

// unitSet gives the numbers of units of a segment, the highest first.
type unitSet interface {
	// seek returns the highest number that is at most n, or -1 if there is none. n never grows.
	seek(ctx context.Context, n int) (int, error)
}

// allUnits are all there are.
type allUnits struct{}

func (allUnits) seek(_ context.Context, n int) (int, error) { return n, nil }

// knownUnits are in memory, the highest first.
type knownUnits []uint32

func (k *knownUnits) seek(_ context.Context, n int) (int, error) {
	for len(*k) > 0 && int((*k)[0]) > n {
		*k = (*k)[1:]
	}
	if len(*k) == 0 {
		return -1, nil
	}
	return int((*k)[0]), nil
}

// newKnownUnits orders units.
func newKnownUnits(units []uint32) *knownUnits {
	slices.SortFunc(units, func(a, b uint32) int { return int(b) - int(a) })
	k := knownUnits(slices.Compact(units))
	return &k
}

// listedUnits are read from a list as far as they are wanted.
type listedUnits struct {
	listReader
	source Source
	at     Range // of the list, as far as it has not been read
	chunk  int   // bytes to read next
	least  uint8 // the detail of a unit that is wanted
	now    int
	opened bool
}

const (
	firstChunk = 2 << 10 // as much as Postgres keeps in one piece
	lastChunk  = 64 << 10
)

// newListedUnits makes a list of which the beginning is read.
func (d *Directory) newListedUnits(source Source, segment int64, l octaveList, data []byte, extra int, least uint8) *listedUnits {
	return &listedUnits{
		listReader: *d.openList(l, data, extra),
		source:     source,
		at:         Range{segment, l.at + len(data), l.size - len(data)},
		chunk:      2 * firstChunk,
		least:      least,
	}
}

func (l *listedUnits) seek(ctx context.Context, n int) (int, error) {
	if l.opened && l.now <= n {
		return l.now, nil
	}
	l.opened = true
	for {
		l.now = l.next()
		if l.now < 0 && l.left > 0 {
			if err := l.more(ctx); err != nil {
				return -1, err
			}
			continue
		}
		if l.now <= n && (l.now < 0 || l.detail >= l.least) {
			return l.now, nil
		}
	}
}

// more reads on.
func (l *listedUnits) more(ctx context.Context) error {
	r := Range{l.at.Segment, l.at.At, min(l.at.Size, l.chunk)}
	if r.Size == 0 {
		return damaged("list")
	}
	parts, err := l.source.Read(ctx, []Range{r})
	if err != nil {
		return err
	}
	if len(parts) != 1 || len(parts[0]) != r.Size {
		return damaged("list")
	}
	used := l.r.pos / 8
	l.r.in = append(slices.Clone(l.r.in[used:]), parts[0]...)
	l.r.pos %= 8
	l.at.At, l.at.Size = l.at.At+r.Size, l.at.Size-r.Size
	l.chunk = min(2*l.chunk, lastChunk)
	return nil
}

// union has what any of its sets has.
type union struct {
	sets []unitSet
	now  []int // of each set, what it gave last
}

func newUnion(sets []unitSet) unitSet {
	switch len(sets) {
	case 0:
		return &knownUnits{}
	case 1:
		return sets[0]
	}
	return &union{sets: sets}
}

func (u *union) seek(ctx context.Context, n int) (int, error) {
	if u.now == nil {
		u.now = slices.Repeat([]int{n + 1}, len(u.sets))
	}
	best := -1
	for i, s := range u.sets {
		if u.now[i] > n {
			var err error
			if u.now[i], err = s.seek(ctx, n); err != nil {
				return -1, err
			}
		}
		best = max(best, u.now[i])
	}
	return best, nil
}

// intersection has what all of its sets have. The smallest comes first.
type intersection []unitSet

func (sets intersection) seek(ctx context.Context, n int) (int, error) {
	n, err := sets[0].seek(ctx, n)
	for i := 1; i < len(sets) && n >= 0 && err == nil; i++ {
		var u int
		if u, err = sets[i].seek(ctx, n); u < n && err == nil {
			n, i = u, 0
			if n >= 0 {
				n, err = sets[0].seek(ctx, n)
			}
		}
	}
	if err != nil {
		return -1, err
	}
	return n, nil
}

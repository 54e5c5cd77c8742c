package terms

import (
	"cmp"
	"context"
	"slices"
)

// cursor goes through the units of a segment in the order of a search.
type cursor struct {
	search *Search
	id     int64
	d      *Directory
	set    unitSet
	at     int      // units up to here are left, when it goes down
	up     []uint32 // those that are left, when it goes up
	done   bool     // all have been read

	waiting []Unit // read, and others may come before them
	ready   []Unit // the first one last
	reached int64  // all that come before this time have been read
}

func newCursor(ctx context.Context, s *Search, o *opening, set unitSet) (*cursor, error) {
	c := &cursor{search: s, id: o.ID, d: o.Directory, set: set}
	c.at = c.d.units - 1
	slack := c.slack()
	if s.query.To <= c.d.to+slack {
		last := s.query.To
		if c.d.order == ByEnd {
			last += slack
		}
		c.at = c.d.below(last) - 1
	}
	if !s.query.Ascending {
		return c, nil
	}
	first := max(s.query.From, c.d.from)
	if c.d.order == ByStart {
		first -= slack
	}
	lowest := c.d.above(first)
	for n := c.at; n >= lowest; {
		u, err := set.seek(ctx, n)
		if err != nil {
			return nil, err
		}
		if u < lowest {
			break
		}
		c.up = append(c.up, uint32(u))
		n = u - 1
	}
	slices.Reverse(c.up)
	return c, nil
}

// slack is how much later a unit ends than it begins, at most.
func (c *cursor) slack() int64 { return c.d.longest + 2<<c.d.shift }

// take returns the numbers of the next units, up to n.
func (c *cursor) take(ctx context.Context, n int) (numbers []uint32, err error) {
	if c.search.query.Ascending {
		n = min(n, len(c.up))
		numbers, c.up = c.up[:n], c.up[n:]
		c.done = len(c.up) == 0
		return numbers, nil
	}
	for len(numbers) < n && c.at >= 0 {
		u, err := c.set.seek(ctx, c.at)
		if err != nil {
			return nil, err
		}
		if c.at = u - 1; u >= 0 {
			numbers = append(numbers, uint32(u))
		}
	}
	c.done = c.at < 0
	return numbers, nil
}

// add notes a unit that was read, the next in the order of the segment.
func (c *cursor) add(u Unit) {
	q := &c.search.query
	switch {
	case q.Ascending && c.d.order == ByEnd:
		c.reached = u.To - c.slack()
		c.done = c.done || c.reached >= q.To
	case q.Ascending:
		c.reached = u.From
		c.done = c.done || u.From >= q.To
	case c.d.order == ByEnd:
		c.reached = u.To
		c.done = c.done || u.To < q.From
	default:
		c.reached = u.From
		c.done = c.done || u.From+c.slack() < q.From
	}
	if u.To >= q.From && u.From < q.To {
		c.waiting = append(c.waiting, u)
	}
}

// settle moves those units to ready before which no other comes.
func (c *cursor) settle() {
	s := c.search
	slices.SortStableFunc(c.waiting, func(a, b Unit) int { return s.compare(s.key(&a), s.key(&b)) })
	n := len(c.waiting)
	if !c.done {
		n, _ = slices.BinarySearchFunc(c.waiting, c.reached, func(u Unit, reached int64) int {
			return cmp.Or(s.compare(s.key(&u), reached), -1)
		})
	}
	c.ready = append(c.ready, c.waiting[:n]...)
	slices.Reverse(c.ready)
	c.waiting = append([]Unit{}, c.waiting[n:]...)
}

// How many units are read of a segment at a time.
const (
	leastUnits = 16
	mostUnits  = 256
)

// readUnits reads units of all cursors that have none ready, until each has some or is at its end.
func readUnits(ctx context.Context, source Source, cursors []*cursor, n int) error {
	for {
		var ranges []Range
		numbers := map[*cursor][]uint32{}
		for _, c := range cursors {
			if c.done || len(c.ready) > 0 {
				continue
			}
			units, err := c.take(ctx, min(max(n, leastUnits), mostUnits))
			if err != nil {
				return err
			}
			numbers[c] = units
			ranges = append(ranges, c.d.unitRanges(c.id, units)...)
		}
		if len(numbers) == 0 {
			return nil
		}
		read := map[int64][]readPart{}
		err := readAll(ctx, source, ranges, func(r Range, data []byte) error {
			read[r.Segment] = append(read[r.Segment], readPart{r, data})
			return nil
		})
		if err != nil {
			return err
		}
		for c, units := range numbers {
			for _, u := range units {
				at := c.d.unitsAt + unitBytes*int(u)
				i := slices.IndexFunc(read[c.id], func(p readPart) bool { return p.At <= at && at < p.At+p.Size })
				c.add(c.d.unit(read[c.id][i].data[at-read[c.id][i].At:]))
			}
			c.settle()
		}
	}
}

// readPart is a range with its bytes.
type readPart struct {
	Range
	data []byte
}

// unitRanges returns where units stand; those that are close by are read together.
func (d *Directory) unitRanges(id int64, units []uint32) (ranges []Range) {
	units = slices.Sorted(slices.Values(units))
	for _, u := range units {
		at := d.unitsAt + unitBytes*int(u)
		if n := len(ranges); n > 0 && at-ranges[n-1].At-ranges[n-1].Size < closeBy {
			ranges[n-1].Size = at + unitBytes - ranges[n-1].At
			continue
		}
		ranges = append(ranges, Range{id, at, unitBytes})
	}
	return ranges
}

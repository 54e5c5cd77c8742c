package tally

import "context"

// Grouping adds up cells by groups that dictionary entries tell, which are read for many cells together. Its memory is
// that of some thousand cells.
type Grouping[C any, K comparable] struct {
	// Key is what of a cell decides its group.
	Key func(*C) K
	// Clone copies a cell that waits.
	Clone func(*C) C
	// Find returns the group of each key, or Outside.
	Find func(ctx context.Context, keys []K) ([]int, error)
	// Use takes a cell of a group.
	Use func(group int, c *C) error

	known   map[K]int
	waiting []C
}

// Outside is the group of cells that are not asked for.
const Outside = -1

const (
	cellsAtOnce = 4_096
	knownGroups = 64 << 10
)

// Add takes a cell, which is valid until Add returns.
func (g *Grouping[C, K]) Add(ctx context.Context, c *C) error {
	if group, ok := g.known[g.Key(c)]; ok {
		return g.use(group, c)
	}
	if g.waiting = append(g.waiting, g.Clone(c)); len(g.waiting) < cellsAtOnce {
		return nil
	}
	return g.Flush(ctx)
}

// Flush uses the cells that wait. It is called after the last cell.
func (g *Grouping[C, K]) Flush(ctx context.Context) error {
	if g.known == nil || len(g.known) > knownGroups {
		g.known = map[K]int{}
	}
	var keys []K
	for i := range g.waiting {
		key := g.Key(&g.waiting[i])
		if _, ok := g.known[key]; !ok {
			g.known[key] = Outside // until it is found
			keys = append(keys, key)
		}
	}
	groups, err := g.Find(ctx, keys)
	if err != nil {
		return err
	}
	for i, key := range keys {
		g.known[key] = groups[i]
	}
	for i := range g.waiting {
		if err := g.use(g.known[g.Key(&g.waiting[i])], &g.waiting[i]); err != nil {
			return err
		}
	}
	g.waiting = g.waiting[:0]
	return nil
}

func (g *Grouping[C, K]) use(group int, c *C) error {
	if group == Outside {
		return nil
	}
	return g.Use(group, c)
}

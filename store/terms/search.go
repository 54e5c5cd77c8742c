package terms

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/plaithq/plait"
)

// Query is what units are searched for.
type Query struct {
	Plan *Plan
	// Order is that of the heads and segments.
	Order Order
	// From and To are the times within which a unit must have had rows, in microseconds since 1970; To is not
	// within.
	From, To int64
	// Ascending asks for the units that begin first, first. Else it is those that begin last, or in ByEnd those
	// that end last.
	Ascending bool
}

// Stored is a segment that has been stored under an id.
type Stored struct {
	ID        int64
	Directory *Directory
}

// Heads hands over the heads of a search, which may be more than memory has room for, and may be asked
// for them more than once. Nil has none.
type Heads func(ctx context.Context, use func(*Head)) error

// Search finds units that may have rows which fit a plan, in order of time. It reads segments as they are
// needed, the first ones first, and of each no more than it needs. A unit comes once, at the first of the places
// that heads and segments give it.
type Search struct {
	hasher   *Hasher
	query    Query
	plan     *Plan // with the choices that Together leaves
	source   Source
	heads    Heads
	found    []Unit // in heads, the first one last
	unopened []Stored
	batch    int // how many segments are opened next
	opened   []*cursor
	seen     map[plait.TraceID]struct{}
	estimate Estimate
	tick     int64 // the longest of all segments
}

// Estimate says how much a plan narrows, as far as a search has looked.
type Estimate struct {
	Units   int // that were there
	Fitting int // of them, those that fit, at most
}

// NewSearch begins a search. A head that has been merged may be given beside its segment, but not left out
// before the segment is given: read the heads first.
func NewSearch(h *Hasher, q Query, heads Heads, segments []Stored, source Source) *Search {
	s := &Search{hasher: h, query: q, heads: heads, source: source, batch: firstBatch, tick: 1, seen: map[plait.TraceID]struct{}{}}
	for _, g := range segments {
		if d := g.Directory; d.to >= q.From && d.from < q.To {
			s.unopened = append(s.unopened, g)
			s.tick = max(s.tick, 1<<d.shift)
		}
	}
	slices.SortStableFunc(s.unopened, func(a, b Stored) int { return s.compare(s.bound(a.Directory), s.bound(b.Directory)) })
	return s
}

// A search opens so many segments at first, and then each time so many times more.
const (
	firstBatch  = 2
	batchGrowth = 4
)

// compare orders times as the search hands units out.
func (s *Search) compare(a, b int64) int {
	if s.query.Ascending {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(b, a)
}

// key is the time by which a unit is handed out.
func (s *Search) key(u *Unit) int64 {
	if s.query.Order == ByEnd && !s.query.Ascending {
		return u.To
	}
	return u.From
}

// bound is a time before which, in the order of the search, no unit of a segment comes.
func (s *Search) bound(d *Directory) int64 {
	if s.query.Ascending {
		return d.from
	}
	return d.to + 1<<d.shift
}

// Tick is how much earlier than its first row a unit may seem to begin, in microseconds: segments round times.
func (s *Search) Tick() int64 { return s.tick }

// Next returns the next units, up to n; fewer only at the end.
func (s *Search) Next(ctx context.Context, n int) ([]Unit, error) {
	if err := s.begin(ctx); err != nil {
		return nil, fmt.Errorf("search the term index: %w", err)
	}
	var units []Unit
	for len(units) < n {
		if err := s.fill(ctx, n); err != nil {
			return nil, fmt.Errorf("search the term index: %w", err)
		}
		from := s.first()
		if from == nil {
			break
		}
		u := (*from)[len(*from)-1]
		*from = (*from)[:len(*from)-1]
		if _, ok := s.seen[u.ID]; !ok {
			s.seen[u.ID] = struct{}{}
			units = append(units, u)
		}
	}
	return units, nil
}

// Estimate looks at the heads and at the first segments, if that has not been done, and says how much the plan
// narrows there.
func (s *Search) Estimate(ctx context.Context) (Estimate, error) {
	if err := s.begin(ctx); err != nil {
		return Estimate{}, fmt.Errorf("search the term index: %w", err)
	}
	return s.estimate, nil
}

// first returns the units the last of which is the next one: those of heads, or of a segment.
func (s *Search) first() (first *[]Unit) {
	best := int64(0)
	consider := func(units *[]Unit) {
		if n := len(*units); n > 0 {
			if key := s.key(&(*units)[n-1]); first == nil || s.compare(key, best) < 0 {
				first, best = units, key
			}
		}
	}
	consider(&s.found)
	for _, c := range s.opened {
		consider(&c.ready)
	}
	return first
}

// fill opens segments and reads units until the next unit is known.
func (s *Search) fill(ctx context.Context, n int) error {
	for {
		if err := readUnits(ctx, s.source, s.opened, n); err != nil {
			return err
		}
		s.opened = slices.DeleteFunc(s.opened, func(c *cursor) bool { return c.done && len(c.ready) == 0 })
		if len(s.unopened) == 0 {
			return nil
		}
		first := s.first()
		if first != nil && s.compare(s.key(&(*first)[len(*first)-1]), s.bound(s.unopened[0].Directory)) <= 0 {
			return nil
		}
		if err := s.open(ctx); err != nil {
			return err
		}
	}
}

// begin makes the choices of the plan by what heads and the first segments have, and searches the heads.
func (s *Search) begin(ctx context.Context) error {
	if s.plan != nil {
		return nil
	}
	first, err := lookUp(ctx, s.hasher, s.source, s.query.Plan, s.unopened[:min(s.batch, len(s.unopened))])
	if err != nil {
		return err
	}
	plan, err := s.choose(ctx, first)
	if err != nil {
		return err
	}
	if err := s.searchHeads(ctx, plan); err != nil {
		s.found, s.estimate = nil, Estimate{}
		return err
	}
	s.plan = plan
	return s.openAll(ctx, first)
}

// choose makes the choices of the plan by the first segments, or by the heads where there is no segment.
func (s *Search) choose(ctx context.Context, first []*opening) (*Plan, error) {
	var failed error
	plan := s.query.Plan.chosen(func(p *Plan) (n int) {
		for _, o := range first {
			n += o.count(p)
		}
		if m := newMatcher(s.hasher, p); len(first) == 0 && failed == nil {
			failed = s.eachHead(ctx, func(h *Head) { n += len(m.find(h)) })
		}
		return n
	})
	return plan, failed
}

// searchHeads finds the units of heads that fit.
func (s *Search) searchHeads(ctx context.Context, plan *Plan) error {
	m := newMatcher(s.hasher, plan)
	err := s.eachHead(ctx, func(h *Head) {
		units := m.find(h)
		s.estimate.Units, s.estimate.Fitting = s.estimate.Units+len(h.units), s.estimate.Fitting+len(units)
		for _, u := range units {
			if u.To >= s.query.From && u.From < s.query.To {
				s.found = append(s.found, u)
			}
		}
	})
	slices.SortFunc(s.found, func(a, b Unit) int { return s.compare(s.key(&b), s.key(&a)) })
	return err
}

// eachHead hands over the heads of the time that is searched.
func (s *Search) eachHead(ctx context.Context, use func(*Head)) error {
	if s.heads == nil {
		return nil
	}
	return s.heads(ctx, func(h *Head) {
		if h.to >= s.query.From && h.from < s.query.To {
			use(h)
		}
	})
}

// open opens the next segments.
func (s *Search) open(ctx context.Context) error {
	openings, err := lookUp(ctx, s.hasher, s.source, s.plan, s.unopened[:min(s.batch, len(s.unopened))])
	if err != nil {
		return err
	}
	return s.openAll(ctx, openings)
}

// listBytes bounds what the beginnings of lists take in memory, of segments that are opened together.
const listBytes = 16 << 20

// openAll opens segments whose shards have been read, or, when the plan has many terms, the first of them.
func (s *Search) openAll(ctx context.Context, openings []*opening) error {
	lists := 0
	for i, o := range openings {
		if lists += len(o.lists(s.plan)); i > 0 && lists*firstChunk > listBytes {
			openings = openings[:i]
			s.batch = 1
			break
		}
	}
	if err := readLists(ctx, s.source, s.plan, openings); err != nil {
		return err
	}
	for _, o := range openings {
		s.estimate.Units, s.estimate.Fitting = s.estimate.Units+o.Directory.units, s.estimate.Fitting+o.count(s.plan)
		set, err := o.units(s.source, s.plan)
		if err != nil {
			return err
		}
		c, err := newCursor(ctx, s, o, set)
		if err != nil {
			return err
		}
		s.opened = append(s.opened, c)
	}
	s.unopened = s.unopened[len(openings):]
	s.batch = min(s.batch*batchGrowth, math.MaxInt32)
	return nil
}

package search

import (
	"context"

	"github.com/plaithq/plait"
)

const (
	// MaxBytes is how much of an answer one search may make. What is decoded and written as JSON
	// is several times that.
	MaxBytes = 16 << 20
	// sureSearchBytes is how much a search may take whatever others hold, so that each comes forward.
	sureSearchBytes = 1 << 20
)

// Memory is what a search may read into memory: its own bound, and beyond a little what the
// answers that are being built at the same time leave.
type Memory struct {
	ctx   context.Context // of the answer
	taken int64
	held  int64 // of what all answers share
	gone  bool
}

// NewMemory returns the memory of the answer whose context it is.
func NewMemory(ctx context.Context) Memory { return Memory{ctx: ctx} }

// Take says whether there is room for more, after so many bytes. What is taken is there in any case.
func (m *Memory) Take(bytes int) bool {
	m.taken += int64(bytes)
	if m.taken > MaxBytes {
		m.gone = true
	}
	// Shares are taken in large steps: rows are small.
	if over := m.taken - sureSearchBytes; !m.gone && over > m.held {
		step := max(over-m.held, sureSearchBytes)
		if m.gone = !plait.HoldAnswerBytes(m.ctx, step); !m.gone {
			m.held += step
		}
	}
	return !m.gone
}

// GiveBack gives back to others what was taken, for who keeps nothing of it.
func (m *Memory) GiveBack() {
	plait.HoldAnswerBytes(m.ctx, -m.held)
	m.held = 0
}

// Left says whether there is room.
func (m *Memory) Left() bool { return !m.gone }

// RowBytes is what a row takes apart from its text.
const RowBytes = 200

// SharedSize adds up what dictionaries hold and every record of an answer repeats.
type SharedSize map[*plait.Resource]int

// Of is the size of a record's resource and attributes in JSON, less what its row has of them.
func (s SharedSize) Of(r *plait.Resource, all plait.Attributes, own string) int {
	size, ok := s[r]
	if !ok {
		size = attributesSize(r.Attributes)
		s[r] = size
	}
	return size + max(0, attributesSize(all)-len(own))
}

func attributesSize(all plait.Attributes) int {
	size := 0
	for i := range all {
		size += len(all[i].Key) + len(all[i].Value.Text()) + 6
	}
	return size
}

// FittingOf returns how many of some records fit with all that they repeat: at least one. size tells of
// each what its row has and what dictionaries add; the rows are counted already.
func (m *Memory) FittingOf(n int, size func(i int, shared SharedSize) (own, repeated int)) int {
	shared := SharedSize{}
	all, extra := 0, Memory{ctx: m.ctx}
	for i := range n {
		own, repeated := size(i, shared)
		all += own + repeated
		if (!extra.Take(repeated) || all > MaxBytes) && i > 0 {
			return i
		}
	}
	return n
}

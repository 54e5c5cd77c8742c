package store

import (
	"context"

	"github.com/plaithq/plait"
)

const (
	// maxSearchBytes is how much of an answer one search may make. What is decoded and written as JSON
	// is several times that.
	maxSearchBytes = 16 << 20
	// sureSearchBytes is how much a search may take whatever others hold, so that each comes forward.
	sureSearchBytes = 1 << 20
)

// searchMemory is what a search may read into memory: its own bound, and beyond a little what the
// answers that are being built at the same time leave.
type searchMemory struct {
	ctx   context.Context // of the answer
	taken int64
	held  int64 // of what all answers share
	gone  bool
}

func newSearchMemory(ctx context.Context) searchMemory { return searchMemory{ctx: ctx} }

// take says whether there is room for more, after so many bytes. What is taken is there in any case.
func (m *searchMemory) take(bytes int) bool {
	m.taken += int64(bytes)
	if m.taken > maxSearchBytes {
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

// left says whether there is room.
func (m *searchMemory) left() bool { return !m.gone }

// rowBytes is what a row takes apart from its text.
const rowBytes = 200

func (r *storedSpan) size() int { return rowBytes + len(r.attributes) + len(r.extra) }

func (r *storedLog) size() int { return rowBytes + len(r.body) + len(r.attributes) + len(r.extra) }

func summarySize(t *plait.TraceSummary) int {
	size := rowBytes
	for _, service := range t.Services {
		size += len(service)
	}
	return size
}

// sharedSize adds up what dictionaries hold and every record of an answer repeats.
type sharedSize map[*plait.Resource]int

// of is the size of a record's resource and attributes in JSON, less what its row has of them.
func (s sharedSize) of(r *plait.Resource, all plait.Attributes, own string) int {
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

// fitting returns how many of some records fit with all that they repeat: at least one. Their rows are
// counted already.
func (m *searchMemory) fitting(records []plait.LogRecord, rows []storedLog) int {
	return m.fittingOf(len(records), func(i int, shared sharedSize) (own, repeated int) {
		r := &records[i]
		return rows[i].size(), shared.of(r.Resource, r.Attributes, rows[i].attributes)
	})
}

// fittingSpans is fitting for spans.
func (m *searchMemory) fittingSpans(spans []plait.Span) int {
	return m.fittingOf(len(spans), func(i int, shared sharedSize) (own, repeated int) {
		return rowBytes, shared.of(spans[i].Resource, spans[i].Attributes, "")
	})
}

func (m *searchMemory) fittingOf(n int, size func(i int, shared sharedSize) (own, repeated int)) int {
	shared := sharedSize{}
	all, extra := 0, searchMemory{ctx: m.ctx}
	for i := range n {
		own, repeated := size(i, shared)
		all += own + repeated
		if (!extra.take(repeated) || all > maxSearchBytes) && i > 0 {
			return i
		}
	}
	return n
}

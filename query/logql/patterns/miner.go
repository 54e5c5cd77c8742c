package patterns

import (
	"hash/maphash"
	"slices"
	"strings"
)

// maxGroups is how many groups of lines a miner keeps, of some 2 KiB at most.
const maxGroups = 128

// Miner learns the patterns of a source's lines, one after another, as Drain does: lines of one structure whose words are
// mostly the same are a group, and the words in which they differ vary. It belongs to one goroutine.
type Miner struct {
	hash   maphash.Hash // with a seed of its own
	line   text
	groups []*group
	turn   uint64
}

// group is lines with a pattern.
type group struct {
	structure uint64
	gaps      []string
	words     []string
	pattern   string // made of them
	lines     int    // up to 2
	used      uint64 // the turn
}

// NewMiner makes a miner that knows nothing.
func NewMiner() *Miner { return &Miner{} }

// Learn returns the pattern of a line as far as it is known, and empty for the first of its group: a line without its like
// has no pattern. When there are too many groups, the one that was not used for longest is forgotten.
func (m *Miner) Learn(line string) string {
	m.turn++
	m.line.read(line)
	structure := m.structure()
	g := m.find(structure)
	if g == nil {
		m.enter(&group{structure: structure, gaps: clones(m.line.gaps), words: clones(m.line.words), lines: 1, used: m.turn})
		return ""
	}
	g.used = m.turn
	changed := g.lines < 2
	g.lines = 2
	for i, w := range m.line.words {
		if g.words[i] != w && g.words[i] != Any {
			g.words[i], changed = Any, true
		}
	}
	if changed {
		g.pattern = (&text{g.gaps, g.words}).String()
	}
	return g.pattern
}

// structure is a hash of the gaps.
func (m *Miner) structure() uint64 {
	m.hash.Reset()
	for _, gap := range m.line.gaps {
		_, _ = m.hash.WriteString(gap) // never fails
		_ = m.hash.WriteByte(0)
	}
	return m.hash.Sum64()
}

// find returns the group that is most like the line.
func (m *Miner) find(structure uint64) (best *group) {
	most := -1
	for _, g := range m.groups {
		if g.structure != structure || !slices.Equal(g.gaps, m.line.gaps) {
			continue
		}
		if share, ok := alike(g.words, m.line.words); ok && share > most {
			best, most = g, share
		}
	}
	return best
}

func (m *Miner) enter(g *group) {
	if len(m.groups) < maxGroups {
		m.groups = append(m.groups, g)
		return
	}
	oldest := 0
	for i, other := range m.groups {
		if other.used < m.groups[oldest].used {
			oldest = i
		}
	}
	m.groups[oldest] = g
}

// clones copies texts into one.
func clones(of []string) []string {
	all := strings.Join(of, "")
	to := make([]string, len(of))
	for i, s := range of {
		to[i], all = all[:len(s)], all[len(s):]
	}
	return to
}

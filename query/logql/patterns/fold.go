package patterns

import "strings"

const (
	// maxAlternatives is how many different words may stand at a place of lines that are alike: of more, the
	// place varies. A level or a method has as few, a user's name has not.
	maxAlternatives = 8
	// maxStatements is how many patterns lines that are alike may have: of more, the words with most alternatives vary, until
	// there are as few. So a few users, cities and methods do not multiply.
	maxStatements = 8
	// maxGathered bounds the groups of one structure. Further texts are patterns of their own.
	maxGathered = 200
)

// gathered are texts that are alike.
type gathered struct {
	members []int
	words   []string // of the first
}

// Fold returns for each of some lines, templates or patterns the pattern that it shares with others among them. They
// should come in an order, such as that of their frequency, that does not change from call to call.
func Fold(lines []string) []string {
	texts := make([]text, len(lines))
	byGaps := map[string][]*gathered{}
	var all []*gathered
	for i, line := range lines {
		texts[i].read(line)
		key := strings.Join(texts[i].gaps, "\x00")
		groups := byGaps[key]
		g := nearest(groups, texts[i].words)
		if g == nil {
			g = &gathered{words: texts[i].words}
			all = append(all, g)
			if len(groups) < maxGathered {
				byGaps[key] = append(groups, g)
			}
		}
		g.members = append(g.members, i)
	}
	folded := make([]string, len(lines))
	for _, g := range all {
		varies := g.varies(texts)
		for _, i := range g.members {
			for at := range varies {
				if varies[at] {
					texts[i].words[at] = Any
				}
			}
			folded[i] = texts[i].String()
		}
	}
	return folded
}

func nearest(groups []*gathered, words []string) (best *gathered) {
	most := -1
	for _, g := range groups {
		if share, ok := alike(g.words, words); ok && share > most {
			best, most = g, share
		}
	}
	return best
}

// varies says which words of a group do: one member's does, or there are too many different ones.
func (g *gathered) varies(texts []text) []bool {
	varies := make([]bool, len(g.words))
	different := make([]map[string]bool, len(g.words))
	for at := range g.words {
		different[at] = map[string]bool{}
		for _, i := range g.members {
			different[at][texts[i].words[at]] = true
			if varies[at] = different[at][Any] || len(different[at]) > maxAlternatives; varies[at] {
				break
			}
		}
	}
	for g.hasMoreStatements(texts, varies) {
		most := 0
		for at := range varies {
			if !varies[at] && (varies[most] || len(different[at]) >= len(different[most])) {
				most = at
			}
		}
		varies[most] = true
	}
	return varies
}

// hasMoreStatements says whether the words that do not vary tell more than maxStatements apart.
func (g *gathered) hasMoreStatements(texts []text, varies []bool) bool {
	statements := map[string]bool{}
	var key []byte
	for _, i := range g.members {
		key = key[:0]
		for at, word := range texts[i].words {
			if !varies[at] {
				key = append(append(key, word...), 0)
			}
		}
		if statements[string(key)] = true; len(statements) > maxStatements {
			return true
		}
	}
	return false
}

package terms

import (
	"bytes"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Needle is a text that bodies are searched for, at any place and in any case. What narrows such a search:
//
//   - a template that has the text, or may have it with digits in place of Placeholder; then the log classes with
//     such a template,
//   - in bodies without a template: words of the text, and parts of words at its ends of at least three
//     characters, which are looked up among the words of a segment,
//   - runs of digits, of four digits if the text has what is before them, else of six.
//
// Text of one or two letters, of a few digits with nothing before them, or of the letters from a to f, which
// may be in any hexadecimal number, narrows little or nothing.
type Needle struct {
	readings []reading // nil: too many
}

// reading is one way in which a text may be taken apart where bodies have it. There are several, for the
// text may begin or end within a word: 12ab may be in a hexadecimal number or in 12abc45x.
type reading struct {
	template string // the text, as a folded template has it
	literals []literal
	runs     []openRun
}

type literal struct {
	text                string
	openLeft, openRight bool
}

type openRun literal

// maxReadings bounds how many are told apart; a text with more narrows nothing.
const maxReadings = 32

// NewNeedle takes apart a text that is searched for.
func NewNeedle(text string) *Needle {
	folded := Fold(text)
	readings := [][]piece{nil}
	for at := 0; ; {
		w, ok := nextWord(folded, at)
		if !ok {
			break
		}
		at = w.to
		ways := waysToRead(folded, w)
		next := make([][]piece, 0, len(readings)*len(ways))
		for _, r := range readings {
			for _, way := range ways {
				next = append(next, append(r[:len(r):len(r)], way...))
			}
		}
		if readings = next; len(readings) > maxReadings {
			return &Needle{}
		}
	}
	n := &Needle{}
	for _, pieces := range readings {
		n.readings = append(n.readings, newReading(folded, pieces))
	}
	return n
}

// waysToRead returns what pieces a word of a searched text may be in bodies that have the text.
func waysToRead(s string, w span) (ways [][]piece) {
	p := piece{from: w.from, to: w.to, openLeft: w.from == 0, openRight: w.to == len(s)}
	if w.all&lone != 0 {
		p.openLeft, p.openRight = false, false
	}
	open := p.openLeft || p.openRight
	asRun := p
	asRun.run = true
	var split []piece
	splitWord(s, w, p.openLeft, p.openRight, func(p piece) { split = append(split, p) })
	hyphen := w.from > 0 && s[w.from-1] == '-' || w.to < len(s) && s[w.to] == '-'
	switch {
	case !w.hasDigit() && w.isHex() && (open || w.isGroup() && hyphen):
		return [][]piece{{p}, {asRun}}
	case !w.hasDigit():
		return [][]piece{{p}}
	case !w.isHex():
		return [][]piece{split}
	case !open, w.isDecimal():
		return [][]piece{{asRun}}
	}
	return [][]piece{{asRun}, split}
}

func newReading(folded string, pieces []piece) (r reading) {
	var template strings.Builder
	before := 0
	for _, p := range pieces {
		l := literal{folded[p.from:p.to], p.openLeft, p.openRight}
		if !p.run {
			r.literals = append(r.literals, l)
			continue
		}
		r.runs = append(r.runs, openRun(l))
		template.WriteString(folded[before:p.from])
		template.WriteByte(Placeholder)
		before = p.to
	}
	template.WriteString(folded[before:])
	r.template = template.String()
	return r
}

// maxClassTerms is how many classes a search asks for. With more it is one of common text.
const maxClassTerms = 4096

// Plan asks for bodies with the text. templates yields the term of each log class with a template, and the
// template, folded (see Fold).
func (n *Needle) Plan(h *Hasher, templates iter.Seq2[Term, string]) *Plan {
	if len(n.readings) == 0 {
		return Everything()
	}
	classes := make([][]Term, len(n.readings))
	for class, template := range templates {
		for i := range n.readings {
			if strings.Contains(template, n.readings[i].template) {
				classes[i] = append(classes[i], class)
			}
		}
	}
	ways := []*Plan{{kind: unindexedText}}
	for i := range n.readings {
		ways = append(ways, n.readings[i].plan(h, classes[i]))
	}
	return OneOf(ways...)
}

// MayBeIn says whether bodies with a template, which is folded, may have the text.
func (n *Needle) MayBeIn(template string) bool {
	return len(n.readings) == 0 || slices.ContainsFunc(n.readings, func(r reading) bool { return strings.Contains(template, r.template) })
}

func (r *reading) plan(h *Hasher, classes []Term) *Plan {
	runs := make([]*Plan, len(r.runs))
	for i, run := range r.runs {
		runs[i] = run.plan(h)
	}
	all := All(runs...)
	if len(classes) > maxClassTerms || r.runsTellMore(len(classes)) && !all.NarrowsNothing() {
		return all
	}
	free := []*Plan{h.AnyID(freeText, 0)}
	for _, l := range r.literals {
		free = append(free, l.plan(h))
	}
	return All(OneOf(Any(classes...), All(free...)), all)
}

const (
	// rareRun is the length from which a run of digits is hardly ever a year, a status or a small number.
	rareRun = startLength
	// fewClasses is how many classes are worth a look beside such a run: each is a list to read in each segment.
	fewClasses = 32
)

// runsTellMore says that the runs narrow a search so far that to look up its classes, of which there are so many, would
// cost more than to compare the rows that it saves.
func (r *reading) runsTellMore(classes int) bool {
	if r.template == string(Placeholder) {
		return true // any body with the run has the text
	}
	return classes > fewClasses && slices.ContainsFunc(r.runs, func(run openRun) bool { return len(run.text) >= rareRun })
}

// shortestPart is the length of the shortest part of a word, in characters, that is looked up.
const shortestPart = 3

func (l *literal) plan(h *Hasher) *Plan {
	if !l.openLeft && !l.openRight {
		return Any(h.Text(word, l.text))
	}
	if utf8.RuneCountInString(l.text) < shortestPart {
		return Everything()
	}
	return &Plan{kind: partOfWord, part: newWordPart(l)}
}

// hexDigits are what may follow the first digits of a run.
const hexDigits = "0123456789abcdef"

func (r *openRun) plan(h *Hasher) *Plan {
	text := r.text
	switch n := len(text); {
	case n < shortestRun:
		return Everything()
	case !r.openLeft && !r.openRight:
		return Any(h.Text(run, text))
	case r.openLeft:
		return partPlan(h, text)
	case n > startLength:
		return All(Any(h.Text(runStart, text[:startLength])), partPlan(h, text))
	case n == startLength:
		return Any(h.Text(run, text), h.Text(runStart, text))
	}
	terms := []Term{h.Text(run, text)}
	for _, c := range hexDigits {
		terms = append(terms, h.Text(run, text+string(c)), h.Text(runStart, text+string(c)))
	}
	return Any(terms...)
}

// partPlan asks for runs with some digits in them: for the parts that are sure to be terms.
func partPlan(h *Hasher, text string) *Plan {
	s := Splitter{hasher: h, digits: []byte(text)}
	var sure []*Plan
	for _, t := range s.runParts(s.runParts(nil, windowOfLong, false), window, true) {
		sure = append(sure, Any(t))
	}
	var short []*Plan
	for _, t := range s.runParts(nil, window, false) {
		short = append(short, Any(t))
	}
	if len(text) >= longRunFrom {
		return All(sure...)
	}
	return All(All(sure...), OneOf(All(short...), h.AnyID(longRun, 0)))
}

// wordPart is a part of a word that is looked up among the words of a segment, which stand one after the other
// with wordEnd behind each.
type wordPart struct {
	text       string
	start, end bool // the word begins, or ends, with it
}

func newWordPart(l *literal) wordPart { return wordPart{l.text, !l.openLeft, !l.openRight} }

// maxPartWords is how many words with a part are asked for. A part that more have narrows nothing.
const maxPartWords = 1024

// find returns the words that have the part; false if there are too many.
func (p *wordPart) find(words []byte) (found [][]byte, ok bool) {
	for rest := words; ; {
		i := bytes.Index(rest, []byte(p.text))
		if i < 0 {
			return found, true
		}
		at := len(words) - len(rest) + i
		begin := bytes.LastIndexByte(words[:at], wordEnd) + 1
		size := bytes.IndexByte(words[at:], wordEnd)
		if size < 0 {
			return found, true
		}
		w := words[begin : at+size]
		if p.fits(string(w)) {
			if len(found) == maxPartWords {
				return nil, false
			}
			found = append(found, w)
		}
		rest = words[at+size+1:]
	}
}

func (p *wordPart) fits(w string) bool {
	return strings.Contains(w, p.text) && (!p.start || strings.HasPrefix(w, p.text)) && (!p.end || strings.HasSuffix(w, p.text))
}

package terms

import (
	"slices"
)

const (
	// Placeholder stands in a template for a run of digits.
	Placeholder = '\x01'

	// maxBodyTerms bounds the terms of one body. A unit with a body of more is in the answer to every search
	// for text.
	maxBodyTerms = 1024

	shortestRun  = 4
	startLength  = 5 // of the first digits that are a term
	partLength   = 5 // of digits within a run
	window       = 2 // of so many parts in a row one is a term,
	windowOfLong = 10
	longRunFrom  = 16 // or in a run as long as this, unless all digits are decimal
)

// Splitter takes log bodies apart. It belongs to one writer.
type Splitter struct {
	hasher   *Hasher
	template []byte
	digits   []byte
	parts    []uint64
}

// NewSplitter makes a splitter.
func NewSplitter(h *Hasher) *Splitter { return &Splitter{hasher: h} }

// Split returns the template of a body, in which Placeholder stands for each run of digits, valid until the
// next call, and appends the terms of the runs. It returns false when there are too many: then
// Block.Runs is told so. The body is one as it is stored.
func (s *Splitter) Split(terms []Term, body string) (template []byte, all []Term, whole bool) {
	s.template = s.template[:0]
	before, begin := 0, len(terms)
	pieces(body, func(p piece) {
		if p.run {
			s.template = append(append(s.template, body[before:p.from]...), Placeholder)
			before = p.to
			if len(terms)-begin <= maxBodyTerms {
				terms = s.run(terms, body[p.from:p.to])
			}
		}
	})
	s.template = append(s.template, body[before:]...)
	if len(terms)-begin > maxBodyTerms {
		return s.template, terms[:begin+maxBodyTerms], false
	}
	return s.template, terms, true
}

// run appends the terms of a run.
//
// The whole run and its beginning find numbers that are asked for with what stands before
// them. A number that stands alone in a search may be the middle of a longer one. It is found by parts of
// five digits, and not by all of them: of two parts that follow one another, that with the lower hash is a term. So six digits
// that are searched for have a part that is a term in every run with these six. Traces' ids and the like
// would have thirty parts; of these one of ten is a term, if they have letters, and it takes fourteen
// digits to be sure of one.
func (s *Splitter) run(terms []Term, text string) []Term {
	n := len(text)
	if n < shortestRun {
		return terms
	}
	s.digits = append(s.digits[:0], text...)
	for i, c := range s.digits {
		s.digits[i] = c | 0x20 // digits have the bit
	}
	terms = append(terms, term(hashText(s.hasher, run, s.digits)))
	if n > startLength {
		terms = append(terms, term(hashText(s.hasher, runStart, s.digits[:startLength])))
	}
	if n >= longRunFrom {
		terms = append(terms, s.hasher.ID(longRun, 0))
		terms = s.runParts(terms, windowOfLong, false)
		return s.runParts(terms, window, true)
	}
	return s.runParts(terms, window, false)
}

// runParts appends the parts of s.digits that are the least of a window of so many, of all windows, or of
// those with decimal digits only.
func (s *Splitter) runParts(terms []Term, window int, decimal bool) []Term {
	n := len(s.digits) - partLength + 1
	if n < window {
		return terms
	}
	s.parts = s.parts[:0]
	for i := range n {
		s.parts = append(s.parts, hashText(s.hasher, runPart, s.digits[i:i+partLength]))
	}
	last := uint64(0)
	letters := 0 // how far windows with letters go
	for i := range n - window + 1 {
		if decimal {
			for j := max(letters, i); j < i+window+partLength-1; j++ {
				if s.digits[j] > '9' {
					letters = j + 1
				}
			}
			if letters > i {
				continue
			}
		}
		if least := slices.Min(s.parts[i : i+window]); least != last {
			terms = append(terms, term(least))
			last = least
		}
	}
	return terms
}

// wordEnd stands behind each word of a vocabulary, and in none.
const wordEnd = '\n'

// Runs adds the terms of the current row's body, from Split; whole says that they are all there.
func (b *Block) Runs(terms []Term, whole bool) {
	for _, t := range terms {
		b.Add(t)
	}
	if !whole {
		b.units[len(b.units)-1].flags |= beyond
	}
}

// FreeText adds the words of the current row's body, of which no class keeps the template.
func (b *Block) FreeText(body string) {
	b.ID(freeText, 0)
	u := &b.units[len(b.units)-1]
	words := 0
	pieces(body, func(p piece) {
		if p.run || u.flags&beyond != 0 {
			return
		}
		if words++; words > maxBodyTerms {
			u.flags |= beyond
			return
		}
		text := Fold(body[p.from:p.to])
		hash := hashText(b.hasher, word, text)
		b.Add(term(hash))
		if !b.keepWord(hash, text) {
			u.flags |= beyond
		}
	})
}

// keepWord keeps the text of a word, if it has not been kept before.
func (b *Block) keepWord(hash uint64, text string) bool {
	recent := &b.recentWords[hash%uint64(len(b.recentWords))]
	if *recent == hash {
		return true
	}
	if _, ok := b.word[hash]; !ok {
		if len(text) > maxWord || len(b.words)+len(text)+1 > maxBlockWords {
			return false
		}
		b.word[hash] = struct{}{}
		b.words = append(append(b.words, text...), wordEnd)
	}
	*recent = hash
	return true
}

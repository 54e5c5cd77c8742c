package terms

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold makes texts equal that differ in case only, a rune at a time: it is how words are indexed, and how templates
// are compared. It is no finer than any comparison without case: all that Go or a locale of Postgres takes for
// the lower case of a rune folds with it, and so do the dotted and the dotless i. NUL and what is not UTF-8, which
// no stored text has, become U+FFFD.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c == 0 || c >= 'A' && c <= 'Z' {
			return s[:i] + strings.Map(foldRune, s[i:])
		}
	}
	return s
}

func foldRune(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r == 0:
		return utf8.RuneError
	case r < utf8.RuneSelf:
		return r
	case r == 'İ', r == 'ı':
		return 'i'
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return unicode.ToLower(least)
}

// What a byte, or a rune after folding, is. Letters and digits make words.
const (
	letter = 1 << iota
	digit
	hexDigit
	lone // a letter that is a word by itself: its script has no spaces
	wide // a byte of a longer rune
)

var classes = func() (c [256]byte) {
	for i := range c {
		switch {
		case i >= utf8.RuneSelf:
			c[i] = wide
		case i >= '0' && i <= '9':
			c[i] = letter | digit | hexDigit
		case i >= 'a' && i <= 'f', i >= 'A' && i <= 'F':
			c[i] = letter | hexDigit
		case i >= 'a' && i <= 'z', i >= 'A' && i <= 'Z':
			c[i] = letter
		}
	}
	return c
}()

var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

// classOf tells what stands at the beginning of a text, and how long it is.
func classOf(s string) (class byte, size int) {
	if class := classes[s[0]]; class != wide {
		return class, 1
	}
	r, size := utf8.DecodeRuneInString(s)
	switch r = foldRune(r); {
	case r < utf8.RuneSelf:
		return classes[r], size
	case unicode.In(r, unspaced...):
		return letter | lone, size
	case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsNumber(r):
		return letter, size
	}
	return 0, size
}

// span is a word of a text.
type span struct {
	from, to int
	some     byte // what some of its characters are
	all      byte // what all are
}

func (w *span) hasDigit() bool { return w.some&digit != 0 }

// isHex says that the word may be a hexadecimal number, as far as its characters go.
func (w *span) isHex() bool { return w.all&hexDigit != 0 }

func (w *span) isDecimal() bool { return w.all&digit != 0 }

// isGroup says that the word is as long as the groups of a UUID.
func (w *span) isGroup() bool {
	n := w.to - w.from
	return w.isHex() && (n == 4 || n == 8 || n == 12)
}

// nextWord finds the first word of a text from a position on.
func nextWord(s string, at int) (w span, ok bool) {
	class, size := byte(0), 1
	for ; class == 0; at += size {
		if at == len(s) {
			return w, false
		}
		if class, size = classes[s[at]], 1; class == wide {
			class, size = classOf(s[at:])
		}
	}
	w = span{at - size, at, class, class}
	for class&lone == 0 && w.to < len(s) {
		if class, size = classes[s[w.to]], 1; class == wide {
			class, size = classOf(s[w.to:])
		}
		if class == 0 || class&lone != 0 {
			break
		}
		w.to += size
		w.some |= class
		w.all &= class
	}
	return w, true
}

// piece is a part of a text that is indexed: a literal, or a run of digits.
type piece struct {
	from, to int
	run      bool
	// In a text that is searched for: more of the same literal or run may come before or behind.
	openLeft, openRight bool
}

// pieces finds the literals and runs of a text, in order.
//
// A word without digits is a literal. A word of hexadecimal digits only, with a decimal one among
// them, is a run. Of any other word the decimal digits are runs and what is between them are literals: it
// takes no look at a word's neighbours to tell. There is one exception, for UUIDs, whose groups may happen
// to be without decimal digits: a word of 4, 8 or 12 letters from a to f is a run, if a hyphen joins it to a
// run of such a length.
func pieces(s string, emit func(piece)) {
	group := -1 // where a run as long as a group ended
	for at := 0; ; {
		w, ok := nextWord(s, at)
		if !ok {
			return
		}
		at = w.to
		switch {
		case w.hasDigit() && !w.isHex():
			splitWord(s, w, false, false, emit)
			continue
		case w.hasDigit() || w.isGroup() && (group == w.from-1 && group >= 0 && s[group] == '-' || groupFollows(s, at)):
			emit(piece{from: w.from, to: w.to, run: true})
			if w.isGroup() {
				group = at
			}
		default:
			emit(piece{from: w.from, to: w.to})
		}
	}
}

// groupFollows says whether a hyphen and a group with a digit follow.
func groupFollows(s string, at int) bool {
	if at+1 >= len(s) || s[at] != '-' || classes[s[at+1]]&hexDigit == 0 {
		return false
	}
	w, ok := nextWord(s, at+1)
	return ok && w.isGroup() && w.hasDigit()
}

// splitWord takes the decimal digits of a word and what is between them apart. In a text that is searched
// for, the word may go on to the left or right.
func splitWord(s string, w span, openLeft, openRight bool, emit func(piece)) {
	isDigit := func(i int) bool { return s[i] >= '0' && s[i] <= '9' }
	for at := w.from; at < w.to; {
		p := piece{from: at, run: isDigit(at), openLeft: openLeft && at == w.from}
		for at < w.to && isDigit(at) == p.run {
			at++
		}
		p.to, p.openRight = at, openRight && at == w.to
		emit(p)
	}
}

// Package patterns finds what log lines have in common: patterns as LogQL's |> has them, with <_> for what
// varies. Words with digits vary at once; others do where lines alike differ in them. The writer of log records
// mines with it, and answers fold with it what was counted apart. A pattern of a line fits this line.
package patterns

import (
	"strings"
	"unicode/utf8"
)

// Any stands in a pattern for one or more characters.
const Any = "<_>"

// Bounds of what is read of a line. What is behind it varies.
const (
	maxBytes = 1 << 10
	maxWords = 128
)

// digits stands in a template of the store for a run of digits.
const digits = '\u0001'

// Of returns the pattern of a line, of a template with U+0001 for runs of digits, or of a pattern.
func Of(line string) string {
	var t text
	t.read(line)
	return t.String()
}

// text is a line as words and what is between them. Lines with the same gaps are of one structure.
type text struct {
	gaps  []string // one more than words
	words []string // Any: it varies
}

// read takes a line apart. Its parts belong to the line.
func (t *text) read(line string) {
	t.gaps, t.words = t.gaps[:0], t.words[:0]
	cut := len(line) > maxBytes
	if cut {
		end := maxBytes
		for end > maxBytes-utf8.UTFMax && !utf8.RuneStart(line[end]) {
			end--
		}
		line = line[:end]
	}
	gap, at := 0, 0 // where the gap before the next word begins, and how far all is read
	for at < len(line) && len(t.words) < maxWords {
		end, varies, ok := nextWord(line, at)
		switch {
		case !ok:
			at = end
			continue
		case varies:
			t.vary(line[gap:at])
		default:
			t.gaps, t.words = append(t.gaps, line[gap:at]), append(t.words, line[at:end])
		}
		gap, at = end, end
	}
	if cut || at < len(line) {
		t.vary(line[gap:at])
		gap = at
	}
	t.gaps = append(t.gaps, line[gap:at])
}

// vary adds a word that varies. With one before it and nothing but colons or a plus between, they are one, as in times
// and addresses.
func (t *text) vary(gap string) {
	if n := len(t.words); n > 0 && t.words[n-1] == Any && joins(gap) {
		return
	}
	t.gaps, t.words = append(t.gaps, gap), append(t.words, Any)
}

func joins(gap string) bool { return gap == "" || gap == ":" || gap == "::" || gap == "+" }

// What a byte is in a word.
const (
	letter  = 1 << iota
	varying // a digit, or a mark for digits
	joining // part of a word between others
)

var classes = func() (c [256]byte) {
	for i := range c {
		switch {
		case i >= '0' && i <= '9', i == digits:
			c[i] = varying
		case i >= 'a' && i <= 'z', i >= 'A' && i <= 'Z', i >= utf8.RuneSelf:
			c[i] = letter
		case i == '_', i == '-', i == '.':
			c[i] = joining
		}
	}
	return c
}()

// nextWord says where the word ends that begins at a place. Without one there, the place behind belongs to a gap.
func nextWord(line string, at int) (end int, varies, ok bool) {
	if line[at] == '<' {
		if end := capture(line, at); end > 0 {
			return end, true, true
		}
	}
	some := byte(0)
	for end = at; end < len(line) && classes[line[end]] != 0; end++ {
		some |= classes[line[end]]
	}
	if some&(letter|varying) == 0 {
		return max(end, at+1), false, false
	}
	return end, some&varying != 0, true
}

// capture finds the end of what a pattern takes for a capture, or 0: <name>.
func capture(line string, at int) int {
	for end := at + 1; end < len(line); end++ {
		switch c := line[end]; {
		case c == '>' && end > at+1:
			return end + 1
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9' && end > at+1:
		default:
			return 0
		}
	}
	return 0
}

// String is the pattern.
func (t *text) String() string {
	var b strings.Builder
	b.WriteString(t.gaps[0])
	for i, w := range t.words {
		if i > 0 {
			if w == Any && t.words[i-1] == Any && joins(t.gaps[i]) {
				continue
			}
			b.WriteString(t.gaps[i])
		}
		b.WriteString(w)
	}
	if n := len(t.words); n > 0 {
		b.WriteString(t.gaps[n])
	}
	return b.String()
}

// alike says whether texts of one structure are of one statement: of the words that do not vary in both, three of
// five are the same. So two words of which one differs are two statements, and of three they may be one.
func alike(a, b []string) (share int, ok bool) {
	if len(a) != len(b) {
		return 0, false
	}
	same, of := 0, 0
	for i, w := range a {
		switch {
		case w != b[i]:
			of++
		case w != Any:
			same++
			of++
		}
	}
	if of == 0 {
		return 100, true
	}
	share = 100 * same / of
	return share, share >= 60
}

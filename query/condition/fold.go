package condition

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold makes upper and lower case one: each character is its lower-case one, as strings.ToLower has it.
// Characters that only look alike stay apart, as do ß and ss.
func Fold(s string) string { return strings.ToLower(s) }

// containsFold says whether a text has a part whose Fold is folded.
func containsFold(s, folded string) bool {
	return findFold(s, folded, func(int, int) bool { return true })
}

// hasWord says whether a text has such a part with neither a letter nor a digit beside it.
func hasWord(s, folded string) bool {
	return findFold(s, folded, func(from, to int) bool {
		before, _ := utf8.DecodeLastRuneInString(s[:from])
		after, _ := utf8.DecodeRuneInString(s[to:])
		return !ofWord(before) && !ofWord(after)
	})
}

func ofWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// findFold says whether one of the parts of a text whose Fold is folded will do. It makes no copy of the
// text: most bodies that are searched do not fit.
func findFold(s, folded string, do func(from, to int) bool) bool {
	if folded == "" {
		return do(0, 0)
	}
	const caseBit = 'a' - 'A' // all that upper and lower case of ASCII differ in
	first := folded[0] | caseBit
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c|caseBit != first && c < utf8.RuneSelf || !utf8.RuneStart(c) {
			continue
		}
		if n := foldedPrefix(s[i:], folded); n >= 0 && do(i, i+n) {
			return true
		}
	}
	return false
}

// foldedPrefix is the length of what a text begins with and whose Fold is folded, or -1.
func foldedPrefix(s, folded string) int {
	i, j := 0, 0
	for j < len(folded) {
		if i == len(s) {
			return -1
		}
		if s[i] < utf8.RuneSelf {
			if lowerASCII(s[i]) != folded[j] {
				return -1
			}
			i, j = i+1, j+1
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		want, wantSize := utf8.DecodeRuneInString(folded[j:])
		if unicode.ToLower(r) != want {
			return -1
		}
		i, j = i+size, j+wantSize
	}
	return i
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

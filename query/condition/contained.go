package condition

import (
	"regexp/syntax"
)

// Contained returns a text that is a part of every text which fits a leaf, upper and lower case being one: for
// an index of words. It is not ok where nothing but an empty text would be.
func (l Leaf) Contained() (text string, ok bool) {
	if l.Field.Path != "" || l.Value.typ != TypeString && l.Value.typ != TypeText {
		return "", false
	}
	switch l.Op {
	case OpEqual, OpContains, OpContainsFold, OpHasWord:
		text = l.Value.text
	case OpRegexp, OpSearch:
		parsed, err := syntax.Parse(l.Value.text, syntax.Perl|syntax.DotNL)
		if err != nil {
			return "", false
		}
		text = longestLiteral(parsed)
	}
	return text, text != ""
}

// longestLiteral is the longest text without choices that is in every text which fits an expression.
func longestLiteral(r *syntax.Regexp) (longest string) {
	switch r.Op {
	case syntax.OpLiteral:
		return string(r.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return longestLiteral(r.Sub[0])
	case syntax.OpRepeat:
		if r.Min > 0 {
			return longestLiteral(r.Sub[0])
		}
	case syntax.OpConcat:
		for _, sub := range r.Sub {
			if text := longestLiteral(sub); len(text) > len(longest) {
				longest = text
			}
		}
	}
	return longest
}

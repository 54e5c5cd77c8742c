package condition

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

// wholeText compiles an expression that has to fit a text as a whole. A dot fits a line break, as
// Prometheus, TraceQL and the selectors of LogQL have it.
//
// Most expressions that people and Grafana write are a choice of words, or a word with anything before
// or behind it: these are compared without the machine, which takes ten times as long.
func wholeText(expression string) (func(string) bool, error) {
	parsed, err := parseRegexp(expression, syntax.Perl|syntax.DotNL)
	if err != nil {
		return nil, err
	}
	if words, ok := words(parsed.Simplify()); ok {
		if len(words) == 1 {
			word := words[0]
			return func(s string) bool { return s == word }, nil
		}
		slices.Sort(words)
		return func(s string) bool {
			_, found := slices.BinarySearch(words, s)
			return found
		}, nil
	}
	if fits := around(parsed); fits != nil {
		return fits, nil
	}
	// the group keeps what the expression chooses among together
	machine, err := regexp.Compile(`^(?s:` + expression + `)$`)
	if err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "regular expression %.200q: %w", expression, err)
	}
	return machine.MatchString, nil
}

// somewhere compiles an expression that has to fit a part of a text.
func somewhere(expression string) (func(string) bool, error) {
	parsed, err := parseRegexp(expression, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if words, ok := words(parsed.Simplify()); ok && len(words) == 1 {
		word := words[0]
		return func(s string) bool { return strings.Contains(s, word) }, nil
	}
	machine, err := regexp.Compile(expression)
	if err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "regular expression %.200q: %w", expression, err)
	}
	return machine.MatchString, nil
}

func parseRegexp(expression string, flags syntax.Flags) (*syntax.Regexp, error) {
	parsed, err := syntax.Parse(expression, flags)
	if err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "regular expression %.200q: %w", expression, err)
	}
	return parsed, nil
}

// maxWords bounds how many words an expression is written out as.
const maxWords = 128

// words are all texts that an expression fits, if they are few.
func words(r *syntax.Regexp) ([]string, bool) {
	switch r.Op {
	case syntax.OpEmptyMatch:
		return []string{""}, true
	case syntax.OpLiteral:
		return []string{string(r.Rune)}, r.Flags&syntax.FoldCase == 0
	case syntax.OpCharClass:
		return members(r.Rune)
	case syntax.OpCapture:
		return words(r.Sub[0])
	case syntax.OpAlternate:
		var all []string
		for _, sub := range r.Sub {
			some, ok := words(sub)
			if all = append(all, some...); !ok || len(all) > maxWords {
				return nil, false
			}
		}
		return all, true
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range r.Sub {
			some, ok := words(sub)
			if !ok || len(all)*len(some) > maxWords {
				return nil, false
			}
			all = product(all, some)
		}
		return all, true
	}
	return nil, false
}

// members are the characters of a class, given as pairs of a first and a last.
func members(pairs []rune) (all []string, ok bool) {
	for i := 0; i+1 < len(pairs); i += 2 {
		for r := pairs[i]; r <= pairs[i+1]; r++ {
			if all = append(all, string(r)); len(all) > maxWords {
				return nil, false
			}
		}
	}
	return all, true
}

func product(first, then []string) []string {
	all := make([]string, 0, len(first)*len(then))
	for _, a := range first {
		for _, b := range then {
			all = append(all, a+b)
		}
	}
	return all
}

// around compares with a word that has anything before it, behind it, or both; nil for what is
// something else.
func around(r *syntax.Regexp) func(string) bool {
	parts := []*syntax.Regexp{r}
	if r.Op == syntax.OpConcat {
		parts = r.Sub
	}
	before, behind := anything(parts[0]), len(parts) > 1 && anything(parts[len(parts)-1])
	if before {
		parts = parts[1:]
	}
	if behind {
		parts = parts[:len(parts)-1]
	}
	if !before && !behind {
		return nil
	}
	if len(parts) == 0 {
		return func(string) bool { return true }
	}
	if len(parts) > 1 || parts[0].Op != syntax.OpLiteral || parts[0].Flags&syntax.FoldCase != 0 {
		return nil
	}
	word := string(parts[0].Rune)
	switch {
	case before && behind:
		return func(s string) bool { return strings.Contains(s, word) }
	case before:
		return func(s string) bool { return strings.HasSuffix(s, word) }
	}
	return func(s string) bool { return strings.HasPrefix(s, word) }
}

// anything says that an expression is .* and its dot fits a line break.
func anything(r *syntax.Regexp) bool {
	return r.Op == syntax.OpStar && r.Sub[0].Op == syntax.OpAnyChar
}

// Alternatives are all texts that an expression fits as a whole, a dot fitting a line break. It is not ok where they
// are many or the expression is none.
func Alternatives(expression string) (texts []string, ok bool) {
	texts, _ = regexpWords(expression)
	return texts, texts != nil
}

// regexpWords returns all texts that an expression fits as a whole, if they are few, or the text that it
// wants somewhere. Both are nil where the expression has to be asked.
func regexpWords(expression string) (all []string, contained *string) {
	parsed, err := parseRegexp(expression, syntax.Perl|syntax.DotNL)
	if err != nil {
		return nil, nil
	}
	if all, ok := words(parsed.Simplify()); ok {
		return all, nil
	}
	if anything(parsed) {
		return nil, new(string)
	}
	if parsed.Op == syntax.OpConcat && len(parsed.Sub) == 3 && anything(parsed.Sub[0]) && anything(parsed.Sub[2]) &&
		parsed.Sub[1].Op == syntax.OpLiteral && parsed.Sub[1].Flags&syntax.FoldCase == 0 {
		word := string(parsed.Sub[1].Rune)
		return nil, &word
	}
	return nil, nil
}

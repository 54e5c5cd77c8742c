package traceql

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenOp               // text
	tokenStatic           // static: a string or a number
	tokenField            // field: an attribute or an intrinsic
	tokenWord             // text
)

type token struct {
	kind   tokenKind
	text   string
	at     int // the byte where it begins
	static Static
	field  Field
	match  int // of ( the place of its ) among the tokens, 0 where it has none
}

func (t token) isOp(op string) bool { return t.kind == tokenOp && t.text == op }

// operators, the longest first: they are read greedily.
var operators = []string{
	"&>>", "&<<", "!>>", "!<<",
	"&&", "||", "=~", "!~", "!=", ">=", "<=", ">>", "<<", "&>", "&<", "&~", "!>", "!<",
	"{", "}", "(", ")", "|", "=", "<", ">", "~", "!", "+", "-", "*", "/", "%", "^", ",",
}

type lexer struct {
	text   string
	at     int
	tokens []token
}

// scan makes tokens of a text. The last is tokenEnd.
func scan(text string) ([]token, error) {
	l := lexer{text: text}
	for {
		if err := l.next(); err != nil {
			return nil, err
		}
		if l.tokens[len(l.tokens)-1].kind == tokenEnd {
			break
		}
	}
	matchParentheses(l.tokens)
	return l.tokens, nil
}

// scanUnfinished leaves out what is no token. The end is not among the tokens.
func scanUnfinished(text string) []token {
	l := lexer{text: text}
	for l.at < len(l.text) {
		if err := l.next(); err != nil {
			l.tokens = append(l.tokens, token{kind: tokenWord, at: l.at}) // no condition has an empty word
			_, size := utf8.DecodeRuneInString(l.text[l.at:])
			l.at += size
		}
	}
	if n := len(l.tokens); n > 0 && l.tokens[n-1].kind == tokenEnd {
		return l.tokens[:n-1]
	}
	return l.tokens
}

func matchParentheses(tokens []token) {
	var open []int
	for i, t := range tokens {
		switch {
		case t.isOp("("):
			open = append(open, i)
		case t.isOp(")") && len(open) > 0:
			tokens[open[len(open)-1]].match = i
			open = open[:len(open)-1]
		}
	}
}

func (l *lexer) rest() string { return l.text[l.at:] }

func (l *lexer) fail(problem string) error { return errorAt(l.text, l.at, problem) }

// add takes so many bytes as a token.
func (l *lexer) add(t token, length int) {
	t.at = l.at
	l.at += length
	l.tokens = append(l.tokens, t)
}

// next reads one token.
func (l *lexer) next() error {
	if err := l.skip(); err != nil {
		return err
	}
	rest := l.rest()
	if rest == "" {
		l.add(token{kind: tokenEnd}, 0)
		return nil
	}
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case r == '"' || r == '`':
		return l.string()
	case digit(rest[0]), rest[0] == '.' && len(rest) > 1 && digit(rest[1]):
		return l.number()
	case r == '.':
		return l.attribute(Field{Scope: ScopeAny}, 1)
	case r == '_' || unicode.IsLetter(r):
		return l.word()
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			l.add(token{kind: tokenOp, text: op}, len(op))
			return nil
		}
	}
	if r == '\'' {
		return l.fail(`strings stand in double quotes: "…"`)
	}
	return l.fail("unexpected character " + strconv.QuoteRune(r))
}

// skip leaves out white space and comments.
func (l *lexer) skip() error {
	for {
		l.at = len(l.text) - len(strings.TrimLeftFunc(l.rest(), unicode.IsSpace))
		switch rest := l.rest(); {
		case strings.HasPrefix(rest, "//"):
			if end := strings.IndexByte(rest, '\n'); end >= 0 {
				l.at += end
			} else {
				l.at = len(l.text)
			}
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return l.fail("the comment has no end: */ is missing")
			}
			l.at += end + 4
		default:
			return nil
		}
	}
}

func (l *lexer) string() error {
	rest := l.rest()
	quote, end := rest[0], 1
	for ; end < len(rest) && rest[end] != quote; end++ {
		if rest[end] == '\\' && quote == '"' {
			end++
		}
	}
	if end >= len(rest) {
		return l.fail("the string has no end: " + string(quote) + " is missing")
	}
	end++
	if quote == '`' {
		l.add(token{kind: tokenStatic, static: StringOf(rest[1 : end-1])}, end)
		return nil
	}
	// a line break may stand in a string as it is
	s, err := strconv.Unquote(strings.ReplaceAll(rest[:end], "\n", `\n`))
	if err != nil {
		return l.fail(`the string has an escape that is none: a \ is written \\, or the string in backquotes`)
	}
	l.add(token{kind: tokenStatic, static: StringOf(s)}, end)
	return nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// number reads an integer, a number with a fraction, or a duration of one or more parts.
func (l *lexer) number() error {
	length, whole := numberLength(l.rest())
	digits := l.rest()[:length]
	unit := unitAt(l.rest()[length:])
	if unit == "" {
		if after, _ := utf8.DecodeRuneInString(l.rest()[length:]); after == '_' || unicode.IsLetter(after) {
			return l.fail("the number runs on into a word: units are ns, us, ms, s, m, h, d, w and y")
		}
		return l.plainNumber(digits, whole)
	}
	var sum time.Duration
	for at := 0; ; {
		d, ok := durationPart(digits, whole, units[unit])
		if sum += d; !ok || sum < 0 {
			return l.fail("the duration is longer than 292 years")
		}
		at += len(digits) + len(unit)
		rest := l.rest()[at:]
		length, whole = numberLength(rest)
		if digits, unit = rest[:length], unitAt(rest[length:]); digits == "" || unit == "" {
			if r, _ := utf8.DecodeRuneInString(rest); digits != "" || r == '_' || unicode.IsLetter(r) {
				return l.fail("the duration is none: units are ns, us, ms, s, m, h, d, w and y")
			}
			l.add(token{kind: tokenStatic, static: DurationOf(sum)}, at)
			return nil
		}
	}
}

func (l *lexer) plainNumber(digits string, whole bool) error {
	t := token{kind: tokenStatic, text: digits}
	if whole {
		i, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || i > 1<<63 { // which only a sign before it makes an integer of 64 bits
			return l.fail("the integer has more than 64 bits")
		}
		t.static = IntOf(int64(i))
	} else {
		f, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return l.fail("the number is too large")
		}
		t.static = FloatOf(f)
	}
	l.add(t, len(digits))
	return nil
}

// numberLength returns how many bytes are digits, a point and an exponent, and whether they are digits only.
func numberLength(s string) (length int, whole bool) {
	i := 0
	digits := func() (any bool) {
		for ; i < len(s) && digit(s[i]); i++ {
			any = true
		}
		return any
	}
	any := digits()
	whole = any
	if i < len(s) && s[i] == '.' {
		point := i
		i++
		switch fraction := digits(); {
		case fraction, any:
			any, whole = true, false
		default:
			i = point
		}
	}
	if any && i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		exponent := i
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if digits() {
			whole = false
		} else {
			i = exponent
		}
	}
	return i, whole
}

// unitAt returns the unit of a duration that a text begins with.
func unitAt(s string) string {
	found := ""
	for unit := range units {
		if len(unit) > len(found) && strings.HasPrefix(s, unit) {
			found = unit
		}
	}
	return found
}

func durationPart(digits string, whole bool, unit time.Duration) (time.Duration, bool) {
	if whole {
		n, err := strconv.ParseInt(digits, 10, 64)
		return time.Duration(n) * unit, err == nil && n <= math.MaxInt64/int64(unit)
	}
	f, err := strconv.ParseFloat(digits, 64)
	f = math.Round(f * float64(unit))
	return time.Duration(f), err == nil && f < math.MaxInt64
}

// word reads a keyword, a constant or a function's name, and goes on where it is a scope.
func (l *lexer) word() error {
	rest := l.rest()
	length := len(rest) - len(strings.TrimLeftFunc(rest, func(r rune) bool {
		return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
	}))
	word, after := rest[:length], rest[length:]
	if strings.HasPrefix(after, ".") && word == "parent" {
		for _, s := range [...]Scope{ScopeSpan, ScopeResource} {
			if prefix := "parent." + scopePrefixes[s] + "."; strings.HasPrefix(rest, prefix) {
				return l.attribute(Field{Scope: s, Parent: true}, len(prefix))
			}
		}
		return l.attribute(Field{Scope: ScopeAny, Parent: true}, length+1)
	}
	if strings.HasPrefix(after, ".") {
		for s := ScopeSpan; s <= ScopeScope; s++ {
			if word == scopePrefixes[s] {
				return l.attribute(Field{Scope: s}, length+1)
			}
		}
	}
	if strings.HasPrefix(after, ":") {
		name := after[1:]
		name = name[:len(name)-len(strings.TrimLeftFunc(name, unicode.IsLetter))]
		word += ":" + name
		if intrinsics[word] == NoIntrinsic {
			return l.fail("there is no intrinsic " + word)
		}
	}
	if intrinsics[word] != NoIntrinsic {
		l.add(token{kind: tokenField, text: word, field: Field{Scope: ScopeIntrinsic, Name: word}}, len(word))
		return nil
	}
	l.add(token{kind: tokenWord, text: word}, len(word))
	return nil
}

// attribute reads an attribute's name, which begins so many bytes on.
func (l *lexer) attribute(f Field, begin int) error {
	rest := l.rest()
	var name strings.Builder
	i, quoted := begin, false
	for i < len(rest) {
		r, size := utf8.DecodeRuneInString(rest[i:])
		if r == '"' {
			part, length, ok := quotedPart(rest[i:])
			if !ok {
				return l.fail(`the name of the attribute has no end: " is missing`)
			}
			name.WriteString(part)
			i, quoted = i+length, true
			continue
		}
		if endsName(r) {
			break
		}
		name.WriteString(rest[i : i+size])
		i += size
	}
	if f.Name = name.String(); f.Name == "" && !quoted {
		return l.fail("the attribute has no name")
	}
	if f.Name == "" {
		return l.fail("the name of the attribute is empty")
	}
	l.add(token{kind: tokenField, text: rest[:i], field: f}, i)
	return nil
}

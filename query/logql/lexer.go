package logql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/plaithq/plait"
)

// Error says where a query is wrong. It is plait.ErrInvalid.
type Error struct {
	Line, Column int // from 1, the column in characters
	Problem      string
}

// Error is the text for whoever wrote the query.
func (e *Error) Error() string {
	return fmt.Sprintf("parse error at line %d, col %d: %s", e.Line, e.Column, e.Problem)
}

// Unwrap returns plait.ErrInvalid.
func (e *Error) Unwrap() error { return plait.ErrInvalid }

// kind is what a token is.
type kind uint8

const (
	end kind = iota
	word
	text      // a string
	number    // with or without a unit
	flag      // --strict
	operation // and punctuation
)

type token struct {
	kind kind
	at   int    // in the query, in bytes
	raw  string // as it stands in the query
	str  string // of a string
}

// lower is a word in lower case, in which keywords and functions are compared.
func (t token) lower() string { return strings.ToLower(t.raw) }

func (t token) is(op string) bool { return t.kind == operation && t.raw == op }

func (t token) isWord(w string) bool { return t.kind == word && strings.EqualFold(t.raw, w) }

// String says what stands there, for an error.
func (t token) String() string {
	if t.kind == end {
		return "end of the query"
	}
	raw := t.raw
	if n := 40; len(raw) > n {
		for !utf8.RuneStart(raw[n]) {
			n--
		}
		raw = raw[:n] + "…"
	}
	return strconv.Quote(raw)
}

// operators, the longer first.
var operators = []string{
	"|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=",
	"|", "=", ">", "<", "{", "}", "(", ")", "[", "]", ",", "+", "-", "*", "/", "%", "^",
}

type lexer struct {
	query string
	pos   int
}

// fail makes an error at a byte of the query.
func (l *lexer) fail(at int, format string, args ...any) *Error {
	before := l.query[:at]
	line := strings.Count(before, "\n")
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return &Error{Line: line + 1, Column: column + 1, Problem: plait.OneLine(fmt.Sprintf(format, args...), 512)}
}

// next reads a token.
func (l *lexer) next() (token, *Error) {
	l.space()
	start := l.pos
	if start == len(l.query) {
		return token{kind: end, at: start}, nil
	}
	rest := l.query[start:]
	switch c := rest[0]; {
	case c == '"' || c == '`':
		return l.quoted()
	case wordStart(c):
		return l.take(word, run(rest, wordPart)), nil
	case digitByte(c) || c == '.' && len(rest) > 1 && digitByte(rest[1]):
		return l.take(number, numberLength(rest)), nil
	case strings.HasPrefix(rest, "--") && len(rest) > 2 && wordStart(rest[2]):
		return l.take(flag, 2+run(rest[2:], func(c byte) bool { return wordPart(c) || c == '-' })), nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return l.take(operation, len(op)), nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, l.fail(start, "unexpected character %q", r)
}

func (l *lexer) take(k kind, n int) token {
	t := token{kind: k, at: l.pos, raw: l.query[l.pos : l.pos+n]}
	l.pos += n
	return t
}

// space passes over white space and comments.
func (l *lexer) space() {
	for l.pos < len(l.query) {
		r, size := utf8.DecodeRuneInString(l.query[l.pos:])
		switch {
		case unicode.IsSpace(r):
			l.pos += size
		case r == '#':
			n := strings.IndexByte(l.query[l.pos:], '\n')
			if n < 0 {
				n = len(l.query) - l.pos
			}
			l.pos += n
		default:
			return
		}
	}
}

func (l *lexer) quoted() (token, *Error) {
	start := l.pos
	quoted, err := strconv.QuotedPrefix(l.query[start:])
	if err != nil {
		if l.query[start] == '"' && closes(l.query[start:]) {
			return token{}, l.fail(start, `malformed string: a \ begins an escape, write \\ or use backticks`)
		}
		return token{}, l.fail(start, "a string is not closed")
	}
	t := l.take(text, len(quoted))
	t.str, _ = strconv.Unquote(quoted)
	return t, nil
}

// closes says whether a text that begins with a quote has the other one on its line.
func closes(s string) bool {
	for i := 1; i < len(s) && s[i] != '\n'; i++ {
		switch s[i] {
		case '"':
			return true
		case '\\':
			i++
		}
	}
	return false
}

func run(s string, part func(byte) bool) int {
	n := 0
	for n < len(s) && part(s[n]) {
		n++
	}
	return n
}

func digitByte(c byte) bool { return '0' <= c && c <= '9' }

func wordStart(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

func wordPart(c byte) bool { return wordStart(c) || digitByte(c) || c == ':' }

// numberLength is how far a number with its unit goes: 1e-3, 1h30m, 1.5MiB.
func numberLength(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		exponent := (c == '+' || c == '-') && n+1 < len(s) && digitByte(s[n+1]) && n > 1 && (s[n-1] == 'e' || s[n-1] == 'E') && digitByte(s[n-2])
		if !digitByte(c) && !wordStart(c) && c != '.' && c < utf8.RuneSelf && !exponent {
			break
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[n:])
			if !unicode.IsLetter(r) {
				break
			}
			n += size - 1
		}
		n++
	}
	return n
}

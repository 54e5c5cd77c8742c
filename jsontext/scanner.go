// Package jsontext reads JSON where it lies, from front to back. It builds no tree, and strings alias the
// text wherever they can: gateways read hundreds of thousands of attributes a second, for which
// encoding/json's tokens cost ten times as much.
//
// A Scanner finds tokens and believes what it reads: it is for texts that may be cut short, or are no JSON
// after all, such as log lines, and for those that something else will check. A Reader checks all that it
// passes and says at which byte the text is wrong.
//
// https://www.rfc-editor.org/rfc/rfc8259
package jsontext

import "strings"

// Scanner is a place in a text.
type Scanner struct {
	Text string
	Pos  int // in Text, of the byte that is read next
}

// Space passes over white space.
func (s *Scanner) Space() {
	for s.Pos < len(s.Text) {
		switch s.Text[s.Pos] {
		case ' ', '\t', '\r', '\n':
			s.Pos++
		default:
			return
		}
	}
}

// Next passes over white space and the byte behind it, which it returns: 0 at the end.
func (s *Scanner) Next() byte {
	for s.Pos < len(s.Text) {
		c := s.Text[s.Pos]
		s.Pos++
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// Peek returns the next byte, 0 at the end.
func (s *Scanner) Peek() byte {
	if s.Pos < len(s.Text) {
		return s.Text[s.Pos]
	}
	return 0
}

// Take passes over c if it is next.
func (s *Scanner) Take(c byte) bool {
	if s.Pos < len(s.Text) && s.Text[s.Pos] == c {
		s.Pos++
		return true
	}
	return false
}

// Word passes over w if it is next.
func (s *Scanner) Word(w string) bool {
	if strings.HasPrefix(s.Text[s.Pos:], w) {
		s.Pos += len(w)
		return true
	}
	return false
}

// Quoted passes over the rest of a string whose opening quote was passed, and returns it as it is
// written, with its escapes. A string without an end leads to the end of the text.
func (s *Scanner) Quoted() (text string, ok bool) {
	start := s.Pos
	for {
		i := strings.IndexByte(s.Text[s.Pos:], '"')
		if i < 0 {
			s.Pos = len(s.Text)
			return "", false
		}
		quote := s.Pos + i
		s.Pos = quote + 1
		escapes := quote
		for escapes > start && s.Text[escapes-1] == '\\' {
			escapes--
		}
		if (quote-escapes)%2 == 0 {
			return s.Text[start:quote], true
		}
	}
}

// Bare passes over the rest of a number, true, false or null, or of what stands in its place, whose first
// byte was passed, and returns all of it.
func (s *Scanner) Bare() string {
	start := max(s.Pos-1, 0)
	for s.Pos < len(s.Text) && strings.IndexByte(",}] \n\t\r", s.Text[s.Pos]) < 0 {
		s.Pos++
	}
	return s.Text[start:s.Pos]
}

// Close passes over the rest of an object or array whose opening bracket was passed, up to the bracket
// that closes it. It returns false where the text ends before.
func (s *Scanner) Close() bool {
	for depth := 1; depth > 0; {
		switch s.Next() {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			if _, ok := s.Quoted(); !ok {
				return false
			}
		case 0:
			return false
		}
	}
	return true
}

package tracecontext

import "strings"

// jsonText reads JSON from front to back.
type jsonText struct {
	s  string
	at int
}

// next consumes white space and the byte behind it, 0 at the end.
func (j *jsonText) next() byte {
	for j.at < len(j.s) {
		c := j.s[j.at]
		j.at++
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// text consumes a string whose opening quote is consumed, and returns it with its escapes.
func (j *jsonText) text() (string, bool) {
	start := j.at
	for {
		i := strings.IndexByte(j.s[j.at:], '"')
		if i < 0 {
			j.at = len(j.s)
			return "", false
		}
		quote := j.at + i
		j.at = quote + 1
		escapes := quote
		for escapes > start && j.s[escapes-1] == '\\' {
			escapes--
		}
		if (quote-escapes)%2 == 0 {
			return j.s[start:quote], true
		}
	}
}

// onlyText returns the text of the first member of an object whose opening bracket is consumed, as
// OTLP has values, and consumes nothing.
func (j *jsonText) onlyText() (value string) {
	start := j.at
	if j.next() == '"' {
		if _, ok := j.text(); ok && j.next() == ':' && j.next() == '"' {
			value, _ = j.text()
		}
	}
	j.at = start
	return value
}

// bare consumes the rest of a number, true, false or null, whose first byte is consumed.
func (j *jsonText) bare() string {
	start := max(j.at-1, 0)
	for j.at < len(j.s) && strings.IndexByte(",}] \n\t\r", j.s[j.at]) < 0 {
		j.at++
	}
	return j.s[start:j.at]
}

// skip consumes an object or list whose opening bracket is consumed.
func (j *jsonText) skip() bool {
	for depth := 1; depth > 0; {
		switch j.next() {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			if _, ok := j.text(); !ok {
				return false
			}
		case 0:
			return false
		}
	}
	return true
}

package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// jsonObjects splits a stream into its top-level JSON objects, one a line as a rule, though
// nothing depends on lines. On the way it puts quotes around NaN and Infinity, which some
// exporters write bare although JSON has no such words; OTLP/JSON has them as strings.
type jsonObjects struct {
	r      *bufio.Reader
	offset int64 // bytes read
	object []byte
}

// next returns the next object, which is valid until the call after it, or io.EOF.
func (j *jsonObjects) next() ([]byte, error) {
	j.object = j.object[:0]
	depth := 0
	for {
		c, err := j.r.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && depth > 0 {
				return nil, fmt.Errorf("the last request ends early: %w", io.ErrUnexpectedEOF)
			}
			return nil, err
		}
		j.offset++
		switch {
		case depth == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			continue
		case depth == 0 && c != '{':
			return nil, fmt.Errorf("%q where a request should begin", c)
		case len(j.object) >= maxMessageBytes:
			return nil, fmt.Errorf("one request above %d MiB", maxMessageBytes>>20)
		}
		j.object = append(j.object, c)
		switch c {
		case '"':
			if err := j.text(); err != nil {
				return nil, err
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case 'N', 'I':
			if err := j.bareNumber(); err != nil {
				return nil, err
			}
		}
		if depth == 0 {
			return j.object, nil
		}
	}
}

// text copies the rest of a string.
func (j *jsonObjects) text() error {
	for escaped := false; ; {
		c, err := j.r.ReadByte()
		if err != nil {
			return fmt.Errorf("a string ends early: %w", io.ErrUnexpectedEOF)
		}
		j.offset++
		j.object = append(j.object, c)
		if c == '"' && !escaped {
			return nil
		}
		escaped = c == '\\' && !escaped
	}
}

// bareNumber puts quotes around the NaN or Infinity whose first letter was just copied.
func (j *jsonObjects) bareNumber() error {
	start := len(j.object) - 1
	if start > 0 && j.object[start-1] == '-' {
		start--
	}
	for {
		next, err := j.r.Peek(1)
		if err != nil {
			return fmt.Errorf("a word ends early: %w", io.ErrUnexpectedEOF)
		}
		if c := next[0] | 0x20; c < 'a' || c > 'z' { // 0x20 makes a letter small
			break
		}
		_, _ = j.r.Discard(1) // it was just peeked
		j.offset++
		j.object = append(j.object, next[0])
	}
	word := string(j.object[start:])
	switch word {
	case "NaN", "Infinity", "-Infinity":
		j.object = append(append(append(j.object[:start], '"'), word...), '"')
		return nil
	}
	return fmt.Errorf("%q is no JSON", bytes.ToValidUTF8(j.object[start:], nil))
}

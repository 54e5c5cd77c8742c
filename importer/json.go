package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/plaithq/plait/jsontext"
)

// jsonObjects splits a stream into its top-level JSON objects, one a line as a rule, though
// nothing depends on lines. It looks at brackets and quotes, a byte at a time, because it has to stop where
// an object ends although there is nothing more to read yet: files may be pipes.
type jsonObjects struct {
	r      *bufio.Reader
	limit  int   // of an object, in bytes
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
		}
		if err := j.add(c); err != nil {
			return nil, err
		}
		switch c {
		case '"':
			if err := j.text(); err != nil {
				return nil, err
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth == 0 {
			return j.object, nil
		}
	}
}

// add copies a byte of the object.
func (j *jsonObjects) add(c byte) error {
	if len(j.object) >= j.limit {
		return fmt.Errorf("one request above %d MiB", j.limit>>20)
	}
	j.object = append(j.object, c)
	return nil
}

// text copies the rest of a string.
func (j *jsonObjects) text() error {
	for escaped := false; ; {
		c, err := j.r.ReadByte()
		if err != nil {
			return fmt.Errorf("a string ends early: %w", io.ErrUnexpectedEOF)
		}
		j.offset++
		if err := j.add(c); err != nil {
			return err
		}
		if c == '"' && !escaped {
			return nil
		}
		escaped = c == '\\' && !escaped
	}
}

// numberWords are what some exporters write bare although JSON has no such words. OTLP/JSON has them as
// strings.
var numberWords = []string{"NaN", "Infinity", "-Infinity"}

// quoteWords puts quotes around the number words that stand bare.
func quoteWords(raw []byte) []byte {
	if !bytes.Contains(raw, []byte("NaN")) && !bytes.Contains(raw, []byte("Infinity")) {
		return raw
	}
	return jsontext.Rewrite(string(raw), func(key, value string) (string, string) {
		if slices.Contains(numberWords, value) {
			value = `"` + value + `"`
		}
		return key, value
	})
}

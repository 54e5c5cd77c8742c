package jaeger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
)

// maxTags bounds the tags of a question.
const maxTags = 64

// readTags reads the parameters tag (key:value, several times) and tags (JSON, or logfmt as people type it).
func readTags(single, lists []string) ([]tracesearch.Tag, error) {
	var out []tracesearch.Tag
	for _, t := range single {
		key, value, ok := strings.Cut(t, ":")
		if !ok || key == "" {
			return nil, plait.Errorf(plait.ErrInvalid, "parameter tag: %.64q is not like key:value", t)
		}
		out = append(out, tracesearch.Tag{Key: key, Value: value})
	}
	for _, list := range lists {
		list = strings.TrimSpace(list)
		read := readLogfmt
		if strings.HasPrefix(list, "{") {
			read = readTagsJSON
		}
		tags, err := read(list)
		if err != nil {
			return nil, fmt.Errorf("parameter tags: %w", err)
		}
		out = append(out, tags...)
	}
	if len(out) > maxTags {
		return nil, plait.Errorf(plait.ErrInvalid, "%d tags are asked for, at most %d can be", len(out), maxTags)
	}
	return out, nil
}

// readTagsJSON reads an object of texts, numbers and booleans.
func readTagsJSON(text string) ([]tracesearch.Tag, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, `%.64q is no JSON object like {"error":"true"}: %w`, text, err)
	}
	var out []tracesearch.Tag
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if key == "" {
			return nil, plait.Errorf(plait.ErrInvalid, "%.64q has a tag without a key", text)
		}
		raw := string(object[key])
		value := raw
		switch raw[0] {
		case '"':
			if err := json.Unmarshal(object[key], &value); err != nil {
				return nil, plait.Errorf(plait.ErrInvalid, "the value of %.64q: %w", key, err)
			}
		case '{', '[', 'n':
			return nil, plait.Errorf(plait.ErrInvalid, "the value of %.64q is neither a text nor a number nor a boolean", key)
		}
		out = append(out, tracesearch.Tag{Key: key, Value: value})
	}
	return out, nil
}

// readLogfmt reads key=value pairs with spaces between them; either side may stand in double quotes, in which \" is a
// quote and \\ a backslash. A key alone asks for true.
func readLogfmt(text string) ([]tracesearch.Tag, error) {
	var out []tracesearch.Tag
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return out, nil
		}
		key, rest, err := cutLogfmt(text, "= \t\r\n")
		if err != nil {
			return nil, err
		}
		if key == "" {
			return nil, plait.Errorf(plait.ErrInvalid, "%.64q does not begin with a key: want key=value", text)
		}
		value := "true"
		if after, ok := strings.CutPrefix(rest, "="); ok {
			if value, rest, err = cutLogfmt(after, " \t\r\n"); err != nil {
				return nil, err
			}
		}
		out, text = append(out, tracesearch.Tag{Key: key, Value: value}), rest
	}
}

// cutLogfmt cuts a word, or a text in quotes, from the beginning. A word ends before one of some characters.
func cutLogfmt(text, ends string) (word, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ends)
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:], nil
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", plait.Errorf(plait.ErrInvalid, "%.64q has no quote at its end", text)
}

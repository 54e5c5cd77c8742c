package openmetrics

import (
	"errors"
	"fmt"
	"strings"
)

type label struct{ name, value string }

// series reads a name, labels in braces if there are any, and a space.
func series(line string) (name string, labels []label, rest string, err error) {
	at := strings.IndexAny(line, "{ ")
	if at < 0 {
		return "", nil, "", errors.New("no value")
	}
	name, rest = line[:at], line[at:]
	if rest[0] == '{' {
		if labels, rest, err = readLabels(rest[1:]); err != nil {
			return "", nil, "", err
		}
	}
	rest, spaced := strings.CutPrefix(rest, " ")
	if !spaced || strings.HasPrefix(rest, " ") {
		return "", nil, "", errors.New("not one space before the value")
	}
	return name, labels, rest, nil
}

func readLabels(s string) (labels []label, rest string, err error) {
	seen := map[string]bool{}
	for {
		if rest, ended := strings.CutPrefix(s, "}"); ended {
			return labels, rest, nil
		}
		name, after, ok := strings.Cut(s, `="`)
		if !ok || !validName(name) {
			return nil, "", fmt.Errorf("bad label name at %q", s)
		}
		if seen[name] {
			return nil, "", fmt.Errorf("label %s twice", name)
		}
		seen[name] = true
		end := closingQuote(after)
		if end < 0 {
			return nil, "", errors.New("a value without its end")
		}
		if err := escapes(after[:end]); err != nil {
			return nil, "", err
		}
		labels = append(labels, label{name, after[:end]})
		s = after[end+1:]
		if next, more := strings.CutPrefix(s, ","); more {
			s = next
		} else if !strings.HasPrefix(s, "}") {
			return nil, "", errors.New("neither a comma nor a brace after a label")
		}
	}
}

func validName(s string) bool {
	for i, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func closingQuote(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// escapes says whether a text has escapes other than those of the specification.
func escapes(s string) error {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		if i++; i == len(s) || !strings.ContainsRune(`\"n`, rune(s[i])) {
			return errors.New("an escape that there is not")
		}
	}
	return nil
}

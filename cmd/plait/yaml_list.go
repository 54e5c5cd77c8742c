package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// listSetting is a setting that is a list of mappings: in YAML wherever it is set, since flags and variables have no such thing.
type listSetting interface {
	// check says why a text is not such a list.
	check(text []byte) error
}

// listKind is what a list is of, in words, and the page that tells more.
type listKind struct{ many, one, page string }

var (
	// unknownField is how the YAML library names a key that a mapping does not have.
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	// goList and goEntry are how it names the list itself and what is in it.
	goList  = regexp.MustCompile(`into \[\]\S+`)
	goEntry = regexp.MustCompile(`into [a-z]+\.\S+`)
	// lineNumber is of the list alone, which begins somewhere in a file.
	lineNumber = regexp.MustCompile(`line \d+: `)
)

// readList reads a list of mappings.
func readList[T any](of listKind, text []byte) (list []T, err error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	err = d.Decode(&list)
	if wrong, ok := errors.AsType[*yaml.TypeError](err); ok {
		said := lineNumber.ReplaceAllString(strings.Join(wrong.Errors, "; "), "")
		said = goEntry.ReplaceAllString(goList.ReplaceAllString(said, "into a list"), "into "+of.one)
		err = errors.New(unknownField.ReplaceAllString(said, "$1 is no setting of "+of.one))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("a list of %s (%s): %w", of.many, of.page, err)
	}
	return list, nil
}

// listFromFile is the text of a list that stands in the configuration file.
func listFromFile(setting listSetting, raw any) (text string, err error) {
	b, err := yaml.Marshal(raw)
	if err != nil {
		return "", fmt.Errorf("read a list: %w", err)
	}
	return string(b), setting.check(b)
}

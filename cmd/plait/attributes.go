package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// valueWidth is how many letters of an attribute's value a terminal shows: a stack trace would
// hide all others.
const valueWidth = 200

// attributes are those of a span, log record or event, as the API writes them.
type attributes struct{ json.RawMessage }

// String writes the attributes as key=value in the API's order. A text that could be
// misread, because of a space or a quote in it, stands in quotes.
func (a attributes) String() string {
	decoder := json.NewDecoder(bytes.NewReader(a.RawMessage))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	var pairs []string
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			break
		}
		pairs = append(pairs, plain(key.(string))+"="+shown(value))
	}
	return strings.Join(pairs, " ")
}

// shown is a value as a terminal shows it: a simple text bare, any other in quotes, the rest as JSON.
func shown(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return cut(plain(string(value)))
	}
	return shownText(s)
}

// shownText is a text as a terminal shows it.
func shownText(s string) string {
	bare := s != "" && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"' || r == '=' })
	if bare {
		return cut(s)
	}
	return strconv.Quote(cut(s))
}

func cut(s string) string {
	if letters := []rune(s); len(letters) > valueWidth {
		return string(letters[:valueWidth-1]) + "…"
	}
	return s
}

// pair is an attribute to search for, key=value.
type pair string

// UnmarshalText refuses what has no key.
func (p *pair) UnmarshalText(text []byte) error {
	if key, _, ok := strings.Cut(string(text), "="); !ok || key == "" {
		return errors.New("an attribute is written key=value, such as http.route=/checkout")
	}
	*p = pair(text)
	return nil
}

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAttributesAreShownOnOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`:   "",
		`null`: "",
		`{"http.route":"/buy","n":42,"ok":true,"d":1.5}`:         "http.route=/buy n=42 ok=true d=1.5",
		`{"error":"no such table","quoted":"say \"hi\"","e":""}`: `error="no such table" quoted="say \"hi\"" e=""`,
		`{"lines":"a\nb","escape":"\u001b[31mred"}`:              `lines="a\nb" escape="\x1b[31mred"`,
		`{"nested":{"a":[1,2]},"k\u001bey":"v"}`:                 `nested={"a":[1,2]} k ey=v`,
		`{"long":"` + strings.Repeat("é", 300) + `"}`:            "long=" + strings.Repeat("é", 199) + "…",
	} {
		var a attributes
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatal(err)
		}
		if got := a.String(); got != want {
			t.Errorf("%s is shown as\n%s, want\n%s", text, got, want)
		}
	}
}

package jsontext_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plaithq/plait/jsontext"
)

// outline reads any value by the loops that decoders use.
func outline(r *jsontext.Reader) string {
	r.Space()
	var parts []string
	switch c := r.Peek(); {
	case c == '{':
		for o := (jsontext.Object{}); r.Field(&o); {
			parts = append(parts, fmt.Sprintf("%q=%s", o.Key, outline(r)))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case c == '[':
		for a := (jsontext.Array{}); r.Item(&a); {
			parts = append(parts, fmt.Sprintf("%d:%s", a.Index, outline(r)))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case c == '"':
		return fmt.Sprintf("%q", r.Str())
	case r.Word("true"), r.Word("false"), r.Word("null"):
		return "word"
	}
	number, whole := r.Number()
	return fmt.Sprint(number, whole)
}

func TestReaderReads(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		` { } `:                                 `{}`,
		"\t[\r\n]":                              `[]`,
		`{"a":1,"b":null,"c":-2.5e+3}`:          `{"a"=1true "c"=-2.5e+3false}`,
		`[0,-0,10,0.5,1E9,true]`:                `[0:0true 1:-0true 2:10true 3:0.5false 4:1E9false 5:word]`,
		`{"a":{"b":["c",{}]}}`:                  `{"a"={"b"=[0:"c" 1:{}]}}`,
		`"\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00"`: `"\"\\/\b\f\n\r\téé😀"`,
		`"\ud83d" `:                             `"�"`,
		`"\ud83dA\ude00"`:                       `"�A�"`,
	} {
		r := jsontext.Of(text)
		got := outline(&r)
		if r.End(); got != want || r.Err != nil {
			t.Errorf("%s is read as %s with error %v, want %s", text, got, r.Err, want)
		}
	}
}

func TestNullsAreFieldsWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	r := jsontext.Of(`{"a":null,"b":1}`)
	r.Nulls = true
	if got := outline(&r); got != `{"a"=word "b"=1true}` {
		t.Errorf("got %s", got)
	}
}

func TestReaderSaysWhereATextIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                   " byte 0: want a number",
		`{"a":1} x`:          " byte 8: text after the end",
		`{"a":1,}`:           " byte 7: want a string",
		`{"a" 1}`:            " byte 5: want : after a key",
		`{"a":1 "b":2}`:      " byte 7: want , or }",
		`[1 2]`:              " byte 3: want , or ]",
		`[1,]`:               "[1] byte 3: want a number",
		`{"a":[1,{"b":01}]}`: "a.[1].b byte 13: want a number",
		`{"a":[1,{"b":1.}]}`: "a.[1].b byte 13: want a number",
		`[-]`:                "[0] byte 1: want a number",
		`[1.2.3]`:            "[0] byte 1: want a number",
		`[1e]`:               "[0] byte 1: want a number",
		`[+1]`:               "[0] byte 1: want a number",
		`["\x"]`:             "[0] byte 4: bad escape in a string",
		`["\u12g4"]`:         `[0] byte 4: want four hexadecimal digits after \u`,
		`["\u+123"]`:         `[0] byte 4: want four hexadecimal digits after \u`,
		"[\"a\nb\"]":         "[0] byte 3: control character in a string",
		"[\"\\n\x01\"]":      "[0] byte 4: control character in a string",
		`["a`:                "[0] byte 2: a string does not end",
		`["\`:                "[0] byte 3: a string does not end",
		`{"a`:                " byte 2: a string does not end",
		`{"a":{"b":`:         "a.b byte 10: want a number",
	} {
		r := jsontext.Of(text)
		outline(&r)
		r.End()
		if r.Err == nil {
			t.Errorf("%s is read, want %q", text, want)
			continue
		}
		slices.Reverse(r.Err.Path)
		if got := strings.Join(r.Err.Path, ".") + " " + r.Err.Error(); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

func TestSkipPassesOverAnyDepth(t *testing.T) {
	t.Parallel()
	const depth = 1_000_000
	for _, text := range []string{
		strings.Repeat("[", depth) + strings.Repeat("]", depth),
		strings.Repeat(`[{"":`, depth/2) + "[]" + strings.Repeat("}]", depth/2),
	} {
		r := jsontext.Of(text + "1")
		r.Skip()
		if number, _ := r.Number(); number != "1" || r.Err != nil {
			t.Errorf("behind it stands %q, and the error is %v", number, r.Err)
		}
	}
}

func TestSkipMakesNoStrings(t *testing.T) {
	t.Parallel()
	r := jsontext.Of(`{"\n":["\u00e9","` + strings.Repeat(`\\`, 1000) + `"]}`)
	if r.Skip(); r.Err != nil || r.Made != 0 || r.Pos != len(r.Text) {
		t.Errorf("%d bytes are made, the place is %d of %d, the error %v", r.Made, r.Pos, len(r.Text), r.Err)
	}
}

func TestScannerBelievesWhatItReads(t *testing.T) {
	t.Parallel()
	s := jsontext.Scanner{Text: ` {"a\"b\\" : [NaN, {"]":"}"} ], tail`}
	var got []string
	add := func(parts ...any) { got = append(got, strings.TrimSpace(fmt.Sprintln(parts...))) }
	add(string(s.Next()))
	add(string(s.Next()))
	add(s.Quoted())
	add(string(s.Next()))
	add(string(s.Next()))
	s.Next()
	add(s.Bare())
	add(s.Close())
	add(string(s.Next()))
	s.Next()
	add(s.Bare())
	add(s.Next())
	want := []string{"{", `"`, `a\"b\\ true`, ":", "[", "NaN", "true", ",", "tail", "0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, cut := range []string{`{"a`, `{"a\"`, `{"a":[1`, `{`, ``} {
		s := jsontext.Scanner{Text: cut, Pos: min(1, len(cut))}
		if s.Close() || s.Pos != len(cut) {
			t.Errorf("%s is closed, or read to %d only", cut, s.Pos)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e3,"\u00e9\ud83d\ude00",null,true]}`, `[[[{"":{}}]]]`, `"\`, `01`, "[\"\x00\"]", `{"a":1,}`, "[\"\xff\"]", ` null `, `[1.]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		valid := json.Valid([]byte(text))
		skip := jsontext.Of(text)
		skip.Skip()
		skip.End()
		if (skip.Err == nil) != valid && strings.Count(text, "[")+strings.Count(text, "{") < 10_000 { // deeper is valid for us
			t.Fatalf("%q is skipped with error %v, and valid: %v", text, skip.Err, valid)
		}
		read := jsontext.Of(text)
		read.Nulls = true
		if outline(&read); len(text) < 10_000 {
			if read.End(); (read.Err == nil) != valid {
				t.Fatalf("%q is read with error %v, and valid: %v", text, read.Err, valid)
			}
		}
		if read.Err != nil && (read.Err.Offset < 0 || read.Err.Offset > len(text)) {
			t.Fatalf("%q is wrong at %d", text, read.Err.Offset)
		}
		var want string
		if utf8.ValidString(text) && json.Unmarshal([]byte(text), &want) == nil && strings.TrimSpace(text) != "null" {
			r := jsontext.Of(text)
			if got := r.Str(); got != want {
				t.Fatalf("%q is %q, want %q", text, got, want)
			}
		}
		scan := jsontext.Scanner{Text: text}
		if c := scan.Next(); valid && (c == '{' || c == '[') && (!scan.Close() || scan.Next() != 0) {
			t.Fatalf("%q does not close where it ends", text)
		}
	})
}

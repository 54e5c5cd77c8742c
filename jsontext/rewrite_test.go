package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plaithq/plait/jsontext"
)

func TestRewriteChangesKeysAndScalarsAlone(t *testing.T) {
	t.Parallel()
	edit := func(key, value string) (string, string) {
		if value == "NaN" {
			value = `"NaN"`
		}
		if key == "old" {
			key = "newer"
		}
		if key == "time" {
			value = "7"
		}
		return key, value
	}
	for text, want := range map[string]string{
		``:        ``,
		`{"a":1}`: `{"a":1}`,
		"{ \"old\" : {\"old\":[ 1 , \"old\"]} }\n":                "{ \"newer\" : {\"newer\":[ 1 , \"old\"]} }\n",
		`{"a":NaN,"b":[NaN, 1,"NaN"],"NaN":"x NaN"}`:              `{"a":"NaN","b":["NaN", 1,"NaN"],"NaN":"x NaN"}`,
		`{"a":"{\"time\":1,\"old\":NaN}","time":"5","x\"time":1}`: `{"a":"{\"time\":1,\"old\":NaN}","time":7,"x\"time":1}`,
		`{"old":"a`:  `{"old":"a`,
		`{"old":`:    `{"newer":`,
		`{"old":}`:   `{"newer":}`,
		"NaN\x00NaN": "NaN\x00NaN",
		`NaN`:        `"NaN"`,
	} {
		if got := string(jsontext.Rewrite(text, edit)); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"b",{"c":null}],"d":"\""}`, `"`, `{"a":`, `[,]`, `{"a":}`, "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		same := jsontext.Rewrite(text, func(key, value string) (string, string) { return key, value })
		if string(same) != text {
			t.Fatalf("%q becomes %q though nothing is changed", text, same)
		}
		other := jsontext.Rewrite(text, func(_, value string) (string, string) {
			if value == "" {
				return "k", ""
			}
			return "k", "0"
		})
		if json.Valid([]byte(text)) && (!json.Valid(other) || strings.Contains(string(other), "true")) {
			t.Fatalf("%q becomes %q", text, other)
		}
	})
}

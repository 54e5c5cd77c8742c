package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func split(text string) ([]string, error) {
	objects := jsonObjects{r: bufio.NewReader(strings.NewReader(text))}
	var out []string
	for {
		o, err := objects.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, string(o))
	}
}

func TestJSONObjects(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"one a line", "{\"a\":1}\n{\"b\":[2,{}]}\n", []string{`{"a":1}`, `{"b":[2,{}]}`}},
		{"over several lines", "\n{\n \"a\": {}\n}{}", []string{"{\n \"a\": {}\n}", `{}`}},
		{"braces and quotes in strings", `{"a":"}\"{\\"}`, []string{`{"a":"}\"{\\"}`}},
		{"bare words", `{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN","Null":null}`, []string{`{"a":"NaN","b":["-Infinity","Infinity"],"c":"NaN","Null":null}`}},
		{"nothing", " \n", nil},
	} {
		got, err := split(c.in)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q and %v, want %q", c.name, got, err, c.want)
		}
	}
	for _, in := range []string{`{"a":`, `{"a`, `x`, `{"a":Nope}`, `{"a":N`, `[]`} {
		if got, err := split(in); err == nil {
			t.Errorf("%s: got %q, want an error", in, got)
		}
	}
}

func FuzzJSONObjects(f *testing.F) {
	f.Add([]byte(`{"a":NaN}` + "\n" + `{"b":"\\\""}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var want bytes.Buffer
		if json.Compact(&want, in) != nil || want.Len() == 0 || want.Bytes()[0] != '{' {
			return // only what is valid JSON has to come through unchanged
		}
		got, err := split(string(in))
		if err != nil || len(got) != 1 {
			t.Fatalf("%q: got %q and %v", in, got, err)
		}
		if got[0] != string(bytes.Trim(in, " \t\r\n")) {
			t.Fatalf("%q became %q", in, got[0])
		}
	})
}

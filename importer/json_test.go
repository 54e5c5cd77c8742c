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
	objects := jsonObjects{r: bufio.NewReader(strings.NewReader(text)), limit: maxMessageBytes}
	var out []string
	for {
		o, err := objects.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, string(quoteWords(o)))
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
		{"other bare words", `{"a":Nope,"b":"Infinity, NaN"}`, []string{`{"a":Nope,"b":"Infinity, NaN"}`}},
		{"nothing", " \n", nil},
	} {
		got, err := split(c.in)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q and %v, want %q", c.name, got, err, c.want)
		}
	}
	for _, in := range []string{`{"a":`, `{"a`, `x`, `{"a":N`, `[]`} {
		if got, err := split(in); err == nil {
			t.Errorf("%s: got %q, want an error", in, got)
		}
	}
}

func TestObjectsAreBoundedWhateverIsInThem(t *testing.T) {
	t.Parallel()
	for _, filling := range []string{"[", "\"", " "} {
		objects := jsonObjects{r: bufio.NewReader(io.MultiReader(strings.NewReader(`{"a":`+filling), endless{})), limit: 1 << 20}
		if _, err := objects.next(); err == nil || err.Error() != "one request above 1 MiB" {
			t.Errorf("behind %s: %v", filling, err)
		}
	}
}

// endless is white space without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
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

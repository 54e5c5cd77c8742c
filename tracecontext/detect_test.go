package tracecontext

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plaithq/plait"
)

// A spellingCase is a line of testdata/spellings.jsonl, which plait.trace_id is held to as well
// (store/trace_id_sql_test.go).
type spellingCase struct {
	Pasted  string `json:"pasted"`
	TraceID string `json:"trace_id"` // absent where the text holds none
	SpanID  string `json:"span_id"`
	Sampled string `json:"sampled"` // yes, no or absent
	Message string `json:"message"` // part of the error
}

func spellingCases(t *testing.T) (cases []spellingCase) {
	t.Helper()
	file, err := os.Open("testdata/spellings.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for d := json.NewDecoder(file); ; {
		var c spellingCase
		if err := d.Decode(&c); errors.Is(err, io.EOF) {
			return cases
		} else if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
}

func TestParseReadsEverySpelling(t *testing.T) {
	t.Parallel()
	sampling := map[string]Sampling{"": SamplingUnknown, "no": NotSampled, "yes": Sampled}
	for _, c := range spellingCases(t) {
		got, err := Parse(c.Pasted)
		if c.TraceID == "" {
			if !errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), c.Message) {
				t.Errorf("Parse(%q) = %v, want an invalid input that says %q", c.Pasted, err, c.Message)
			}
			continue
		}
		want := Context{TraceID: traceID(t, c.TraceID), Sampled: sampling[c.Sampled]}
		if c.SpanID != "" {
			want.SpanID = spanID(t, c.SpanID)
		}
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %v %v %d, %v, want %v %v %d", c.Pasted, got.TraceID, got.SpanID, got.Sampled, err,
				want.TraceID, want.SpanID, want.Sampled)
		}
	}
}

func TestParseAllTriesBothReadingsOfDigits(t *testing.T) {
	t.Parallel()
	hexOf := func(s string) Context { return contextOf(t, s, "", 0) }
	decimal := func(v uint64) Context { return Context{TraceID: traceFromLow(v)} }
	tests := map[string][]Context{
		"1234567890123456":                 {hexOf("1234567890123456"), decimal(1234567890123456)},
		"12345678901234567890123456789012": {hexOf("12345678901234567890123456789012")},
		"1234567890123456789":              {decimal(1234567890123456789), hexOf("01234567890123456789")},
		"18446744073709551615":             {decimal(1<<64 - 1), hexOf("18446744073709551615")},
		"18446744073709551616":             {hexOf("18446744073709551616")}, // above 64 bits
		"42":                               {decimal(42), hexOf("42")},
		"dd.trace_id=1234567890123456":     {decimal(1234567890123456), hexOf("1234567890123456")},
		"4b7c":                             {hexOf("4b7c")},
		"0x1234567890123456":               {hexOf("1234567890123456")},
		"dd.trace_id=0x1234567890123456":   {hexOf("1234567890123456")},
	}
	for in, want := range tests {
		if diff := cmp.Diff(want, ParseAll(in)); diff != "" {
			t.Errorf("ParseAll(%q): (-want +got)\n%s", in, diff)
		}
	}
}

func TestParseFindsEverySpellingOfAnyID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var c Context
		binary.BigEndian.PutUint64(c.TraceID[:8], rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64()).Draw(t, "upper"))
		binary.BigEndian.PutUint64(c.TraceID[8:], rapid.Uint64Min(1).Draw(t, "lower"))
		binary.BigEndian.PutUint64(c.SpanID[:], rapid.Uint64().Draw(t, "span"))
		c.Sampled = Sampling(rapid.IntRange(0, int(Sampled)).Draw(t, "sampled"))
		for _, s := range Spellings(c) {
			at, _ := fieldNamed(objects{}, s.Name)
			if read, ok := at.read(s.Value); ok && (read.TraceID.IsZero() || at.upperHalf) {
				continue // names the span, or half of the trace id
			}
			found := false
			for _, got := range ParseAll(s.Name + ": " + s.Value) {
				found = found || got.TraceID == c.TraceID || got.Bits64() && got.TraceID.Low() == c.TraceID.Low()
			}
			if !found {
				t.Fatalf("%s %s: %s is read as %v, want %v", s.Ecosystem, s.Name, s.Value, ParseAll(s.Value), c.TraceID)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	c := contextOf(f, traceHex, spanHex, Sampled)
	for _, s := range Spellings(c) {
		f.Add(s.Value)
		f.Add(s.Name + "=" + s.Value)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range ParseAll(s) {
			if c.TraceID.IsZero() {
				t.Errorf("ParseAll(%q) returns a zero id", s)
			}
			if again, err := Parse(c.TraceID.String()); err != nil || again.TraceID != c.TraceID {
				t.Errorf("ParseAll(%q) returns %v, which reads as %v, %v", s, c.TraceID, again.TraceID, err)
			}
		}
	})
}

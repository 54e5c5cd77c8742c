package ingest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plaithq/plait"
)

func TestTextIsRepairedByteForByte(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"ascii", "checkout", "checkout"},
		{"umlauts", "Grüße an 日本", "Grüße an 日本"},
		{"NUL", "a\x00b\x00", "a\ufffdb\ufffd"},
		{"NUL after eight bytes", "12345678\x00", "12345678\ufffd"},
		{"invalid bytes in a row", "a\xff\xfeb", "a\ufffd\ufffdb"},
		{"cut off character", "abc\xe2\x82", "abc\ufffd\ufffd"},
		{"surrogate", "\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
		{"U+FFFD itself", "a\ufffdb", "a\ufffdb"},
		{"empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := cleaning{limits: DefaultConfig()}
			got := c.in
			w.text(&got)
			if got != c.want {
				t.Errorf("%q became %q, want %q", c.in, got, c.want)
			}
			if counted := w.counts[reasonText] > 0; counted != (c.in != c.want) {
				t.Errorf("%q: counted as repaired: %v", c.in, counted)
			}
		})
	}
}

func FuzzTextBecomesStorable(f *testing.F) {
	f.Add("plain text of some length", 10)
	f.Add("\x00\xff日本語", 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if isPlain(s) && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
			t.Fatalf("isPlain(%q)", s)
		}
		w := cleaning{limits: DefaultConfig()}
		w.limits.MaxAttributeBytes = 64 + limit&0xff
		got := s
		w.text(&got)
		if !utf8.ValidString(got) || strings.IndexByte(got, 0) >= 0 {
			t.Errorf("%q became %q, which cannot be stored", s, got)
		}
		if len(got) > w.limits.MaxAttributeBytes {
			t.Errorf("%d bytes remain, the limit is %d", len(got), w.limits.MaxAttributeBytes)
		}
		if len(s) <= w.limits.MaxAttributeBytes && utf8.ValidString(s) && !strings.Contains(s, "\x00") && got != s {
			t.Errorf("good text %q became %q", s, got)
		}
	})
}

func TestALongTextIsCutAtACharacterAndSaysSo(t *testing.T) {
	w := cleaning{limits: DefaultConfig()}
	w.limits.MaxAttributeBytes = 40
	v := plait.StringValue(strings.Repeat("é", 50))
	w.value(&v)
	if want := strings.Repeat("é", 12) + "… (100 bytes)"; v.Str() != want {
		t.Errorf("got %q, want %q", v.Str(), want)
	}
	m := plait.MapValue(`{"k":"` + strings.Repeat("x", 100) + `"}`)
	w.value(&m)
	if m.Kind() != plait.KindString || !strings.HasPrefix(m.Str(), `{"k":"xxx`) {
		t.Errorf("a long map became %v %q, want the beginning of its text", m.Kind(), m.Str())
	}
	b := plait.BytesValue(strings.Repeat("\xff", 100))
	w.value(&b)
	if b.Kind() != plait.KindBytes || len(b.Str()) != 40 {
		t.Errorf("long bytes became %v of %d bytes", b.Kind(), len(b.Str()))
	}
	if w.counts[reasonValueCut] != 3 {
		t.Errorf("%d cuts counted, want 3", w.counts[reasonValueCut])
	}
}

func BenchmarkIsPlain(b *testing.B) {
	words := []string{"http.method", "GET", "/api/v1/products/{id}", "service.instance.id", "checkout-7d9f8b6c5-x2x9z", "SELECT * FROM orders WHERE id = $1"}
	for b.Loop() {
		for _, w := range words {
			if !isPlain(w) {
				b.Fatal(w)
			}
		}
	}
}

package condition

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/plaithq/plait"
)

// maxEscapings is how deep JSON may stand in JSON for a text in it to be found.
const maxEscapings = 3

// What writers of JSON escape besides what they must: slashes (PHP), everything but ASCII (Python),
// what HTML has a meaning for (Go), both of these and quotes (.NET).
var (
	escapeSlashes = strings.NewReplacer(`/`, `\/`)
	escapeHTML    = strings.NewReplacer(`<`, `\u003c`, `>`, `\u003e`, `&`, `\u0026`)
	escapeQuotes  = strings.NewReplacer(`\\`, `\\`, `\"`, `\u0022`, `'`, `\u0027`, `+`, `\u002b`, "`", `\u0060`,
		`<`, `\u003c`, `>`, `\u003e`, `&`, `\u0026`)
	jsonStyles = []func(string) string{
		func(s string) string { return s },
		escapeSlashes.Replace,
		escapeUnicode,
		func(s string) string { return escapeUnicode(escapeSlashes.Replace(s)) },
		escapeHTML.Replace,
		func(s string) string { return escapeUnicode(escapeQuotes.Replace(s)) },
	}
)

// escaped are the ways in which JSON writes a text with escapes, also within the text of JSON; none where
// JSON writes the text as it is. Escapes hide a letter's case, so such text is written in both.
func escaped(text string) (all []string) {
	cases := []string{text}
	if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		cases = append(cases, strings.ToLower(text), strings.ToUpper(text))
	}
	for _, cased := range cases {
		for _, style := range jsonStyles {
			written := style(jsonInside(cased))
			for range maxEscapings {
				if written != cased && !slices.Contains(all, written) {
					all = append(all, written)
				}
				written = jsonInside(written)
			}
		}
	}
	return all
}

// jsonInside is a text as a JSON string has it, without its quotes.
func jsonInside(s string) string {
	b := plait.AppendJSONString(nil, s)
	return string(b[1 : len(b)-1])
}

// escapeUnicode writes everything but ASCII as \u and the hexadecimal digits of UTF-16.
func escapeUnicode(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}

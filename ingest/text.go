package ingest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/plaithq/plait"
)

// name makes a short text storable: valid, and within the limit of names.
func (w *cleaning) name(s *string) {
	if !isPlain(*s) {
		w.repair(s)
	}
	if len(*s) > w.limits.MaxNameBytes {
		*s = cut(*s, w.limits.MaxNameBytes)
		w.counts[reasonNameCut]++
	}
}

// text makes a long text storable.
func (w *cleaning) text(s *string) {
	if !isPlain(*s) {
		w.repair(s)
	}
	if len(*s) > w.limits.MaxAttributeBytes {
		*s = cut(*s, w.limits.MaxAttributeBytes)
		w.counts[reasonValueCut]++
	}
}

// value makes an attribute value or a body storable. The JSON of arrays and maps is valid as
// decoders write it; what is too long of it stays as the text of its beginning.
func (w *cleaning) value(v *plait.Value) {
	switch v.Kind() {
	case plait.KindString:
		s := v.Str()
		if len(s) <= w.limits.MaxAttributeBytes && isPlain(s) {
			return
		}
		w.text(&s)
		*v = plait.StringValue(s)
	case plait.KindBytes:
		if b := v.Str(); len(b) > w.limits.MaxAttributeBytes {
			*v = plait.BytesValue(b[:w.limits.MaxAttributeBytes])
			w.counts[reasonValueCut]++
		}
	case plait.KindArray, plait.KindMap:
		if json := v.Str(); len(json) > w.limits.MaxAttributeBytes {
			*v = plait.StringValue(cut(json, w.limits.MaxAttributeBytes))
			w.counts[reasonValueCut]++
		}
	}
}

// repair replaces every NUL and every byte that is not UTF-8 by U+FFFD.
func (w *cleaning) repair(s *string) {
	if utf8.ValidString(*s) && strings.IndexByte(*s, 0) < 0 {
		return
	}
	*s = strings.Map(func(r rune) rune {
		if r == 0 {
			return utf8.RuneError
		}
		return r // also for each invalid byte, which Map hands over as RuneError
	}, *s)
	w.counts[reasonText]++
}

// isPlain says whether s is ASCII without NUL, which nearly all of telemetry is and which eight
// bytes at a time can tell. Anything else needs a closer look.
func isPlain(s string) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(s) >= 8 {
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		// x-ones borrows into the high bit of a byte that is zero.
		if (x|(x-ones))&highs != 0 {
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if s[i]-1 >= utf8.RuneSelf-1 {
			return false
		}
	}
	return true
}

// cut shortens s to at most limit bytes, with a note of its full length at the end. It does
// not cut through a character.
func cut(s string, limit int) string {
	note := fmt.Sprintf("… (%d bytes)", len(s))
	end := max(limit-len(note), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + note
}

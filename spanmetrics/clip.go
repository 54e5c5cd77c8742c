package spanmetrics

import (
	"strings"
	"unicode/utf8"
)

// MaxLabelBytes bounds a label of span-derived metrics: services, names of spans, peers. A label
// stands in every series of its histogram and in every scrape, and senders choose its text.
const MaxLabelBytes = 256

const ellipsis = "…"

// Clip shortens a text to MaxLabelBytes, an ellipsis at its end included, between characters.
func Clip(text string) string {
	if len(text) <= MaxLabelBytes {
		return text
	}
	end := MaxLabelBytes - len(ellipsis)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

// Clipped says whether a label may stand for a longer text.
func Clipped(label string) bool {
	return len(label) > MaxLabelBytes-len(ellipsis)-utf8.UTFMax && strings.HasSuffix(label, ellipsis)
}

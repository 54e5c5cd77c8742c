package main

import (
	"fmt"
	"io"
)

// missingTrace is what is known of a trace that is not here.
type missingTrace struct {
	Steps []struct {
		Outcome string `json:"outcome"`
		Says    string `json:"says"`
	} `json:"steps"`
	Likely *struct {
		Says string `json:"says"`
		Mend string `json:"mend"`
	} `json:"likely"`
}

// notHere is the answer about a trace that is not here.
type notHere struct {
	error
	missing *missingTrace
}

func (n *notHere) Unwrap() error { return n.error }

// marks of outcomes, as the web page has them.
var outcomeMarks = map[string]string{"ok": "✓", "no": "✕", "warn": "!"}

// print prints what was looked at, a line each, and the likeliest reason.
func (m *missingTrace) print(w io.Writer, paint painter) {
	for _, s := range m.Steps {
		mark := outcomeMarks[s.Outcome]
		if mark == "" {
			mark = "·"
		}
		fmt.Fprintf(w, "  %s %s\n", mark, plain(s.Says))
	}
	if m.Likely != nil {
		fmt.Fprintf(w, "%s %s\n", paint.bold(plain(m.Likely.Says)), plain(m.Likely.Mend))
	}
}

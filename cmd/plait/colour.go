package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// painter colours text on a terminal, and leaves it alone elsewhere or where NO_COLOR is set.
type painter struct{ on bool }

func newPainter(w io.Writer) painter {
	return painter{on: isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p painter) paint(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p painter) red(s string) string    { return p.paint("31", s) }
func (p painter) yellow(s string) string { return p.paint("33", s) }
func (p painter) cyan(s string) string   { return p.paint("36", s) }
func (p painter) faint(s string) string  { return p.paint("2", s) }
func (p painter) bold(s string) string   { return p.paint("1", s) }

// severity colours a log record's severity.
func (p painter) severity(name, s string) string {
	switch n := strings.ToUpper(name); {
	case strings.HasPrefix(n, "ERR"), strings.HasPrefix(n, "FATAL"), strings.HasPrefix(n, "CRIT"):
		return p.red(s)
	case strings.HasPrefix(n, "WARN"):
		return p.yellow(s)
	}
	return p.faint(s)
}

// plain replaces control characters, so that telemetry cannot move a terminal's cursor.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// isTerminal says whether w is a terminal, for which alone there is colour and a moving line.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

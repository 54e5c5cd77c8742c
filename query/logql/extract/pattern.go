package extract

import (
	"errors"
	"strings"
)

// Pattern is an expression of literals and captures: <ip> - <_> "<method> <path>".
type Pattern struct{ parts []part }

type part struct {
	text    string // the literal, or the capture's name
	capture bool
}

// ParsePattern reads the expression of the parser pattern: at least one capture with a name, none twice, and
// no two captures without text between them.
func ParsePattern(text string) (Pattern, error) {
	p, err := parsePattern(text)
	if err != nil {
		return p, err
	}
	seen := map[string]bool{}
	for _, part := range p.parts {
		if !part.capture || part.text == "_" {
			continue
		}
		if seen[part.text] {
			return p, errors.New("the name " + part.text + " is given to two captures")
		}
		seen[part.text] = true
	}
	if len(seen) == 0 {
		return p, errors.New("no capture has a name, write <name>")
	}
	return p, nil
}

// ParseLinePattern reads the pattern of |> and !>, whose captures are <_>.
func ParseLinePattern(text string) (Pattern, error) {
	p, err := parsePattern(text)
	for _, part := range p.parts {
		if err == nil && part.capture && part.text != "_" {
			err = errors.New("a line filter has no captures with names, write <_> for <" + part.text + ">")
		}
	}
	return p, err
}

func parsePattern(text string) (Pattern, error) {
	var p Pattern
	literal := func(s string) {
		if last := len(p.parts) - 1; last >= 0 && !p.parts[last].capture {
			p.parts[last].text += s
		} else if s != "" {
			p.parts = append(p.parts, part{text: s})
		}
	}
	for text != "" {
		open := strings.IndexByte(text, '<')
		if open < 0 {
			break
		}
		literal(text[:open])
		name, rest, ok := strings.Cut(text[open+1:], ">")
		if !ok || name == "" || Name(name) != name {
			literal("<")
			text = text[open+1:]
			continue
		}
		if last := len(p.parts) - 1; last >= 0 && p.parts[last].capture {
			return p, errors.New("<" + p.parts[last].text + "> and <" + name + "> stand side by side, with no text between to tell them apart")
		}
		p.parts = append(p.parts, part{name, true})
		text = rest
	}
	literal(text)
	return p, nil
}

// Find finds the captures of a pattern in a line, which begins as the pattern does. As many are found as
// there is text for; the line may go on behind the pattern.
func (p Pattern) Find(line string, emit Emit) {
	if len(p.parts) > 0 && !p.parts[0].capture && !strings.HasPrefix(line, p.parts[0].text) {
		return
	}
	for i, this := range p.parts {
		if !this.capture {
			line = line[len(this.text):]
			continue
		}
		value, more := line, false
		if i+1 < len(p.parts) {
			if at := strings.Index(line, p.parts[i+1].text); at >= 0 {
				value, more = line[:at], true
			}
		}
		if this.text != "_" {
			emit(this.text, value)
		}
		if line = line[len(value):]; !more {
			return
		}
	}
}

// In says whether a line has a pattern in it: it may begin anywhere if it begins with text, and reaches the
// end of the line. A capture is at least one byte. The empty pattern fits every line.
func (p Pattern) In(line string) bool {
	for i, this := range p.parts {
		if this.capture {
			if line == "" {
				return false
			}
			if i == len(p.parts)-1 {
				return true
			}
			continue
		}
		least := 0
		if i > 0 { // behind a capture, which takes at least one byte
			least = 1
		}
		if i == len(p.parts)-1 {
			return len(line) >= least+len(this.text) && strings.HasSuffix(line, this.text) && (i > 0 || line != "")
		}
		at := strings.Index(line[least:], this.text)
		if at < 0 {
			return false
		}
		line = line[least+at+len(this.text):]
	}
	return len(p.parts) == 0
}

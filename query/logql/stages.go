package logql

import (
	"regexp"

	"github.com/plaithq/plait/query/logql/address"
	"github.com/plaithq/plait/query/logql/extract"
	"github.com/plaithq/plait/query/logql/template"
)

// pipeline reads stages up to the first token that begins none. With ranged, unwrap ends the stages: it and
// the filters behind it are returned apart.
func (p *parser) pipeline(ranged bool) ([]Stage, *Unwrap) {
	var stages []Stage
	for p.err == nil {
		p.operator()
		now := p.now()
		if _, ok := lineOps[now.raw]; ok && now.kind == operation {
			stages = append(stages, p.lineFilter())
			continue
		}
		if !p.op("|") {
			return stages, nil
		}
		if now := p.now(); now.isWord("unwrap") {
			if !ranged {
				p.failAt(now, "unwrap is for metric queries, as in sum_over_time({…} | unwrap x [5m])")
			}
			p.take()
			return stages, p.unwrap()
		}
		stages = append(stages, p.stage())
	}
	return nil, nil
}

var lineOps = map[string]LineOp{"|=": LineContains, "!=": LineContainsNot, "|~": LineMatches, "!~": LineMatchesNot, "|>": LineHasPattern, "!>": LineHasNoPattern}

func (p *parser) lineFilter() Stage {
	f := LineFilter{Op: lineOps[p.take().raw]}
	f.Terms = append(f.Terms, p.lineTerm(f.Op))
	for p.word("or") {
		p.operator()
		f.Terms = append(f.Terms, p.lineTerm(f.Op))
	}
	return f
}

func (p *parser) lineTerm(op LineOp) LineTerm {
	if at := p.now(); at.isWord("ip") && p.behind().is("(") {
		if op != LineContains && op != LineContainsNot {
			p.failAt(at, "ip() goes with |= and != only")
		}
		return LineTerm{p.addresses(), true}
	}
	s, at := p.text()
	var err error
	switch op {
	case LineMatches, LineMatchesNot:
		if _, err = regexp.Compile(s); err != nil {
			p.failAt(at, "not a regular expression: %s", reason(err))
		}
	case LineHasPattern, LineHasNoPattern:
		if _, err = extract.ParseLinePattern(s); err != nil {
			p.failAt(at, "not a pattern: %v", err)
		}
	}
	return LineTerm{Text: s}
}

// addresses reads ip("…").
func (p *parser) addresses() string {
	p.take()
	p.wantOp("(")
	s, at := p.text()
	if _, ok := address.Parse(s); !ok && p.err == nil {
		p.failAt(at, "%q is no address, network (10.0.0.0/8) or range (10.0.0.1-10.0.0.9)", s)
	}
	p.wantOp(")")
	return s
}

// stage reads what follows a |.
func (p *parser) stage() Stage {
	at := p.now()
	if at.kind != word || !stageWords[at.lower()] {
		return LabelFilter{p.filters()}
	}
	p.take()
	switch at.lower() {
	case "json":
		return JSON{p.extractions(true)}
	case "logfmt":
		return p.logfmt()
	case "pattern":
		s, at := p.text()
		if _, err := extract.ParsePattern(s); err != nil {
			p.failAt(at, "not a pattern: %v", err)
		}
		return Pattern{s}
	case "regexp":
		s, at := p.text()
		if _, err := extract.Regexp(s); err != nil {
			p.failAt(at, "not an expression for the parser regexp: %v", reason(err))
		}
		return Regexp{s}
	case "unpack":
		return Unpack{}
	case "line_format":
		return LineFormat{p.template()}
	case "label_format":
		return p.labelFormat()
	case "drop":
		return Drop{p.choices()}
	case "keep":
		return Keep{p.choices()}
	case "decolorize":
		return Decolorize{}
	case "distinct":
		names := []string{p.name()}
		for p.op(",") {
			p.operator()
			names = append(names, p.name())
		}
		return Distinct{names}
	}
	p.failAt(at, "unexpected %s, want a stage: a parser, a filter on labels, line_format, label_format, drop, keep", at)
	return nil
}

func (p *parser) logfmt() Stage {
	var l Logfmt
	for p.now().kind == flag {
		switch at := p.take(); at.raw {
		case "--strict":
			l.Strict = true
		case "--keep-empty":
			l.KeepEmpty = true
		default:
			p.failAt(at, "logfmt has no flag %s, only --strict and --keep-empty", at)
		}
	}
	l.Extractions = p.extractions(false)
	return l
}

// extractions reads a="b.c", d.
func (p *parser) extractions(json bool) []Extraction {
	if p.now().kind != word {
		return nil
	}
	var all []Extraction
	for {
		e := Extraction{Name: p.name()}
		e.From = e.Name
		if p.op("=") {
			from, at := p.text()
			e.From = from
			if from == "" {
				p.failAt(at, "the place of the label %s is empty", e.Name)
			} else if _, err := extract.ParsePath(from); json && err != nil {
				p.failAt(at, "not a path into JSON, as a.b[0]: %v", err)
			}
		}
		all = append(all, e)
		if p.operator(); !p.op(",") {
			return all
		}
	}
}

func (p *parser) template() string {
	s, at := p.text()
	if _, err := template.Parse(s); err != nil {
		p.failAt(at, "not a template: %v", err)
	}
	return s
}

func (p *parser) labelFormat() Stage {
	var l LabelFormat
	seen := map[string]bool{}
	for p.err == nil {
		at := p.now()
		f := Format{Name: p.name()}
		switch {
		case f.Name == errorLabel:
			p.failAt(at, "label_format makes no %s", errorLabel)
		case seen[f.Name]:
			p.failAt(at, "label_format makes %s twice", f.Name)
		}
		seen[f.Name] = true
		p.wantOp("=")
		if p.now().kind == word {
			f.From = p.name()
		} else {
			f.Template = p.template()
		}
		l.Formats = append(l.Formats, f)
		if p.operator(); !p.op(",") {
			break
		}
	}
	return l
}

const errorLabel = "__error__"

// choices reads a, b="x", c=~"y".
func (p *parser) choices() []Choice {
	var all []Choice
	for {
		c := Choice{Name: p.name()}
		if op, ok := matchOps[p.now().raw]; ok && p.now().kind == operation {
			p.take()
			value, at := p.text()
			c.Op, c.Value = op, value
			p.regexpOf(op, value, at)
		}
		all = append(all, c)
		if p.operator(); !p.op(",") {
			return all
		}
	}
}

// unwrap reads what follows the word, with the filters behind it.
func (p *parser) unwrap() *Unwrap {
	u := &Unwrap{}
	if p.behind().is("(") {
		at := p.now()
		switch c := Conversion(at.lower()); c {
		case ConvertDuration, ConvertSeconds, ConvertBytes:
			u.Conversion = c
		default:
			p.failAt(at, "unwrap has no conversion %s, only duration, duration_seconds and bytes", at)
		}
		p.take()
		p.wantOp("(")
		u.Label = p.name()
		p.wantOp(")")
	} else {
		u.Label = p.name()
	}
	for p.now().is("|") {
		p.operator()
		p.take()
		if now := p.now(); now.kind == word && stageWords[now.lower()] {
			p.failAt(now, "only filters on labels may follow unwrap")
		}
		u.Filters = append(u.Filters, LabelFilter{p.filters()})
	}
	return u
}

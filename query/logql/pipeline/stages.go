package pipeline

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/address"
	"github.com/plaithq/plait/query/logql/extract"
	"github.com/plaithq/plait/query/logql/template"
)

// compile makes a stage. Queries that were parsed have no errors in their expressions.
func compile(of logql.Stage) (stage, error) {
	switch of := of.(type) {
	case logql.LineFilter:
		return lineFilter(of)
	case logql.LabelFilter:
		fits, err := predicate(of.Of)
		return stage(fits), err
	case logql.JSON:
		return jsonParser(of)
	case logql.Logfmt:
		return logfmtParser(of), nil
	case logql.Pattern:
		p, err := extract.ParsePattern(of.Expression)
		return func(s *state) bool { p.Find(s.line, s.find); return true }, err
	case logql.Regexp:
		re, err := extract.Regexp(of.Expression)
		return func(s *state) bool { extract.WithRegexp(re, s.line, s.find); return true }, err
	case logql.Unpack:
		return unpack, nil
	case logql.LineFormat:
		return lineFormat(of)
	case logql.LabelFormat:
		return labelFormat(of)
	case logql.Drop:
		return drop(of)
	case logql.Keep:
		return keep(of)
	case logql.Decolorize:
		return func(s *state) bool { s.line = colours.ReplaceAllString(s.line, ""); return true }, nil
	case logql.Distinct:
		return distinct(of), nil
	}
	return nil, plait.Errorf(plait.ErrInvalid, "a stage of an unknown type %T", of)
}

// colours are ANSI's escape sequences.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

func lineFilter(f logql.LineFilter) (stage, error) {
	terms := make([]func(string) bool, len(f.Terms))
	for i, t := range f.Terms {
		switch {
		case t.IP:
			set, ok := address.Parse(t.Text)
			if !ok {
				return nil, plait.Errorf(plait.ErrInvalid, "%q is no address", t.Text)
			}
			terms[i] = set.In
		case f.Op == logql.LineContains || f.Op == logql.LineContainsNot:
			terms[i] = func(line string) bool { return strings.Contains(line, t.Text) }
		case f.Op == logql.LineMatches || f.Op == logql.LineMatchesNot:
			re, err := regexp.Compile(t.Text)
			if err != nil {
				return nil, err
			}
			terms[i] = re.MatchString
		default:
			p, err := extract.ParseLinePattern(t.Text)
			if err != nil {
				return nil, err
			}
			terms[i] = p.In
		}
	}
	ids := idsOf(f)
	return func(s *state) bool {
		for _, in := range terms {
			if in(s.line) {
				return !f.Op.Negative()
			}
		}
		for _, id := range ids {
			if value, _ := s.get(id.Name); value == id.Value {
				return true
			}
		}
		return f.Op.Negative()
	}, nil
}

// idsOf are the ids that a line filter asks for: an entry that has one stays, whether or not its line does.
// People paste ids, and tools write them into fields of their own.
func idsOf(f logql.LineFilter) (ids []plait.Label) {
	if f.Op != logql.LineContains {
		return nil
	}
	for _, t := range f.Terms {
		id := strings.ToLower(t.Text)
		if _, err := hex.DecodeString(id); err != nil || t.IP {
			continue
		}
		switch len(id) {
		case 2 * len(plait.TraceID{}):
			ids = append(ids, plait.Label{Name: "trace_id", Value: id})
		case 2 * len(plait.SpanID{}):
			ids = append(ids, plait.Label{Name: "span_id", Value: id})
		}
	}
	return ids
}

func jsonParser(j logql.JSON) (stage, error) {
	if len(j.Extractions) == 0 {
		return func(s *state) bool {
			if err := extract.JSON(s.line, s.find); err != nil {
				s.fail("JSONParserErr", err)
			}
			return true
		}, nil
	}
	paths := make([]extract.Path, len(j.Extractions))
	for i, e := range j.Extractions {
		var err error
		if paths[i], err = extract.ParsePath(e.From); err != nil {
			return nil, err
		}
	}
	return func(s *state) bool {
		for i, e := range j.Extractions {
			value, err := paths[i].Find(s.line)
			if err != nil {
				return s.fail("JSONParserErr", err)
			}
			s.set(s.parsedName(e.Name), value, ofParser)
		}
		return true
	}, nil
}

func logfmtParser(l logql.Logfmt) stage {
	return func(s *state) bool {
		values := map[string]string{}
		err := extract.Logfmt(s.line, l.Strict, func(name, value string) {
			switch {
			case len(l.Extractions) > 0:
				if _, twice := values[name]; !twice && len(values) < maxLabels {
					values[name] = value
				}
			case (value != "" || l.KeepEmpty) && extract.Name(name) != "":
				s.find(extract.Name(name), value)
			}
		})
		for _, e := range l.Extractions {
			if value := values[e.From]; value != "" || l.KeepEmpty {
				s.set(s.parsedName(e.Name), value, ofParser)
			}
		}
		if err != nil {
			s.fail("LogfmtParserErr", err)
		}
		return true
	}
}

func unpack(s *state) bool {
	entry, packed, err := extract.Unpack(s.line, s.find)
	if err != nil {
		return s.fail("JSONParserErr", err)
	}
	if packed {
		s.line = entry
	}
	return true
}

const templateError = "TemplateFormatErr"

func lineFormat(l logql.LineFormat) (stage, error) {
	t, err := template.Parse(l.Template)
	return func(s *state) bool {
		line, err := t.Run(&template.Entry{Line: s.line, Time: s.when(), Labels: s.values()})
		if err != nil {
			return s.fail(templateError, err)
		}
		s.line = line
		return true
	}, err
}

func labelFormat(l logql.LabelFormat) (stage, error) {
	templates := make([]*template.Template, len(l.Formats))
	for i, f := range l.Formats {
		if f.From != "" {
			continue
		}
		var err error
		if templates[i], err = template.Parse(f.Template); err != nil {
			return nil, err
		}
	}
	return func(s *state) bool {
		var e *template.Entry
		for i, f := range l.Formats {
			if f.From != "" {
				s.rename(f.From, f.Name)
				continue
			}
			if e == nil { // all templates see the labels as they were before the first
				e = &template.Entry{Line: s.line, Time: s.when(), Labels: s.values()}
			}
			value, err := templates[i].Run(e)
			if err != nil {
				s.fail(templateError, err)
				continue
			}
			s.set(f.Name, value, ofParser)
		}
		return true
	}, nil
}

func (s *state) rename(from, to string) {
	if i, ok := s.at[from]; ok && s.labels[i].kind != removed && from != to {
		l := s.labels[i]
		s.labels[i].kind = removed
		s.set(to, l.value, l.kind)
	}
}

// choice says whether a label of this name and value is one of some choices.
func choice(all []logql.Choice) (func(name, value string) bool, error) {
	matches := make([]textMatch, len(all))
	for i, c := range all {
		if c.Op == "" {
			matches[i] = textMatch{c.Name, func(string) bool { return true }}
			continue
		}
		var err error
		if matches[i], err = newTextMatch(plait.Matcher{Name: c.Name, Op: c.Op, Value: c.Value}); err != nil {
			return nil, err
		}
	}
	return func(name, value string) bool {
		for _, m := range matches {
			if m.name == name && m.fits(value) {
				return true
			}
		}
		return false
	}, nil
}

func drop(d logql.Drop) (stage, error) {
	chosen, err := choice(d.Labels)
	return func(s *state) bool {
		for _, l := range d.Labels {
			if value, ok := s.get(l.Name); ok && chosen(l.Name, value) {
				s.remove(l.Name)
			}
		}
		return true
	}, err
}

func keep(k logql.Keep) (stage, error) {
	chosen, err := choice(k.Labels)
	return func(s *state) bool {
		for i, l := range s.labels {
			if l.kind != removed && !chosen(l.name, l.value) {
				s.labels[i].kind = removed
			}
		}
		return true
	}, err
}

// maxDistinct bounds in bytes what distinct remembers.
const maxDistinct = 16 << 20

func distinct(d logql.Distinct) stage {
	seen, size := map[string]bool{}, 0
	return func(s *state) bool {
		var key []byte
		for _, name := range d.Labels {
			value, _ := s.get(name)
			key = strconv.AppendQuote(key, value)
		}
		if seen[string(key)] {
			return false
		}
		if size += len(key) + 64; size > maxDistinct {
			s.failure = plait.Errorf(plait.ErrTooLarge, "distinct finds more different values than %d MiB hold", maxDistinct>>20)
			return false
		}
		seen[string(key)] = true
		return true
	}
}

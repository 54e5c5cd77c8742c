// Package pipeline is what a LogQL pipeline means over one entry: line filters, parsers, filters on labels,
// formats. The slow part of a log query that the store cannot answer runs here, entry by entry. It reads
// nothing.
package pipeline

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
)

// Names of the labels that tell of an entry's error.
const (
	ErrorLabel   = "__error__"
	DetailsLabel = "__error_details__"
)

// Entry is a log line with its labels. Names are unique within each list.
type Entry struct {
	TimeNanos        int64
	Line             string
	Stream, Metadata []plait.Label
}

// Result is an entry as a pipeline leaves it. Its lists are the pipeline's: they hold until it processes the
// next entry.
type Result struct {
	TimeNanos                int64
	Line                     string
	Stream, Metadata, Parsed []plait.Label // Parsed has what parsers and formats made, and the error
	Value                    float64       // of the unwrapped label

	failed string
}

// Error is the kind of error that the entry carries, empty if there is none.
func (r *Result) Error() string { return r.failed }

// Pipeline is compiled. One goroutine at a time uses it.
type Pipeline struct {
	selector []textMatch
	stages   []stage
	state    state
	result   Result
}

// stage changes an entry, and says whether it stays.
type stage func(*state) bool

// New compiles the selector and the stages of a log query. An error is plait.ErrInvalid.
func New(l logql.Log) (*Pipeline, error) {
	p := &Pipeline{}
	for _, m := range l.Matchers {
		match, err := newTextMatch(m)
		if err != nil {
			return nil, err
		}
		p.selector = append(p.selector, match)
	}
	for _, s := range l.Stages {
		compiled, err := compile(s)
		if err != nil {
			return nil, plait.Errorf(plait.ErrInvalid, "compile a stage: %w", err)
		}
		p.stages = append(p.stages, compiled)
	}
	return p, nil
}

// Selects says whether the selector fits the labels of a stream.
func (p *Pipeline) Selects(stream []plait.Label) bool {
	for _, m := range p.selector {
		value := ""
		for _, l := range stream {
			if l.Name == m.name {
				value = l.Value
			}
		}
		if !m.fits(value) {
			return false
		}
	}
	return true
}

// Process leads an entry, which the selector fits, through the stages, and says whether it stays. An error
// is plait.ErrTooLarge.
func (p *Pipeline) Process(e *Entry) (*Result, bool, error) {
	s := &p.state
	s.reset(e)
	for _, stage := range p.stages {
		if !stage(s) {
			return nil, false, s.failure
		}
	}
	r := &p.result
	*r = Result{TimeNanos: e.TimeNanos, Line: s.line, Stream: r.Stream[:0], Metadata: r.Metadata[:0], Parsed: r.Parsed[:0], Value: s.value, failed: s.err}
	for _, l := range s.labels {
		label := plait.Label{Name: l.name, Value: l.value}
		switch l.kind {
		case ofStream:
			r.Stream = append(r.Stream, label)
		case ofMetadata:
			r.Metadata = append(r.Metadata, label)
		case ofParser:
			r.Parsed = append(r.Parsed, label)
		}
	}
	if s.err != "" {
		r.Parsed = append(r.Parsed, plait.Label{Name: ErrorLabel, Value: s.err})
	}
	if s.details != "" {
		r.Parsed = append(r.Parsed, plait.Label{Name: DetailsLabel, Value: s.details})
	}
	return r, true, nil
}

// kind is where a label comes from.
type kind uint8

const (
	removed kind = iota
	ofStream
	ofMetadata
	ofParser
)

type label struct {
	name, value string
	kind        kind
	base        bool // the entry had the name before any stage
}

// maxLabels bounds how many labels an entry gets. Parsers find no more.
const maxLabels = 4096

// state is an entry on its way.
type state struct {
	time         int64
	line         string
	labels       []label
	at           map[string]int // in labels
	err, details string
	failure      error
	value        float64
}

const extracted = "_extracted"

func (s *state) reset(e *Entry) {
	if s.at == nil {
		s.at = map[string]int{}
	}
	clear(s.at)
	*s = state{time: e.TimeNanos, line: e.Line, labels: s.labels[:0], at: s.at}
	for _, l := range e.Stream {
		s.set(l.Name, l.Value, ofStream)
	}
	for _, l := range e.Metadata {
		name := l.Name
		if _, taken := s.at[name]; taken {
			name += extracted
		}
		s.set(name, l.Value, ofMetadata)
	}
	for i := range s.labels {
		s.labels[i].base = true
	}
}

// get is a label's value; empty and not ok where it is absent.
func (s *state) get(name string) (string, bool) {
	switch name {
	case ErrorLabel:
		return s.err, s.err != ""
	case DetailsLabel:
		return s.details, s.details != ""
	}
	if i, ok := s.at[name]; ok && s.labels[i].kind != removed {
		return s.labels[i].value, true
	}
	return "", false
}

func (s *state) set(name, value string, k kind) {
	if i, ok := s.at[name]; ok {
		s.labels[i].value, s.labels[i].kind = value, k
		return
	}
	if len(s.labels) < maxLabels {
		s.at[name] = len(s.labels)
		s.labels = append(s.labels, label{name: name, value: value, kind: k})
	}
}

func (s *state) remove(name string) {
	switch name {
	case ErrorLabel:
		s.err = ""
	case DetailsLabel:
		s.details = ""
	}
	if i, ok := s.at[name]; ok {
		s.labels[i].kind = removed
	}
}

// parsedName is what a parser calls a label: a name that the entry had before is another one's.
func (s *state) parsedName(name string) string {
	if i, ok := s.at[name]; ok && s.labels[i].base {
		return name + extracted
	}
	return name
}

// find sets a label that a parser found, unless a stage has set it before.
func (s *state) find(name, value string) {
	name = s.parsedName(name)
	if i, ok := s.at[name]; ok && s.labels[i].kind == ofParser {
		return
	}
	s.set(name, value, ofParser)
}

func (s *state) fail(kind string, err error) bool {
	s.err, s.details = kind, plait.OneLine(err.Error(), 256)
	return true
}

func (s *state) when() time.Time { return time.Unix(0, s.time).UTC() }

// values are all labels, for a template.
func (s *state) values() map[string]string {
	m := make(map[string]string, len(s.labels))
	for _, l := range s.labels {
		if l.kind != removed {
			m[l.name] = l.value
		}
	}
	if s.err != "" {
		m[ErrorLabel], m[DetailsLabel] = s.err, s.details
	}
	return m
}

package loki

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
	"github.com/plaithq/plait/query/logql/quantity"
)

// Bounds of fields.
const (
	defaultLines   = 1_000
	maxFields      = 1_000
	maxFieldValues = 10_000 // of each
	maxFieldBytes  = 16 << 20
)

// field is what lines have under a name.
type field struct {
	Label       string   `json:"label"`
	Type        string   `json:"type"` // of the oldest value
	Cardinality int      `json:"cardinality"`
	Parsers     []string `json:"parsers"` // null where it is structured metadata
	JSONPath    []string `json:"jsonPath,omitempty"`
	values      map[string]bool
}

// fields gathers them.
type fields struct {
	byName       map[string]*field
	bytes        int
	json, logfmt *pipeline.Pipeline
}

// fieldsOf looks at the first lines of a query: at their metadata, and at what a parser finds in them.
func (h *handler) fieldsOf(ctx context.Context, q *request) (*fields, error) {
	most, err := q.number("line_limit", defaultLines)
	if err != nil {
		return nil, err
	}
	l, err := q.logQuery()
	if err != nil {
		return nil, err
	}
	f := &fields{byName: map[string]*field{}}
	if f.json, err = pipeline.New(logql.Log{Stages: []logql.Stage{logql.JSON{}}}); err != nil {
		return nil, err
	}
	if f.logfmt, err = pipeline.New(logql.Log{Stages: []logql.Stage{logql.Logfmt{}}}); err != nil {
		return nil, err
	}
	count := 0
	return f, h.results(ctx, reading{of: l, within: q.within, page: most}, func(r *pipeline.Result) error {
		if err := f.line(r); err != nil {
			return err
		}
		if count++; count == most {
			return errEnough
		}
		return nil
	})
}

func (f *fields) line(r *pipeline.Result) error {
	e := pipeline.Entry{TimeNanos: r.TimeNanos, Line: r.Line, Stream: r.Stream, Metadata: r.Metadata}
	for _, l := range r.Metadata {
		f.add(l, "")
	}
	parsed, _, err := f.json.Process(&e)
	parser := "json"
	if err == nil && parsed.Error() != "" {
		parsed, _, err = f.logfmt.Process(&e)
		parser = "logfmt"
	}
	if err != nil {
		return err
	}
	for _, l := range parsed.Parsed {
		if !strings.HasPrefix(l.Name, "__") {
			f.add(l, parser)
		}
	}
	return nil
}

func (f *fields) add(l plait.Label, parser string) {
	if l.Value == "" || f.bytes > maxFieldBytes {
		return
	}
	of := f.byName[l.Name]
	if of == nil {
		if len(f.byName) == maxFields {
			return
		}
		of = &field{Label: l.Name, values: map[string]bool{}}
		f.byName[l.Name] = of
	}
	of.Type = typeOf(l.Value)
	if parser != "" && !slices.Contains(of.Parsers, parser) {
		of.Parsers = append(of.Parsers, parser)
	}
	if !of.values[l.Value] && len(of.values) < maxFieldValues {
		of.values[l.Value] = true
		f.bytes += len(l.Value) + 32
	}
}

// typeOf is the type of a value, as Loki guesses it.
func typeOf(value string) string {
	if _, err := strconv.ParseInt(value, 10, 64); err == nil {
		return "int"
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return "float"
	}
	if _, err := strconv.ParseBool(value); err == nil {
		return "boolean"
	}
	if _, ok := quantity.Duration(value); ok {
		return "duration"
	}
	if _, ok := quantity.Bytes(value); ok {
		return "bytes"
	}
	return "string"
}

// detectedFields lists the fields of lines.
func (h *handler) detectedFields(ctx context.Context, q *request) (any, error) {
	limit, err := q.number("limit", defaultLines)
	if err != nil {
		return nil, err
	}
	f, err := h.fieldsOf(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := struct {
		Fields []*field `json:"fields"`
		Limit  int      `json:"limit"`
	}{[]*field{}, limit}
	for _, name := range slices.Sorted(maps.Keys(f.byName)) {
		of := f.byName[name]
		of.Cardinality = len(of.values)
		answer.Fields = append(answer.Fields, of)
	}
	answer.Fields = answer.Fields[:min(len(answer.Fields), limit)]
	return answer, nil
}

// detectedValues lists the values of one.
func (h *handler) detectedValues(ctx context.Context, q *request) (any, error) {
	limit, err := q.number("limit", defaultLines)
	if err != nil {
		return nil, err
	}
	f, err := h.fieldsOf(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := struct {
		Values []string `json:"values"`
		Limit  int      `json:"limit"`
	}{[]string{}, limit}
	if of := f.byName[q.name]; of != nil {
		answer.Values = sortedKeys(of.values)
	}
	answer.Values = answer.Values[:min(len(answer.Values), limit)]
	return answer, nil
}

// Package template runs the templates of LogQL's line_format and label_format: Go's text/template with the
// functions that Loki documents. What users write runs in the gateway, so that each run is bounded: in the
// text that it makes, in the work that it does, and in the loops that it goes round. No function reads files
// or the environment, other than the system's time zones.
package template

import (
	"errors"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
)

const (
	// maxText bounds in bytes what a template makes, and each text on the way there.
	maxText = 1 << 20
	// maxWork bounds what a run does: bytes that functions read and make, and a round of a loop for roundCost.
	maxWork   = 16 << 20
	roundCost = 256
)

var (
	errText = errors.New("the template makes a text of more than 1 MiB")
	errWork = errors.New("the template takes too long")
)

// Entry is what a template sees of an entry.
type Entry struct {
	Line   string
	Time   time.Time
	Labels map[string]string // an absent label is empty
}

// Template is a template that was read. One goroutine at a time runs it.
type Template struct {
	tree *template.Template
	run  *run
}

// run is the state of one run, which the functions share.
type run struct {
	entry *Entry
	work  int
	out   strings.Builder
	// expressions and zones are kept from run to run: a template has few.
	expressions map[string]*regexp.Regexp
	zones       map[string]*time.Location
}

// Parse reads a template. An error says what is wrong with it.
func Parse(text string) (*Template, error) {
	r := &run{expressions: map[string]*regexp.Regexp{}, zones: map[string]*time.Location{}}
	t, err := template.New("").Option("missingkey=zero").Funcs(r.functions()).Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: :"))
	}
	if len(t.Templates()) > 1 {
		return nil, errors.New("a template defines no others")
	}
	if t.Tree != nil && t.Root != nil {
		if err := countRounds(t.Root); err != nil {
			return nil, err
		}
	}
	return &Template{tree: t, run: r}, nil
}

// Run makes the text for an entry.
func (t *Template) Run(e *Entry) (string, error) {
	r := t.run
	r.entry, r.work = e, 0
	r.out.Reset()
	if err := t.tree.Execute(limited{r}, e.Labels); err != nil {
		for _, limit := range []error{errText, errWork} {
			if errors.Is(err, limit) {
				return "", limit
			}
		}
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: :"))
	}
	return r.out.String(), nil
}

// limited writes what a template makes, up to the limit.
type limited struct{ *run }

// Write appends.
func (l limited) Write(p []byte) (int, error) {
	if l.out.Len()+len(p) > maxText {
		return 0, errText
	}
	return l.out.Write(p)
}

// spend counts work.
func (r *run) spend(n int) error {
	if r.work += n; r.work > maxWork {
		return errWork
	}
	return nil
}

// text is a text that a function made.
func (r *run) text(s string) (string, error) {
	if len(s) > maxText {
		return "", errText
	}
	return s, r.spend(len(s) + 16)
}

// round counts a round of a loop.
func (r *run) round() (string, error) { return "", r.spend(roundCost) }

// roundName is the function that begins each round of a loop. Users cannot write it: it is no identifier
// that they know of, and harmless if they guess.
const roundName = "__round__"

// countRounds puts a call of round in front of what each loop repeats: the template language has loops
// without end (range 9000000000000000000), and loops in loops.
func countRounds(n parse.Node) error {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			if err := countRounds(child); err != nil {
				return err
			}
		}
	case *parse.IfNode:
		return errors.Join(countRounds(n.List), countRounds(n.ElseList))
	case *parse.WithNode:
		return errors.Join(countRounds(n.List), countRounds(n.ElseList))
	case *parse.RangeNode:
		if err := errors.Join(countRounds(n.List), countRounds(n.ElseList)); err != nil {
			return err
		}
		call, err := parse.Parse("", "{{"+roundName+"}}", "", "", map[string]any{roundName: true})
		if err != nil {
			return err
		}
		n.List.Nodes = append(append([]parse.Node{}, call[""].Root.Nodes...), n.List.Nodes...)
	case *parse.TemplateNode:
		return errors.New("a template calls no others")
	}
	return nil
}

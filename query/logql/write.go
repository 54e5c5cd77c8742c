package logql

import (
	"math"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql/quantity"
)

// writer writes a tree.
type writer struct {
	strings.Builder
	pretty bool
	depth  int
}

func oneLine(e Expr) string {
	var w writer
	e.write(&w)
	return w.String()
}

// Pretty writes a query over several lines, as people read it. Parse reads an equal tree.
func Pretty(e Expr) string {
	w := writer{pretty: true}
	e.write(&w)
	return w.String()
}

// String writes the query.
func (l Log) String() string { return oneLine(l) }

// String writes the query.
func (r Range) String() string { return oneLine(r) }

// String writes the query.
func (a Aggregation) String() string { return oneLine(a) }

// String writes the query.
func (b Binary) String() string { return oneLine(b) }

// String writes the query.
func (l LabelReplace) String() string { return oneLine(l) }

// String writes the query.
func (v Vector) String() string { return oneLine(v) }

// String writes the number.
func (l Literal) String() string { return oneLine(l) }

func (w *writer) strings(s ...string) {
	for _, one := range s {
		w.WriteString(one)
	}
}

// line begins a line of a pretty query; on one line it writes what stands in its place.
func (w *writer) line(instead string) {
	if !w.pretty {
		w.WriteString(instead)
		return
	}
	w.strings("\n", strings.Repeat("  ", min(w.depth, 50)))
}

// inside writes what stands in parentheses, on lines of its own if pretty.
func (w *writer) inside(f func()) {
	w.WriteByte('(')
	w.depth++
	w.line("")
	f()
	w.depth--
	w.line("")
	w.WriteByte(')')
}

func (w *writer) matcher(m plait.Matcher) { w.strings(m.Name, string(m.Op), strconv.Quote(m.Value)) }

func (l Log) write(w *writer) {
	l.writeSelector(w)
	w.depth++
	for _, s := range l.Stages {
		w.line(" ")
		s.writeStage(w)
	}
	w.depth--
}

func (l Log) writeSelector(w *writer) {
	w.WriteByte('{')
	for i, m := range l.Matchers {
		if i > 0 {
			w.WriteString(", ")
		}
		w.matcher(m)
	}
	w.WriteByte('}')
}

func (r Range) write(w *writer) {
	w.WriteString(string(r.Op))
	w.inside(func() {
		if r.Op == QuantileOverTime {
			w.number(r.Parameter)
			w.WriteByte(',')
			w.line(" ")
		}
		r.Of.write(w)
		if r.Unwrap != nil {
			w.depth++
			w.line(" ")
			r.Unwrap.write(w)
			w.depth--
		}
		if len(r.Of.Stages) > 0 || r.Unwrap != nil {
			w.line(" ")
		}
		w.strings("[", quantity.FormatDuration(r.Interval), "]")
		if r.Offset != 0 {
			w.strings(" offset ", quantity.FormatDuration(r.Offset))
		}
	})
	if r.Grouping != nil {
		w.WriteByte(' ')
		w.grouping(r.Grouping)
	}
}

func (u *Unwrap) write(w *writer) {
	w.WriteString("| unwrap ")
	if u.Conversion == ConvertNumber {
		w.WriteString(u.Label)
	} else {
		w.strings(string(u.Conversion), "(", u.Label, ")")
	}
	for _, f := range u.Filters {
		w.line(" ")
		f.writeStage(w)
	}
}

func (w *writer) grouping(g *Grouping) {
	word := "by ("
	if g.Without {
		word = "without ("
	}
	w.strings(word, strings.Join(g.Labels, ", "), ")")
}

func (a Aggregation) write(w *writer) {
	w.WriteString(string(a.Op))
	if a.Grouping != nil {
		w.WriteByte(' ')
		w.grouping(a.Grouping)
		w.WriteByte(' ')
	}
	w.inside(func() {
		if vectorRules[a.Op].parameter {
			w.strings(strconv.Itoa(a.K), ",")
			w.line(" ")
		}
		a.Of.write(w)
	})
}

func (b Binary) write(w *writer) {
	own := precedence[b.Op]
	left, right := own, own+1
	if b.Op == OpPower {
		left, right = own+1, own
	}
	w.operand(b.Left, left)
	w.line(" ")
	w.WriteString(string(b.Op))
	if b.Bool {
		w.WriteString(" bool")
	}
	if m := b.Matching; m != nil {
		word := " ignoring ("
		if m.On {
			word = " on ("
		}
		w.strings(word, strings.Join(m.Labels, ", "), ")")
		if m.Many != NoSide {
			w.strings(" ", string(m.Many))
			// The parentheses are always there: without them those of the right side would be taken for names.
			w.strings(" (", strings.Join(m.Include, ", "), ")")
		}
	}
	w.line(" ")
	w.operand(b.Right, right)
}

// operand writes a side of an operator, in parentheses if it binds less tightly than it has to.
func (w *writer) operand(e Expr, least int) {
	b, binary := e.(Binary)
	if !binary || precedence[b.Op] >= least {
		e.write(w)
		return
	}
	w.inside(func() { e.write(w) })
}

func (l LabelReplace) write(w *writer) {
	w.WriteString("label_replace")
	w.inside(func() {
		l.Of.write(w)
		for _, s := range []string{l.Destination, l.Replacement, l.Source, l.Regexp} {
			w.WriteByte(',')
			w.line(" ")
			w.WriteString(strconv.Quote(s))
		}
	})
}

func (v Vector) write(w *writer) {
	w.WriteString("vector(")
	w.number(v.Value)
	w.WriteByte(')')
}

func (l Literal) write(w *writer) { w.number(l.Value) }

func (w *writer) number(f float64) {
	if f == 0 && !math.Signbit(f) {
		w.WriteByte('0')
		return
	}
	w.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
}

package logql

import (
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait/query/logql/quantity"
)

func (f LineFilter) writeStage(w *writer) {
	w.strings(string(f.Op), " ")
	for i, t := range f.Terms {
		if i > 0 {
			w.WriteString(" or ")
		}
		if t.IP {
			w.strings("ip(", strconv.Quote(t.Text), ")")
		} else {
			w.WriteString(strconv.Quote(t.Text))
		}
	}
}

func (j JSON) writeStage(w *writer) {
	w.WriteString("| json")
	w.extractions(j.Extractions)
}

func (l Logfmt) writeStage(w *writer) {
	w.WriteString("| logfmt")
	if l.Strict {
		w.WriteString(" --strict")
	}
	if l.KeepEmpty {
		w.WriteString(" --keep-empty")
	}
	w.extractions(l.Extractions)
}

func (w *writer) extractions(all []Extraction) {
	for i, e := range all {
		if i > 0 {
			w.WriteByte(',')
		}
		w.strings(" ", e.Name, "=", strconv.Quote(e.From))
	}
}

func (p Pattern) writeStage(w *writer) { w.strings("| pattern ", strconv.Quote(p.Expression)) }

func (r Regexp) writeStage(w *writer) { w.strings("| regexp ", strconv.Quote(r.Expression)) }

func (Unpack) writeStage(w *writer) { w.WriteString("| unpack") }

func (f LabelFilter) writeStage(w *writer) {
	w.WriteString("| ")
	f.Of.writePredicate(w)
}

func (l LineFormat) writeStage(w *writer) { w.strings("| line_format ", strconv.Quote(l.Template)) }

func (l LabelFormat) writeStage(w *writer) {
	w.WriteString("| label_format")
	for i, f := range l.Formats {
		if i > 0 {
			w.WriteByte(',')
		}
		w.strings(" ", f.Name, "=")
		if f.From != "" {
			w.WriteString(f.From)
		} else {
			w.WriteString(strconv.Quote(f.Template))
		}
	}
}

func (d Drop) writeStage(w *writer) {
	w.WriteString("| drop")
	w.choices(d.Labels)
}

func (k Keep) writeStage(w *writer) {
	w.WriteString("| keep")
	w.choices(k.Labels)
}

func (w *writer) choices(all []Choice) {
	for i, c := range all {
		if i > 0 {
			w.WriteByte(',')
		}
		w.strings(" ", c.Name)
		if c.Op != "" {
			w.strings(string(c.Op), strconv.Quote(c.Value))
		}
	}
}

func (Decolorize) writeStage(w *writer) { w.WriteString("| decolorize") }

func (d Distinct) writeStage(w *writer) { w.strings("| distinct ", strings.Join(d.Labels, ", ")) }

func (a And) writePredicate(w *writer) {
	_, or := a.Left.(Or)
	w.predicate(a.Left, or)
	w.WriteString(" and ")
	w.predicate(a.Right, compound(a.Right))
}

func (o Or) writePredicate(w *writer) {
	o.Left.writePredicate(w)
	w.WriteString(" or ")
	_, or := o.Right.(Or)
	w.predicate(o.Right, or)
}

func compound(p Predicate) bool {
	switch p.(type) {
	case And, Or:
		return true
	}
	return false
}

func (w *writer) predicate(p Predicate, parentheses bool) {
	if parentheses {
		w.WriteByte('(')
		defer w.WriteByte(')')
	}
	p.writePredicate(w)
}

func (f TextFilter) writePredicate(w *writer) {
	w.strings(f.Name, string(f.Op), strconv.Quote(f.Value))
}

func (f NumberFilter) writePredicate(w *writer) {
	w.strings(f.Name, " ", string(f.Op), " ")
	switch f.Unit {
	case Duration:
		w.WriteString(quantity.FormatDuration(time.Duration(f.Value)))
	case Bytes:
		w.strings(strconv.FormatFloat(f.Value, 'f', -1, 64), "B")
	default:
		w.number(f.Value)
	}
}

func (f IPFilter) writePredicate(w *writer) {
	op := "="
	if f.Not {
		op = "!="
	}
	w.strings(f.Name, op, "ip(", strconv.Quote(f.Addresses), ")")
}

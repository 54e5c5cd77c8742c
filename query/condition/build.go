package condition

import (
	"strings"

	"github.com/plaithq/plait"
)

// NotEqual is TraceQL's !=: the field has a value that compares with v, and none that equals it. A span
// without the attribute does not fit, and neither does one whose attribute is of another type.
func NotEqual(f Field, v Value) Node { return others(Leaf{f, OpEqual, v}) }

// NotRegexp is TraceQL's !~: the field has a text, and none that fits the expression as a whole.
func NotRegexp(f Field, expression string) Node { return others(Leaf{f, OpRegexp, String(expression)}) }

// others asks for a value that the leaf could compare, and for none that it does.
func others(l Leaf) Node {
	there := Leaf{Field: l.Field, Op: OpExists}
	if l.Field.nature() == anyValue {
		switch {
		case l.never():
			return Const(false)
		case l.Value.typ == TypeString:
			there.Op = OpIsString
		case l.Value.numeric():
			there.Op = OpIsNumber
		case l.Value.typ == TypeBool:
			there.Op = OpIsBool
		}
	}
	return And{there, Not{l}}
}

// Exists asks for any value: TraceQL's != nil.
func Exists(f Field) Node { return Leaf{Field: f, Op: OpExists} }

// Absent asks for no value: TraceQL's = nil.
func Absent(f Field) Node { return Not{Exists(f)} }

// SpanOrResource is TraceQL's attribute without a scope: the span's own, and the resource's where the span
// has none. It is given the condition on the attribute, which is asked of both.
func SpanOrResource(key string, of func(Field) Node) Node {
	own, shared := Attribute(SpanAttribute, key), Attribute(ResourceAttribute, key)
	return Or{
		And{Exists(own), of(own)},
		And{Absent(own), of(shared)},
	}
}

// Label compares a field as PromQL and LogQL compare labels: by its text, which is empty where the field is
// absent. So != finds what lacks the label, and = and =~ do when the empty text fits. An error is
// plait.ErrInvalid and says what is wrong with a regular expression.
func Label(f Field, op plait.MatchOp, text string) (Node, error) {
	leaf, fitsEmpty := Leaf{f, OpEqual, Text(text)}, text == ""
	switch op {
	case plait.MatchEqual, plait.MatchNotEqual:
	case plait.MatchRegexp, plait.MatchNotRegexp:
		fits, err := wholeText(text)
		if err != nil {
			return nil, err
		}
		leaf.Op, fitsEmpty = OpRegexp, fits("")
	default:
		return nil, plait.Errorf(plait.ErrInvalid, "operator %q compares no labels", op)
	}
	var n Node = leaf
	if fitsEmpty {
		n = Or{Absent(f), leaf}
	}
	if op == plait.MatchNotEqual || op == plait.MatchNotRegexp {
		n = Not{n}
	}
	return n, nil
}

// FirstOf compares the first of some fields that is there, as SpanOrResource does: a label that may stand in
// one of several places. It is given the condition on a field, which is asked of each, and where none is
// there of the last.
func FirstOf(fields []Field, of func(Field) (Node, error)) (Node, error) {
	var or Or
	var before And
	for i, f := range fields {
		n, err := of(f)
		if err != nil {
			return nil, err
		}
		part := append(And{}, before...)
		if i < len(fields)-1 {
			part = append(part, Exists(f))
		}
		or = append(or, append(part, n))
		before = append(before, Absent(f))
	}
	return or, nil
}

// BodyContains is the question q of /api/v1/logs: a body that has the text in it, in upper or lower case,
// also where JSON writes it with escapes, and within JSON in JSON. The empty text is in every body.
func BodyContains(text string) Node {
	text = Stored(text)
	body := Field{Name: LogBody}
	n := Or{Leaf{body, OpContainsFold, String(text)}}
	for _, written := range escaped(text) {
		n = append(n, Leaf{body, OpContainsFold, String(written)})
	}
	return n.folded()
}

// Stored is a text as it is kept: with U+FFFD for NUL, which Postgres has not, and for what is not UTF-8.
// What users type is compared so.
func Stored(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
}

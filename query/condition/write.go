package condition

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// String writes the conditions with && between them, in parentheses.
func (a And) String() string { return string(appendNode(nil, a)) }

// String writes the conditions with || between them, in parentheses.
func (o Or) String() string { return string(appendNode(nil, o)) }

// String writes the condition with ! before it.
func (n Not) String() string { return string(appendNode(nil, n)) }

// String is true or false.
func (c Const) String() string { return strconv.FormatBool(bool(c)) }

// String writes the condition on spans in braces.
func (h HasSpan) String() string { return string(appendNode(nil, h)) }

// String writes field, operator and value.
func (l Leaf) String() string { return string(appendNode(nil, l)) }

// String writes the comparison.
func (c Computed) String() string { return string(appendNode(nil, c)) }

func appendNode(b []byte, n Node) []byte {
	switch n := n.(type) {
	case And:
		return appendNodes(b, n, " && ", "true")
	case Or:
		return appendNodes(b, n, " || ", "false")
	case Not:
		if l, ok := n.Of.(Leaf); ok {
			return append(appendLeaf(append(b, "!("...), l), ')')
		}
		return appendNode(append(b, '!'), n.Of)
	case HasSpan:
		return append(appendNode(append(b, "{ "...), n.Of), " }"...)
	case Leaf:
		return appendLeaf(b, n)
	case Computed:
		b = append(append(b, '('), expressionText(n.Left)...)
		b = append(append(append(b, ' '), n.Op.String()...), ' ')
		return append(append(b, expressionText(n.Right)...), ')')
	case nil:
		return append(b, "nothing"...)
	}
	return append(b, n.String()...)
}

// appendNodes writes no parentheses around nothing, which then could be taken for a Const: (true) is an
// And without conditions.
func appendNodes(b []byte, nodes []Node, between, none string) []byte {
	b = append(b, '(')
	for i, n := range nodes {
		if i > 0 {
			b = append(b, between...)
		}
		b = appendNode(b, n)
	}
	switch len(nodes) {
	case 0:
		b = append(b, none...)
	case 1:
		b = append(b, strings.TrimRight(between, " ")...) // an And of one is no Or of one
	}
	return append(b, ')')
}

func appendLeaf(b []byte, l Leaf) []byte {
	b = l.Field.append(b)
	b = append(append(b, ' '), l.Op.String()...)
	if l.Value.typ == TypeNone {
		return b
	}
	return append(append(b, ' '), l.Value.String()...)
}

// String writes the field as TraceQL spells it where it does.
func (f Field) String() string { return string(f.append(nil)) }

var lookupNames = [...]string{LookupExact: "", LookupDotted: "dotted ", LookupLabel: "label "}

func (f Field) append(b []byte) []byte {
	if int(f.Lookup) < len(lookupNames) {
		b = append(b, lookupNames[f.Lookup]...)
	}
	if f.Parent {
		b = append(b, "parent."...)
	}
	facts := f.Name.facts()
	if facts.text == "" {
		b = strconv.AppendInt(append(b, '?'), int64(f.Name), 10)
	}
	b = append(b, facts.text...)
	if facts.keyed || f.Key != "" {
		b = append(b, '.')
		if plainKey(f.Key) {
			b = append(b, f.Key...)
		} else {
			b = strconv.AppendQuote(b, f.Key)
		}
	}
	if f.Path != "" {
		b = strconv.AppendQuote(append(b, '@'), f.Path)
	}
	return b
}

// plainKey says that a key needs no quotes.
func plainKey(key string) bool {
	for _, r := range key {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-' {
			return false
		}
	}
	return key != ""
}

// String writes the value with its type where that is not seen.
func (v Value) String() string {
	switch v.typ {
	case TypeString:
		return strconv.Quote(v.text)
	case TypeText:
		return "text " + strconv.Quote(v.text)
	case TypeSaid:
		return "said " + strconv.Quote(v.text)
	case TypeInt:
		return strconv.FormatInt(v.Int64(), 10)
	case TypeFloat:
		return string(plait.DoubleValue(v.Float64()).AppendJSON(nil))
	case TypeBool:
		return strconv.FormatBool(v.Bool())
	case TypeDuration:
		return time.Duration(v.Int64()).String()
	case TypeTime:
		return time.Unix(0, v.Int64()).UTC().Format(time.RFC3339Nano)
	case TypeKind:
		return "kind " + plait.SpanKind(v.bits).String()
	case TypeStatus:
		return "status " + plait.StatusCode(v.bits).String()
	case TypeTraceID, TypeSpanID:
		return hex.EncodeToString([]byte(v.text))
	}
	return "nothing"
}

// String is the field's text.
func (f FieldOf) String() string { return Field(f).String() }

// String is the value's text.
func (c Constant) String() string { return Value(c).String() }

// String writes the expression in parentheses.
func (a Arithmetic) String() string {
	return "(" + expressionText(a.Left) + " " + string(a.Op) + " " + expressionText(a.Right) + ")"
}

func expressionText(e Expression) string {
	if e == nil {
		return "nothing"
	}
	return e.String()
}

package condition

import (
	"strings"

	"github.com/plaithq/plait"
)

// valueTest compiles what a leaf asks of a value. The leaf was checked.
func (l Leaf) valueTest() (test, error) {
	switch {
	case l.Op == OpExists:
		return func(v plait.Value) bool { return v.Kind() != plait.KindEmpty }, nil
	case l.Op == OpIsString:
		return anyElement(func(v plait.Value) bool { return v.Kind() == plait.KindString }), nil
	case l.Op == OpIsNumber:
		return anyElement(isNumber), nil
	case l.Op == OpIsBool:
		return anyElement(func(v plait.Value) bool { return v.Kind() == plait.KindBool }), nil
	case l.Op == OpEqual:
		return l.equal(), nil
	case l.Value.numeric():
		return anyElement(l.ordered()), nil
	}
	fits, err := l.textTest()
	if err != nil {
		return nil, err
	}
	return ofText(l.Value.typ, fits), nil
}

func isNumber(v plait.Value) bool { return v.Kind() == plait.KindInt || v.Kind() == plait.KindDouble }

// anyElement tests a value, and of an array its elements. Most values are none.
func anyElement(fits test) test {
	return func(v plait.Value) bool {
		if v.Kind() != plait.KindArray {
			return fits(v)
		}
		for _, element := range Elements(v) {
			if fits(element) {
				return true
			}
		}
		return false
	}
}

// ofText makes a test of one of texts.
func ofText(typ Type, fits func(string) bool) test {
	if typ == TypeText {
		return func(v plait.Value) bool { return v.Kind() != plait.KindEmpty && fits(v.Text()) }
	}
	return anyElement(func(v plait.Value) bool { return v.Kind() == plait.KindString && fits(v.Str()) })
}

func (l Leaf) equal() test {
	switch want := l.Value; want.typ {
	case TypeString:
		return anyElement(func(v plait.Value) bool { return v.Kind() == plait.KindString && v.Str() == want.text })
	case TypeText:
		return func(v plait.Value) bool { return v.Kind() != plait.KindEmpty && v.Text() == want.text }
	case TypeSaid:
		return newSaid(want.text).fits
	case TypeBool:
		return anyElement(func(v plait.Value) bool { return v.Kind() == plait.KindBool && v.Bool() == want.Bool() })
	case TypeKind, TypeStatus: // of a field that has nothing else
		return func(v plait.Value) bool { return v.Kind() == plait.KindInt && v.Int() == want.Int64() }
	}
	return anyElement(l.ordered())
}

// ordered compares numbers.
func (l Leaf) ordered() test {
	want := l.Value
	ordered := l.Op.allows()
	return func(v plait.Value) bool {
		order, ok := compareNumber(v, want)
		return ok && ordered(order)
	}
}

// allows says whether the operator allows an order: negative where the field's value is less.
func (o Op) allows() func(order int) bool {
	switch o {
	case OpLess:
		return func(order int) bool { return order < 0 }
	case OpLessOrEqual:
		return func(order int) bool { return order <= 0 }
	case OpGreater:
		return func(order int) bool { return order > 0 }
	case OpGreaterOrEqual:
		return func(order int) bool { return order >= 0 }
	}
	return func(order int) bool { return order == 0 }
}

// textTest compiles what a leaf asks of a text.
func (l Leaf) textTest() (func(string) bool, error) {
	want := l.Value.text
	switch l.Op {
	case OpEqual:
		return func(s string) bool { return s == want }, nil
	case OpRegexp:
		return wholeText(want)
	case OpSearch:
		return somewhere(want)
	case OpContains:
		return func(s string) bool { return strings.Contains(s, want) }, nil
	case OpContainsFold:
		want = Fold(want)
		return func(s string) bool { return containsFold(s, want) }, nil
	case OpHasWord:
		want = Fold(want)
		return func(s string) bool { return hasWord(s, want) }, nil
	}
	ordered := l.Op.allows()
	return func(s string) bool { return ordered(strings.Compare(s, want)) }, nil
}

// check says what is wrong with a leaf that stands in a condition on some rows.
func (l Leaf) check(in rows) error {
	facts := l.Field.Name.facts()
	switch {
	case facts.of&in == 0:
		return plait.Errorf(plait.ErrInvalid, "%s: %s have no such field", l, in)
	case facts.keyed != (l.Field.Key != ""):
		return plait.Errorf(plait.ErrInvalid, "%s: an attribute needs a key, and no other field has one", l)
	case l.Field.Parent && (in != ofSpan || l.Field.Name.OfTrace() || l.Field.Name.OfPlace()):
		return plait.Errorf(plait.ErrInvalid, "%s: only fields of a span are asked of its parent", l)
	case l.Field.Lookup != LookupExact && !facts.keyed:
		return plait.Errorf(plait.ErrInvalid, "%s: only keys of attributes are looked up", l)
	case l.Field.Path != "" && (l.Field.Path[0] != '/' || l.Field.Lookup != LookupExact || !facts.keyed && l.Field.Name != LogBody):
		return plait.Errorf(plait.ErrInvalid, "%s: a path begins with /, and leads into an attribute or a body", l)
	case l.Op.unary() != (l.Value.typ == TypeNone) || l.Op == 0 || l.Op > OpHasWord:
		return plait.Errorf(plait.ErrInvalid, "%s: the operator and the value do not go together", l)
	case l.Op.unary() && l.Op != OpExists && l.Field.nature() != anyValue:
		return plait.Errorf(plait.ErrInvalid, "%s: the type of the field is known", l)
	case l.Op.unary():
		return nil
	}
	return l.checkTypes()
}

func (l Leaf) checkTypes() error {
	t := l.Value.typ
	text := t == TypeString || t == TypeText
	if !l.Field.nature().takes(t) {
		return plait.Errorf(plait.ErrInvalid, "%s: the field has no values of this type", l)
	}
	if l.Op.ordering() && !text && !l.Value.numeric() || l.Op.textual() && !text {
		return plait.Errorf(plait.ErrInvalid, "%s: the operator does not compare values of this type", l)
	}
	return nil
}

// takes says whether what a field has can compare with values of a type.
func (n nature) takes(t Type) bool {
	switch n {
	case aText:
		return t == TypeString || t == TypeText || t == TypeSaid
	case aNumber, aDuration:
		return t == TypeInt || t == TypeFloat || t == TypeDuration || t == TypeText || t == TypeSaid
	case aTime:
		return t == TypeTime || t == TypeInt || t == TypeFloat
	case aKind:
		return t == TypeKind || t == TypeText
	case aStatus:
		return t == TypeStatus || t == TypeText
	case aTraceID:
		return t == TypeTraceID || t == TypeString || t == TypeText
	case aSpanID:
		return t == TypeSpanID || t == TypeString || t == TypeText
	}
	return t != TypeNone
}

// never says that no value of the field can fit, whatever it is.
func (l Leaf) never() bool {
	if l.Field.nature() != anyValue {
		return false
	}
	switch l.Value.typ {
	case TypeKind, TypeStatus, TypeTraceID, TypeSpanID, TypeTime:
		return true // attributes have no values of these types
	}
	return false
}

// String names the rows, for errors.
func (r rows) String() string {
	switch r {
	case ofSpan:
		return "spans"
	case ofTrace:
		return "traces"
	}
	return "log records"
}

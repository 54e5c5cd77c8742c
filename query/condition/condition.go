// Package condition is the one tree of conditions on spans, on log records and on traces. The query
// languages and the API build it, the store plans with it, and Match says in Go what it means: what a
// planner answers is right when it is what Match answers row by row.
//
// A tree is made of And, Or, Not and Leaf. A Leaf speaks of one field in one place and is true when
// some value that the field has there fits. It is false where the field has no value, and where the
// value is of a type that does not compare. What languages mean beyond that stands in the tree:
//
//	TraceQL's  span.x != "a"   span.x is string && !(span.x = "a")        absent is not unequal
//	PromQL's   x != "a"        !(span.x = text "a")                       absent is the empty text
//	TraceQL's  .x = 5          span.x = 5 || !(span.x exists) && resource.x = 5
//	/api/v1's  attr=x=5        span.x = said "5" || resource.x = said "5"
//
// So no mode changes what a leaf means, and a negation is always the negation of its condition. Of a
// field with several values (an attribute that is an array, the events of a span) a leaf asks for one
// that fits, and the negation of a leaf for none.
//
// The package knows no SQL and no database.
package condition

// Node is a condition: And, Or, Not, Const, Leaf, Computed or HasSpan. Nodes are not changed once they
// are built; trees may share them.
type Node interface {
	// String is the condition as a log shows it: TraceQL's spelling where it has one. Equal trees have
	// equal texts, and different trees different ones.
	String() string
	node()
}

// And holds where all of its conditions do. It holds everywhere when it has none.
type And []Node

// Or holds where one of its conditions does. It holds nowhere when it has none.
type Or []Node

// Not holds where its condition does not.
type Not struct{ Of Node }

// Const is a condition that does not look: true holds everywhere, false nowhere.
type Const bool

// Leaf compares what a field has with a value. Leaves compare with ==, and may be keys of maps.
type Leaf struct {
	Field Field
	Op    Op
	Value Value // the zero Value where the operator takes none
}

// HasSpan is a condition on a trace: one of its spans is as a condition on spans says.
type HasSpan struct{ Of Node }

func (And) node()     {}
func (Or) node()      {}
func (Not) node()     {}
func (Const) node()   {}
func (Leaf) node()    {}
func (HasSpan) node() {}

// Op is how a Leaf compares.
type Op uint8

// The operators. Those with a text compare strings, or any value by its text where the Leaf's value
// is of TypeText.
const (
	OpExists         Op = iota + 1 // the field has a value
	OpIsString                     // it has one that is a string
	OpIsNumber                     // it has one that is an integer or a double
	OpIsBool                       // it has one that is a boolean
	OpEqual                        // values say the same; integers and doubles compare as numbers
	OpLess                         // numbers by size, strings by bytes
	OpLessOrEqual                  //
	OpGreater                      //
	OpGreaterOrEqual               //
	OpRegexp                       // the whole text fits the RE2 expression; a dot fits a line break
	OpSearch                       // some part of the text fits the RE2 expression
	OpContains                     // the text is a part
	OpContainsFold                 // the text is a part when upper and lower case are one (see Fold)
	OpHasWord                      // as OpContainsFold, with no letter and no digit beside the part
)

var opNames = [...]string{
	OpExists: "exists", OpIsString: "is string", OpIsNumber: "is number", OpIsBool: "is bool",
	OpEqual: "=", OpLess: "<", OpLessOrEqual: "<=", OpGreater: ">", OpGreaterOrEqual: ">=",
	OpRegexp: "=~", OpSearch: "search", OpContains: "contains", OpContainsFold: "contains fold", OpHasWord: "has word",
}

// String is the operator as a Leaf's text has it.
func (o Op) String() string {
	if int(o) < len(opNames) && o > 0 {
		return opNames[o]
	}
	return "?"
}

// unary says that the operator takes no value.
func (o Op) unary() bool { return o >= OpExists && o <= OpIsBool }

// ordering says that the operator asks which of two is more.
func (o Op) ordering() bool { return o >= OpLess && o <= OpGreaterOrEqual }

// textual says that the operator looks at a text.
func (o Op) textual() bool { return o >= OpRegexp && o <= OpHasWord }

// Walk calls visit for the node and all below it, each before what is below, as long as visit says so;
// where it says false, what is below the node is left out. It goes into HasSpan.
func Walk(n Node, visit func(Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	switch n := n.(type) {
	case And:
		for _, each := range n {
			Walk(each, visit)
		}
	case Or:
		for _, each := range n {
			Walk(each, visit)
		}
	case Not:
		Walk(n.Of, visit)
	case HasSpan:
		Walk(n.Of, visit)
	}
}

// Package logql is the query language LogQL: its text to a tree, and the tree back to text. What a tree
// means over log records is in the rooms below: query/logql/pipeline for single entries and
// query/logql/metric for metric queries. It knows no SQL.
package logql

import (
	"time"

	"github.com/plaithq/plait"
)

// Expr is a query: Log, or one of the metric expressions Range, Aggregation, Binary, LabelReplace, Vector
// and Literal. Trees are not changed once they are made.
type Expr interface {
	// String writes the query on one line, so that Parse reads an equal tree.
	String() string
	write(*writer)
}

// Log is a log query: a selector and a pipeline.
type Log struct {
	Matchers []plait.Matcher // of stream labels
	Stages   []Stage
}

// Stage is a step of a pipeline.
type Stage interface{ writeStage(*writer) }

// LineOp is how a LineFilter looks at a line.
type LineOp string

// The line filters.
const (
	LineContains     LineOp = "|="
	LineContainsNot  LineOp = "!="
	LineMatches      LineOp = "|~" // RE2, not anchored
	LineMatchesNot   LineOp = "!~"
	LineHasPattern   LineOp = "|>"
	LineHasNoPattern LineOp = "!>"
)

// Negative says whether the filter keeps what does not fit.
func (o LineOp) Negative() bool { return o[0] == '!' }

// LineFilter keeps lines in which one of its terms is, or none if its operator is negative.
type LineFilter struct {
	Op    LineOp
	Terms []LineTerm
}

// LineTerm is a text, or a set of addresses.
type LineTerm struct {
	Text string
	IP   bool // ip("10.0.0.0/8")
}

// Extraction is a label that a parser takes from one place of the line. Without a place it is the label's
// name.
type Extraction struct{ Name, From string }

// JSON is the parser json. Without extractions it finds all there is.
type JSON struct{ Extractions []Extraction }

// Logfmt is the parser logfmt. Without extractions it finds all there is.
type Logfmt struct {
	Strict, KeepEmpty bool
	Extractions       []Extraction
}

// Pattern is the parser pattern.
type Pattern struct{ Expression string }

// Regexp is the parser regexp.
type Regexp struct{ Expression string }

// Unpack is the parser unpack.
type Unpack struct{}

// LabelFilter keeps entries whose labels fit.
type LabelFilter struct{ Of Predicate }

// LineFormat makes the line anew.
type LineFormat struct{ Template string }

// LabelFormat makes labels.
type LabelFormat struct{ Formats []Format }

// Format renames a label, or makes one by a template.
type Format struct {
	Name     string
	From     string // the label that gets another name; empty for a template
	Template string
}

// Drop removes labels.
type Drop struct{ Labels []Choice }

// Keep removes all labels but some.
type Keep struct{ Labels []Choice }

// Choice is a label, whatever its value, or one whose value fits.
type Choice struct {
	Name  string
	Op    plait.MatchOp // empty for any value
	Value string
}

// Decolorize removes ANSI colours from lines.
type Decolorize struct{}

// Distinct keeps the first entry of those whose labels have the same values.
type Distinct struct{ Labels []string }

// Predicate is a condition on labels: And, Or, TextFilter, NumberFilter or IPFilter.
type Predicate interface{ writePredicate(*writer) }

// And holds where both do.
type And struct{ Left, Right Predicate }

// Or holds where one does.
type Or struct{ Left, Right Predicate }

// TextFilter compares a label with a text.
type TextFilter plait.Matcher

// CompareOp compares numbers.
type CompareOp string

// The comparisons.
const (
	Equal          CompareOp = "=="
	NotEqual       CompareOp = "!="
	Less           CompareOp = "<"
	LessOrEqual    CompareOp = "<="
	Greater        CompareOp = ">"
	GreaterOrEqual CompareOp = ">="
)

// Unit is what a NumberFilter reads a label as.
type Unit uint8

// The units.
const (
	Plain    Unit = iota // a number
	Duration             // in nanoseconds
	Bytes                // a size in bytes
)

// NumberFilter compares a label with a number, a duration or a size.
type NumberFilter struct {
	Name  string
	Op    CompareOp
	Value float64
	Unit  Unit
}

// IPFilter compares a label with a set of addresses.
type IPFilter struct {
	Name      string
	Not       bool
	Addresses string
}

// Conversion makes a number of an unwrapped label.
type Conversion string

// The conversions.
const (
	ConvertNumber   Conversion = ""
	ConvertDuration Conversion = "duration" // in seconds
	ConvertSeconds  Conversion = "duration_seconds"
	ConvertBytes    Conversion = "bytes"
)

// Unwrap takes a label as the value of an entry.
type Unwrap struct {
	Label      string
	Conversion Conversion
	Filters    []LabelFilter // on what was unwrapped
}

// Grouping says by which labels entries or series are put together.
type Grouping struct {
	Without bool // by all labels but these
	Labels  []string
}

// Range aggregates the entries of a time range: rate({app="cart"}[5m]).
type Range struct {
	Op        RangeOp
	Parameter float64 // of quantile_over_time
	Of        Log
	Unwrap    *Unwrap
	Interval  time.Duration
	Offset    time.Duration
	Grouping  *Grouping
}

// Aggregation aggregates series: sum by (app) (…).
type Aggregation struct {
	Op       VectorOp
	K        int // of topk and bottomk
	Of       Expr
	Grouping *Grouping
}

// BinaryOp joins two expressions.
type BinaryOp string

// The binary operators. Comparisons are spelled as CompareOp.
const (
	OpOr       BinaryOp = "or"
	OpAnd      BinaryOp = "and"
	OpUnless   BinaryOp = "unless"
	OpAdd      BinaryOp = "+"
	OpSubtract BinaryOp = "-"
	OpMultiply BinaryOp = "*"
	OpDivide   BinaryOp = "/"
	OpModulo   BinaryOp = "%"
	OpPower    BinaryOp = "^"
)

// Binary computes with two expressions, or compares or combines them.
type Binary struct {
	Op          BinaryOp
	Bool        bool // a comparison gives 1 or 0
	Matching    *Matching
	Left, Right Expr
}

// Side is a side of a binary operation on which several series may match one of the other.
type Side string

// The sides.
const (
	NoSide    Side = ""
	LeftSide  Side = "group_left"
	RightSide Side = "group_right"
)

// Matching says which series of the two sides belong together.
type Matching struct {
	On      bool // by these labels, else by all but these
	Labels  []string
	Many    Side
	Include []string // labels of the one side that the result gets
}

// LabelReplace makes a label of another.
type LabelReplace struct {
	Of                                       Expr
	Destination, Replacement, Source, Regexp string
}

// Vector is a series without labels.
type Vector struct{ Value float64 }

// Literal is a number.
type Literal struct{ Value float64 }

package traceql

import (
	"strconv"
	"strings"
)

// Metrics is a question for series: MetricsQuery, MetricsArithmetic or MetricsNumber.
type Metrics interface {
	// String writes the question so that it is read back as it is.
	String() string
	metrics()
}

// MetricsQuery makes series of the spans that a pipeline finds.
type MetricsQuery struct {
	Pipeline Pipeline
	Function Function
	By       []Expression // a series for each combination of values
	Then     []SeriesStage
}

// MetricsArithmetic computes with the samples of two questions at the same times. Series go together by their
// labels; a side of a single series without labels goes with all.
type MetricsArithmetic struct {
	Op          Op
	Left, Right Metrics
	Then        []SeriesStage
}

// MetricsNumber is a constant beside series.
type MetricsNumber struct{ Value Static }

func (MetricsQuery) metrics()      {}
func (MetricsArithmetic) metrics() {}
func (MetricsNumber) metrics()     {}

// FunctionOp is what a metrics query computes.
type FunctionOp string

// The functions.
const (
	Rate              FunctionOp = "rate" // of spans a second
	CountOverTime     FunctionOp = "count_over_time"
	MinOverTime       FunctionOp = "min_over_time"
	MaxOverTime       FunctionOp = "max_over_time"
	AvgOverTime       FunctionOp = "avg_over_time"
	SumOverTime       FunctionOp = "sum_over_time"
	HistogramOverTime FunctionOp = "histogram_over_time"
	QuantileOverTime  FunctionOp = "quantile_over_time"
	CompareOp         FunctionOp = "compare"
)

// Function is a function with its arguments.
type Function struct {
	Op        FunctionOp
	Of        Expression // nil for Rate, CountOverTime and CompareOp
	Quantiles []float64  // of QuantileOverTime, from 0 to 1
	Compare   *Compare   // of CompareOp
}

// Compare tells spans in a selection from the others.
type Compare struct {
	Selection Filter
	Top       int // of the values of each attribute
	// StartNanos and EndNanos bound the starts of the spans in the selection, where they are not 0.
	StartNanos, EndNanos int64
}

// DefaultTop is how many values compare() shows of an attribute where the query does not say.
const DefaultTop = 10

// SeriesStage is a choice among samples: Top or Threshold.
type SeriesStage interface {
	// String writes the stage with the operator before it.
	String() string
	seriesStage()
}

// Top keeps the highest samples of each step, or the lowest.
type Top struct {
	N      int
	Bottom bool
}

// Threshold keeps the samples that compare so.
type Threshold struct {
	Op    Op
	Value Static
}

func (Top) seriesStage()       {}
func (Threshold) seriesStage() {}

// String writes the stage with the operator before it.
func (t Top) String() string {
	if t.Bottom {
		return "| bottomk(" + strconv.Itoa(t.N) + ")"
	}
	return "| topk(" + strconv.Itoa(t.N) + ")"
}

// String writes operator and number.
func (t Threshold) String() string { return string(t.Op) + " " + t.Value.String() }

// String writes the function and its arguments.
func (f Function) String() string {
	arguments := []string{}
	if f.Of != nil {
		arguments = append(arguments, f.Of.String())
	}
	for _, q := range f.Quantiles {
		arguments = append(arguments, strconv.FormatFloat(q, 'f', -1, 64))
	}
	if c := f.Compare; c != nil {
		arguments = append(arguments, c.Selection.String(), strconv.Itoa(c.Top))
		if c.StartNanos != 0 || c.EndNanos != 0 {
			arguments = append(arguments, strconv.FormatInt(c.StartNanos, 10), strconv.FormatInt(c.EndNanos, 10))
		}
	}
	return string(f.Op) + "(" + strings.Join(arguments, ", ") + ")"
}

// String writes the pipeline with its function.
func (m MetricsQuery) String() string {
	text := m.Pipeline.String() + " | " + m.Function.String()
	if len(m.By) > 0 {
		text += " by(" + list(m.By) + ")"
	}
	return text + stagesText(m.Then)
}

// String writes the operator between its sides, which stand in parentheses.
func (m MetricsArithmetic) String() string {
	return metricsWithin(m.Left) + " " + string(m.Op) + " " + metricsWithin(m.Right) + stagesText(m.Then)
}

// String writes the number.
func (m MetricsNumber) String() string { return m.Value.String() }

func metricsWithin(m Metrics) string {
	if number, ok := m.(MetricsNumber); ok {
		return number.String()
	}
	return "(" + m.String() + ")"
}

func stagesText(stages []SeriesStage) string {
	var b strings.Builder
	for _, s := range stages {
		b.WriteString(" " + s.String())
	}
	return b.String()
}

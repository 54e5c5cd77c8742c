package logql

// RangeOp is a range aggregation.
type RangeOp string

// VectorOp is a vector aggregation.
type VectorOp string

// The range aggregations.
const (
	Rate             RangeOp = "rate"
	RateCounter      RangeOp = "rate_counter"
	CountOverTime    RangeOp = "count_over_time"
	BytesRate        RangeOp = "bytes_rate"
	BytesOverTime    RangeOp = "bytes_over_time"
	SumOverTime      RangeOp = "sum_over_time"
	AvgOverTime      RangeOp = "avg_over_time"
	MinOverTime      RangeOp = "min_over_time"
	MaxOverTime      RangeOp = "max_over_time"
	StddevOverTime   RangeOp = "stddev_over_time"
	StdvarOverTime   RangeOp = "stdvar_over_time"
	QuantileOverTime RangeOp = "quantile_over_time"
	FirstOverTime    RangeOp = "first_over_time"
	LastOverTime     RangeOp = "last_over_time"
	AbsentOverTime   RangeOp = "absent_over_time"
)

// need says whether a range aggregation takes an unwrapped label.
type need uint8

const (
	unwrapForbidden need = iota
	unwrapAllowed
	unwrapRequired
)

type rangeRule struct {
	unwrap need
	groups bool
}

var rangeRules = map[RangeOp]rangeRule{
	Rate: {unwrapAllowed, false}, RateCounter: {unwrapRequired, false}, CountOverTime: {unwrapForbidden, false},
	BytesRate: {unwrapForbidden, false}, BytesOverTime: {unwrapForbidden, false}, AbsentOverTime: {unwrapAllowed, false},
	SumOverTime: {unwrapRequired, false}, AvgOverTime: {unwrapRequired, true}, MinOverTime: {unwrapRequired, true}, MaxOverTime: {unwrapRequired, true},
	StddevOverTime: {unwrapRequired, true}, StdvarOverTime: {unwrapRequired, true}, QuantileOverTime: {unwrapRequired, true},
	FirstOverTime: {unwrapRequired, true}, LastOverTime: {unwrapRequired, true},
}

// The vector aggregations.
const (
	Sum      VectorOp = "sum"
	Avg      VectorOp = "avg"
	Min      VectorOp = "min"
	Max      VectorOp = "max"
	Count    VectorOp = "count"
	Stddev   VectorOp = "stddev"
	Stdvar   VectorOp = "stdvar"
	TopK     VectorOp = "topk"
	BottomK  VectorOp = "bottomk"
	Sort     VectorOp = "sort"
	SortDesc VectorOp = "sort_desc"
)

type vectorRule struct{ parameter, groups bool }

var vectorRules = map[VectorOp]vectorRule{
	Sum: {false, true}, Avg: {false, true}, Min: {false, true}, Max: {false, true}, Count: {false, true}, Stddev: {false, true}, Stdvar: {false, true},
	TopK: {true, true}, BottomK: {true, true}, Sort: {false, false}, SortDesc: {false, false},
}

// unsupported are functions of Loki that Plait has not.
var unsupported = map[string]bool{"approx_topk": true, "variants": true}

// precedence of the binary operators, the weakest first.
var precedence = map[BinaryOp]int{
	OpOr: 1, OpAnd: 2, OpUnless: 2,
	BinaryOp(Equal): 3, BinaryOp(NotEqual): 3, BinaryOp(Less): 3, BinaryOp(LessOrEqual): 3, BinaryOp(Greater): 3, BinaryOp(GreaterOrEqual): 3,
	OpAdd: 4, OpSubtract: 4, OpMultiply: 5, OpDivide: 5, OpModulo: 5, OpPower: 6,
}

// Compares says whether the operator is a comparison.
func (o BinaryOp) Compares() bool { return precedence[o] == 3 }

// Combines says whether the operator combines sets of series.
func (o BinaryOp) Combines() bool { return o == OpOr || o == OpAnd || o == OpUnless }

// stageWords begin stages, so that no label filter begins with one.
var stageWords = map[string]bool{
	"json": true, "logfmt": true, "pattern": true, "regexp": true, "unpack": true, "unwrap": true, "line_format": true, "label_format": true,
	"drop": true, "keep": true, "decolorize": true, "distinct": true, "and": true, "or": true,
}

package condition_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/plaithq/plait"
	. "github.com/plaithq/plait/query/condition"
)

func naiveFits(l Leaf, v plait.Value) bool {
	if l.Value.Type() == TypeSaid {
		return naiveSays(l.Value.Str(), v)
	}
	if v.Kind() == plait.KindEmpty {
		return false
	}
	if l.Value.Type() == TypeText {
		switch l.Field.Name {
		case SpanKind:
			v = text(plait.SpanKind(v.Int()).String())
		case SpanStatus:
			v = text(plait.StatusCode(v.Int()).String())
		}
		return naiveText(l.Op, v.Text(), l.Value.Str())
	}
	if v.Kind() == plait.KindArray && l.Op != OpExists {
		return slices.ContainsFunc(everything(found{value: v})[1:], func(f found) bool {
			return len(f.keys) == 1 && f.value.Kind() != plait.KindArray && naiveFits(l, f.value)
		})
	}
	switch l.Op {
	case OpExists:
		return true
	case OpIsString:
		return v.Kind() == plait.KindString
	case OpIsNumber:
		return v.Kind() == plait.KindInt || v.Kind() == plait.KindDouble
	case OpIsBool:
		return v.Kind() == plait.KindBool
	}
	switch l.Value.Type() {
	case TypeString:
		return v.Kind() == plait.KindString && naiveText(l.Op, v.Str(), l.Value.Str())
	case TypeTraceID:
		return v.Str() == l.Value.TraceID().String()
	case TypeSpanID:
		return v.Str() == l.Value.SpanID().String()
	case TypeBool:
		return v.Kind() == plait.KindBool && v.Bool() == l.Value.Bool()
	case TypeFloat:
		return naiveCompared(v, l.Op, plait.DoubleValue(l.Value.Float64()))
	}
	return naiveCompared(v, l.Op, plait.IntValue(l.Value.Int64()))
}

func naiveText(op Op, s, want string) bool {
	switch op {
	case OpRegexp:
		return regexp.MustCompile(`^(?s:` + want + `)$`).MatchString(s)
	case OpSearch:
		return regexp.MustCompile(want).MatchString(s)
	case OpContains:
		return strings.Contains(s, want)
	case OpContainsFold:
		return strings.Contains(strings.ToLower(s), strings.ToLower(want))
	case OpHasWord:
		all, word := []rune(" "+s+" "), []rune(want)
		for i := 1; i+len(word) < len(all); i++ {
			part, before, after := all[i:i+len(word)], all[i-1], all[i+len(word)]
			if strings.EqualFold(string(part), want) && !unicode.In(before, unicode.L, unicode.Nd) && !unicode.In(after, unicode.L, unicode.Nd) {
				return true
			}
			if len(word) == 0 {
				return false
			}
		}
		return false
	}
	return naiveOrder(op, strings.Compare(s, want))
}

func naiveOrder(op Op, order int) bool {
	return op == OpEqual && order == 0 || op == OpLess && order < 0 || op == OpLessOrEqual && order <= 0 ||
		op == OpGreater && order > 0 || op == OpGreaterOrEqual && order >= 0
}

// naiveCompared compares numbers exactly, and other values of one type.
func naiveCompared(a plait.Value, op Op, b plait.Value) bool {
	x, xok := exact(a)
	y, yok := exact(b)
	switch {
	case xok && yok:
		return naiveOrder(op, x.Cmp(y))
	case xok || yok || a.Kind() != b.Kind():
		return false
	case a.Kind() == plait.KindString:
		return naiveText(op, a.Str(), b.Str())
	case a.Kind() == plait.KindBool:
		return naiveOrder(op, int(a.Int()-b.Int()))
	}
	return false
}

func exact(v plait.Value) (*big.Float, bool) {
	switch {
	case v.Kind() == plait.KindInt:
		return new(big.Float).SetPrec(2000).SetInt64(v.Int()), true
	case v.Kind() == plait.KindDouble && !math.IsNaN(v.Double()):
		return new(big.Float).SetPrec(2000).SetFloat64(v.Double()), true
	}
	return nil, false
}

func naiveSays(said string, v plait.Value) bool {
	switch v.Kind() {
	case plait.KindEmpty:
		return said == "" || said == "null"
	case plait.KindString:
		return v.Str() == said || strconv.Quote(v.Str()) == said
	case plait.KindBool:
		return strings.ToLower(said) == strconv.FormatBool(v.Bool())
	case plait.KindBytes:
		return said == base64.StdEncoding.EncodeToString([]byte(v.Str())) || said == v.Text()
	case plait.KindInt, plait.KindDouble:
		f, err := strconv.ParseFloat(said, 64)
		if math.IsNaN(f) {
			return v.Kind() == plait.KindDouble && math.IsNaN(v.Double())
		}
		return err == nil && naiveCompared(v, OpEqual, plait.DoubleValue(f))
	}
	if v.Kind() == plait.KindArray && slices.ContainsFunc(everything(found{value: v})[1:], func(f found) bool {
		return len(f.keys) == 1 && naiveSays(said, f.value)
	}) {
		return true
	}
	var compact bytes.Buffer
	return json.Compact(&compact, []byte(said)) == nil && compact.String() == v.Str()
}

func (e naive) computed(x Expression) (all []plait.Value) {
	switch x := x.(type) {
	case Constant:
		l := Value(x)
		return []plait.Value{map[Type]plait.Value{TypeInt: number(l.Int64()), TypeFloat: plait.DoubleValue(l.Float64()),
			TypeString: text(l.Str()), TypeBool: plait.BoolValue(l.Bool())}[l.Type()]}
	case FieldOf:
		for _, v := range e.values(Field(x)) {
			for _, f := range everything(found{value: v}) {
				if v.Kind() == plait.KindArray && len(f.keys) == 1 || v.Kind() != plait.KindArray && len(f.keys) == 0 {
					all = append(all, f.value)
				}
			}
		}
	case Arithmetic:
		for _, a := range e.computed(x.Left) {
			for _, b := range e.computed(x.Right) {
				if v, ok := naiveArithmetic(a, x.Op, b); ok {
					all = append(all, v)
				}
			}
		}
	}
	return all
}

func naiveArithmetic(a plait.Value, op byte, b plait.Value) (plait.Value, bool) {
	float := func(v plait.Value) float64 {
		if v.Kind() == plait.KindInt {
			return float64(v.Int())
		}
		return v.Double()
	}
	isNumber := func(v plait.Value) bool { return v.Kind() == plait.KindInt || v.Kind() == plait.KindDouble }
	if !isNumber(a) || !isNumber(b) {
		return plait.Value{}, false
	}
	if a.Kind() == plait.KindInt && b.Kind() == plait.KindInt {
		x, y, z := big.NewInt(a.Int()), big.NewInt(b.Int()), new(big.Int)
		switch {
		case (op == '/' || op == '%') && b.Int() == 0:
			return plait.Value{}, false
		case op == '/':
			return number(a.Int() / b.Int()), true
		case op == '%':
			return number(a.Int() % b.Int()), true
		case op == '+':
			z.Add(x, y)
		case op == '-':
			z.Sub(x, y)
		case op == '*':
			z.Mul(x, y)
		case op == '^' && b.Int() >= 0 && b.Int() <= 500:
			z.Exp(x, y, nil)
		case op == '^' && b.Int() >= 0 && a.Int() >= -1 && a.Int() <= 1:
			z.SetInt64(int64(math.Pow(float(a), float64(2-b.Int()%2))))
		default:
			z.Lsh(big.NewInt(1), 100)
		}
		if z.IsInt64() {
			return number(z.Int64()), true
		}
	}
	f, g := float(a), float(b)
	r := map[byte]float64{'+': f + g, '-': f - g, '*': f * g, '/': f / g, '%': math.Mod(f, g), '^': math.Pow(f, g)}[op]
	return plait.DoubleValue(r), !math.IsNaN(r) && !math.IsInf(r, 0)
}

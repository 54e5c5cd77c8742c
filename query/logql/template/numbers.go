package template

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"text/template"
)

// numbers are functions that compute. Texts are read as numbers, and what is none is 0.
func numbers() template.FuncMap {
	return template.FuncMap{
		"int": func(v any) int { return int(integer(v)) }, "float64": float,
		"add": integers(func(a, b int64) int64 { return a + b }), "mul": integers(func(a, b int64) int64 { return a * b }),
		"max": integers(func(a, b int64) int64 { return max(a, b) }), "min": integers(func(a, b int64) int64 { return min(a, b) }),
		"sub":  func(a, b any) int64 { return integer(a) - integer(b) },
		"div":  func(a, b any) (int64, error) { return divide(a, b, false) },
		"mod":  func(a, b any) (int64, error) { return divide(a, b, true) },
		"addf": decimals((*big.Rat).Add), "subf": decimals((*big.Rat).Sub), "mulf": decimals((*big.Rat).Mul),
		"divf": decimals(func(z, a, b *big.Rat) *big.Rat {
			if b.Sign() == 0 {
				return nil
			}
			return z.Quo(a, b)
		}),
		"maxf":  floats(math.Max),
		"minf":  floats(math.Min),
		"ceil":  func(v any) float64 { return math.Ceil(float(v)) },
		"floor": func(v any) float64 { return math.Floor(float(v)) },
		"round": round,
	}
}

func integer(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case string:
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			return n
		}
	}
	f := float(v)
	if math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return 0
	}
	return int64(f)
}

func float(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return f
		}
	}
	return 0
}

func integers(f func(a, b int64) int64) func(first any, more ...any) int64 {
	return func(first any, more ...any) int64 {
		total := integer(first)
		for _, v := range more {
			total = f(total, integer(v))
		}
		return total
	}
}

func floats(f func(a, b float64) float64) func(first any, more ...any) float64 {
	return func(first any, more ...any) float64 {
		total := float(first)
		for _, v := range more {
			total = f(total, float(v))
		}
		return total
	}
}

// decimals computes with numbers as they are written, so that 0.1 + 0.2 is 0.3.
func decimals(f func(z, a, b *big.Rat) *big.Rat) func(first any, more ...any) (float64, error) {
	return func(first any, more ...any) (float64, error) {
		total := float(first)
		for _, v := range more {
			a, b := written(total), written(float(v))
			if a == nil || b == nil {
				return 0, errors.New("a number is too large to compute with")
			}
			z := f(new(big.Rat), a, b)
			if z == nil {
				return 0, errors.New("division by zero")
			}
			total, _ = z.Float64()
		}
		return total, nil
	}
}

func written(f float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		return nil
	}
	return r
}

func divide(a, b any, rest bool) (int64, error) {
	x, y := integer(a), integer(b)
	switch {
	case y == 0:
		return 0, errors.New("division by zero")
	case rest:
		return x % y, nil
	}
	return x / y, nil
}

// round rounds to some digits behind the point, halves away from zero.
func round(v any, digits int) float64 {
	power := math.Pow(10, float64(min(max(digits, 0), 300)))
	if rounded := math.Round(float(v)*power) / power; !math.IsNaN(rounded) && !math.IsInf(rounded, 0) {
		return rounded
	}
	return float(v)
}

package xray

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// seconds reads a number of seconds since 1970. It is read as decimal text: a double has no room for nanoseconds of
// this century.
func (r *segmentReader) seconds() int64 {
	at := r.Pos
	var number string
	if r.Space(); r.Peek() == '"' {
		number = r.Str()
	} else {
		number, _ = r.Number()
	}
	nanos, ok := nanosOf(number)
	if !ok && r.Err == nil {
		r.FailAt(at, "want a number of seconds")
	}
	return nanos
}

const (
	secondDigits = 9 // of nanoseconds
	// maxDigits are more than int64 has.
	maxDigits = 20
)

// nanosOf is a decimal number of seconds in nanoseconds, as far as int64 goes. What is smaller is cut off.
func nanosOf(number string) (nanos int64, ok bool) {
	if _, err := strconv.ParseFloat(number, 64); err != nil && !isRange(err) || strings.ContainsAny(number, "_xXpPnN") {
		return 0, false
	}
	mantissa, sign := number, int64(1)
	if strings.HasPrefix(mantissa, "-") {
		sign = -1
	}
	mantissa = strings.TrimLeft(mantissa, "+-")
	exponent := 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		exponent, _ = strconv.Atoi(mantissa[i+1:]) // clamped where it is beyond int
		mantissa = mantissa[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	// How many of the digits are before the point of a number of nanoseconds.
	before := len(digits) - len(fraction) + min(max(exponent, -len(number)-maxDigits), maxDigits+len(number)) + secondDigits
	switch {
	case digits == "" || before <= 0:
		return 0, true
	case before > maxDigits:
		return sign * math.MaxInt64, true
	case before <= len(digits):
		digits = digits[:before]
	default:
		digits += strings.Repeat("0", before-len(digits))
	}
	nanos, err := strconv.ParseInt(digits, 10, 64) // clamped where it is beyond int64
	return sign * nanos, err == nil || isRange(err)
}

func isRange(err error) bool { return errors.Is(err, strconv.ErrRange) }

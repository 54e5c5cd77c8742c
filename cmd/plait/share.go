package main

import (
	"fmt"
	"strconv"
	"strings"
)

// share is a part of all, from 0 to 1, which users write as a percentage: "10%", or as 0.1.
type share float64

// UnmarshalText reads a percentage, or a number that has no unit.
func (s *share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 1) {
		return fmt.Errorf("%q is not a share such as 10%%", text)
	}
	*s = share(n)
	return nil
}

// MarshalText writes a percentage.
func (s share) MarshalText() ([]byte, error) { //nolint:unparam // encoding.TextMarshaler
	return append(strconv.AppendFloat(nil, 100*float64(s), 'g', -1, 64), '%'), nil
}

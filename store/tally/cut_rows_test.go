package tally

import (
	"errors"
	"testing"

	"github.com/plaithq/plait"
)

func TestRowsOfCutCellsHaveABound(t *testing.T) {
	t.Parallel()
	const second = 1_000_000
	for name, c := range map[string]struct {
		steps   Steps
		cell    int64 // how long one lasts, in s
		at      int64 // which one
		refused bool
	}{
		"within steps of seconds":              {Steps{From: 30 * second, To: 600 * second, Length: 15 * second}, 60, 5, true},
		"where the range begins":               {Steps{From: 30 * second, To: 600 * second, Length: 15 * second}, 60, 0, false},
		"where it ends":                        {Steps{From: 30 * second, To: 610 * second, Length: 15 * second}, 60, 10, false},
		"outside":                              {Steps{From: 30 * second, To: 600 * second, Length: 15 * second}, 60, 11, false},
		"within steps of a minute":             {Steps{From: 30 * second, To: 600 * second, Length: 60 * second, Aligned: true}, 60, 5, false},
		"whose half is in a step and half not": {Steps{From: 60 * second, To: 600 * second, Length: 90 * second}, 60, 2, true},
		"of a quarter":                         {Steps{From: 30 * second, To: 600 * second, Length: 10 * second}, 15, 21, true},
		"of a quarter in steps of quarters":    {Steps{From: 30 * second, To: 600 * second, Length: 15 * second}, 15, 21, false},
		"of a quarter where the range begins":  {Steps{From: 31 * second, To: 600 * second, Length: 15 * second, Aligned: true}, 15, 2, false},
		"that no step cuts":                    {Steps{From: 60 * second, To: 600 * second, Length: 90 * second}, 60, 3, false},
	} {
		cut := cutRows{steps: c.steps}
		cut.begin(c.cell * second)
		for range 2 {
			cut.stepOf(c.at, maxCutRows/2+1)
		}
		if err := cut.check(); errors.Is(err, plait.ErrTooLarge) != c.refused {
			t.Errorf("many rows of a cell %s: %v", name, err)
		}
	}
}

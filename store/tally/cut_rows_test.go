package tally

import (
	"errors"
	"testing"

	"github.com/plaithq/plait"
)

func TestRowsOfCutMinutesHaveABound(t *testing.T) {
	t.Parallel()
	const second = 1_000_000
	for name, c := range map[string]struct {
		steps   Steps
		minute  int64
		refused bool
	}{
		"within steps of seconds":              {Steps{From: 30 * second, To: 600 * second, Length: 15 * second}, 5, true},
		"where the range begins":               {Steps{From: 30 * second, To: 600 * second, Length: 15 * second}, 0, false},
		"where it ends":                        {Steps{From: 30 * second, To: 610 * second, Length: 15 * second}, 10, false},
		"outside":                              {Steps{From: 30 * second, To: 600 * second, Length: 15 * second}, 11, false},
		"within steps of a minute":             {Steps{From: 30 * second, To: 600 * second, Length: 60 * second, Aligned: true}, 5, false},
		"whose half is in a step and half not": {Steps{From: 60 * second, To: 600 * second, Length: 90 * second}, 2, true},
		"that no step cuts":                    {Steps{From: 60 * second, To: 600 * second, Length: 90 * second}, 3, false},
	} {
		cut := cutRows{steps: c.steps, pieces: c.steps.cuts()}
		for range 2 {
			cut.add(c.minute, maxCutRows/2+1)
		}
		if err := cut.check(); errors.Is(err, plait.ErrTooLarge) != c.refused {
			t.Errorf("many rows of a minute %s: %v", name, err)
		}
	}
}

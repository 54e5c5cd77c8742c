package tally

import (
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/counts"
)

// maxCutRows bounds how many rows a question may read beyond those of the minutes in which it begins and ends: some seconds'
// worth.
const maxCutRows = 5_000_000

// cutRows counts the rows of minutes that are read from rows, before they are.
type cutRows struct {
	steps  Steps
	pieces []span
	rows   int64

	minute int64 // that was asked for last
	counts bool  // its rows count
	known  bool
}

// add takes note of how many rows a minute has, some of which may be read.
func (c *cutRows) add(minute, rows int64) {
	if !c.known || c.minute != minute { // cells come by minute
		c.minute, c.counts, c.known = minute, c.isInner(minute), true
	}
	if c.counts {
		c.rows += rows
	}
}

// isInner says whether rows of a minute are read in which the range neither begins nor ends.
func (c *cutRows) isInner(minute int64) bool {
	at := minute * counts.MinuteMicros
	i, _ := slices.BinarySearchFunc(c.pieces, at, func(p span, at int64) int {
		if p.to <= at {
			return -1
		}
		return 1
	})
	return i < len(c.pieces) && c.pieces[i].from < at+counts.MinuteMicros && minute != minuteOf(c.steps.From) && minute != minuteOf(c.steps.To)
}

func (c *cutRows) check() error {
	if c.rows > maxCutRows {
		return plait.Errorf(plait.ErrTooLarge, "%d rows would have to be counted, of which there may be %d: make the steps whole minutes, for which counts are kept, or the range shorter", c.rows, maxCutRows)
	}
	return nil
}

package tally

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/rowcodec"
)

// maxCutRows bounds how many rows a question may read beyond those of the cells in which it begins and ends: some seconds'
// worth.
const maxCutRows = 5_000_000

// cutRows tells the steps of cells, and counts the rows of those that are read from rows, before they are.
type cutRows struct {
	steps  Steps
	cell   int64 // how long one lasts, in microseconds
	pieces []span
	rows   int64

	last   int64 // the cell that was asked for last, since 1970
	step   int64 // in which it is, or outside
	counts bool  // its rows count
	known  bool
}

// outside is the step of cells that are not asked for, or read from rows.
const outside = -1

// begin says how long cells last. What steps cut of them is read from rows.
func (c *cutRows) begin(cell int64) {
	c.cell, c.pieces, c.known = cell, c.steps.cuts(cell), false
}

// stepOf is the step of a cell, which has so many rows, or outside.
func (c *cutRows) stepOf(cell, rows int64) int64 {
	if !c.known || c.last != cell { // cells come by time
		at := cell * c.cell
		c.last, c.step, c.counts, c.known = cell, outside, c.isInner(at), true
		if c.steps.whole(at, c.cell, c.pieces) {
			c.step = int64(c.steps.of(at))
		}
	}
	if c.counts {
		c.rows += rows
	}
	return c.step
}

// isInner says whether rows of a cell are read in which the range neither begins nor ends.
func (c *cutRows) isInner(at int64) bool {
	begins := func(t int64) int64 { return rowcodec.FloorDiv(t, c.cell) * c.cell }
	return meets(c.pieces, at, at+c.cell) && at != begins(c.steps.From) && at != begins(c.steps.To)
}

func (c *cutRows) check() error {
	if c.rows > maxCutRows {
		return plait.Errorf(plait.ErrTooLarge, "%d rows would have to be counted, of which there may be %d: make the steps multiples of %g s, for which counts are kept, or the range shorter",
			c.rows, maxCutRows, (time.Duration(c.cell) * time.Microsecond).Seconds())
	}
	return nil
}

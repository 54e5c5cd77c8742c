package tally

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/rowcodec"
)

// cutter makes bodies of cells that come by minute.
type cutter struct {
	shelf       time.Time
	cells       cells
	quarters    *counts.Quarters     // of these; nil where there are none
	toCome      []counts.QuarterCell // by quarter, those of the minutes to come
	first, last int64
	made        columns
}

// cut makes bodies of one, by the hour where that has enough cells.
func cut(signal Signal, shelf time.Time, whole []byte, quarters *counts.Quarters) (columns, error) {
	c := cutter{shelf: shelf}
	var err error
	switch signal {
	case Logs:
		logs := counts.NewLogs()
		c.cells = logs
		if err = c.hold(quarters); err != nil {
			return columns{}, err
		}
		err = counts.ReadLogs(whole, func(cell *counts.LogCell) bool {
			c.at(cell.Minute)
			logs.Include(cell)
			return true
		})
	case Increments:
		increments := counts.NewIncrements()
		c.cells = increments
		err = counts.ReadIncrements(whole, nil, func(_ int, cell *plait.Increment) bool {
			c.at(minuteOfStep(cell.Step))
			increments.Include(cell)
			return true
		})
	default:
		spans := counts.NewSpans()
		c.cells = spans
		err = counts.ReadSpans(whole, func(cell *counts.SpanCell) bool {
			c.at(cell.Minute)
			spans.Include(cell)
			return true
		})
	}
	c.end()
	return c.made, err
}

// hold sets the quarters that come with the minutes.
func (c *cutter) hold(quarters *counts.Quarters) error {
	all := quarters.Bytes()
	if all == nil {
		return nil
	}
	c.quarters = counts.NewQuarters()
	return counts.ReadQuarters(all, func(cell *counts.QuarterCell) bool {
		c.toCome = append(c.toCome, *cell)
		return true
	})
}

// at makes room for a cell of a minute.
func (c *cutter) at(minute int64) {
	if minute != c.last {
		c.takeQuarters()
	}
	n := cellCount(c.cells, c.quarters)
	nextHour := rowcodec.FloorDiv(minute, 60) != rowcodec.FloorDiv(c.last, 60)
	if n >= soManyCells && nextHour || n >= wholeCells {
		c.end()
	}
	if c.cells.Len() == 0 {
		c.first = minute
	}
	c.last = minute
}

// takeQuarters takes those of the minutes up to the last one.
func (c *cutter) takeQuarters() {
	if c.cells.Len() == 0 {
		return
	}
	for len(c.toCome) > 0 && c.toCome[0].Quarter < (c.last+1)*quartersOfMinute {
		c.quarters.Include(&c.toCome[0])
		c.toCome = c.toCome[1:]
	}
}

func (c *cutter) end() {
	if c.cells.Len() == 0 {
		return
	}
	c.takeQuarters()
	c.made.add(c.first, c.last, c.shelf, c.cells, c.quarters)
	if c.cells.Reset(); c.quarters != nil {
		c.quarters.Reset()
	}
}

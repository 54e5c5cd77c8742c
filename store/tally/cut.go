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
	apart       *counts.Apart      // of these; nil where nothing is told apart
	toTell      []counts.ApartCell // by minute, those of the minutes to come
	first, last int64
	made        columns
}

// cut makes bodies of one, by the hour where that has enough cells.
func cut(signal Signal, shelf time.Time, whole []byte, apart *counts.Apart) (columns, error) {
	c := cutter{shelf: shelf}
	var err error
	switch signal {
	case Logs:
		logs := counts.NewLogs()
		c.cells = logs
		if err = c.tell(apart); err != nil {
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

// tell sets what is told apart.
func (c *cutter) tell(apart *counts.Apart) error {
	all := apart.Bytes()
	if all == nil {
		return nil
	}
	c.apart = counts.NewApart()
	return counts.ReadApart(all, func(cell *counts.ApartCell) bool {
		c.toTell = append(c.toTell, *cell)
		return true
	})
}

// at makes room for a cell of a minute.
func (c *cutter) at(minute int64) {
	n := c.cells.Len()
	nextHour := rowcodec.FloorDiv(minute, 60) != rowcodec.FloorDiv(c.last, 60)
	if n >= soManyCells && nextHour || n >= wholeCells {
		c.end()
	}
	if c.cells.Len() == 0 {
		c.first = minute
	}
	c.last = minute
}

func (c *cutter) end() {
	if c.cells.Len() == 0 {
		return
	}
	for c.apart != nil && len(c.toTell) > 0 && c.toTell[0].Minute <= c.last {
		c.apart.Include(&c.toTell[0])
		c.toTell = c.toTell[1:]
	}
	c.made.add(c.first, c.last, c.shelf, c.cells, apartBytes(c.apart))
	if c.cells.Reset(); c.apart != nil {
		c.apart.Reset()
	}
}

package correlate

import (
	"math"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
)

// cellAt is a cell of so many spans that took up to so many powers of two nanoseconds.
func cellAt(column, power int, n int64) query.HeatmapCell {
	return query.HeatmapCell{Column: column, DurationCount: query.DurationCount{Over: 7 << power / 8, UpTo: 1 << power, Count: n}}
}

func TestUsualHoldsWhileHalfOfTheTimeIsInTrouble(t *testing.T) {
	t.Parallel()
	counted := query.HeatmapCounts{Step: time.Second, Columns: 40}
	for column := range 40 {
		counted.Cells = append(counted.Cells, cellAt(column, 24, 20))
		if column%10 < 4 {
			counted.Cells = append(counted.Cells, cellAt(column, 31, 10))
		}
	}
	m := heatmapOf(t, counted, 8)
	if slow := m.Usual[len(m.Usual)-1]; slow > 0.1 {
		t.Errorf("%v slow requests a column are usual, where a quarter of the time has none", slow)
	}
	if quick := m.Usual[0]; quick < 12 || quick > 24 {
		t.Errorf("%v quick requests a column are usual, want some 20", quick)
	}
}

func TestUsualIsLearntFromBeforeWhereAllIsInTrouble(t *testing.T) {
	t.Parallel()
	counted := query.HeatmapCounts{Step: time.Second, Columns: 10, BeforeStep: time.Minute}
	for column := range 10 {
		counted.Cells = append(counted.Cells, cellAt(column, 24, 1), cellAt(column, 31, 20))
		counted.Before = append(counted.Before, cellAt(column, 24, 600))
	}
	m := heatmapOf(t, counted, 8)
	if slow := m.Usual[len(m.Usual)-1]; slow > 0.1 {
		t.Errorf("%v slow requests a column are usual, which there were none of before", slow)
	}
}

func TestUsualIsAShareOfWhatComesIn(t *testing.T) {
	t.Parallel()
	counted := query.HeatmapCounts{Step: time.Minute, Columns: 24}
	for column := range 24 {
		n := int64(1 + column) // the day begins
		counted.Cells = append(counted.Cells, cellAt(column, 24, 30*n), cellAt(column, 31, 10*n))
	}
	m := heatmapOf(t, counted, 8)
	if slow := m.Usual[len(m.Usual)-1]; math.Abs(slow-125) > 1 {
		t.Errorf("%v slow requests a column are usual, want a quarter of all, 125", slow)
	}
}

// heatmapOf makes a heatmap of counts and checks that its rows hold them all.
func heatmapOf(t *testing.T, counted query.HeatmapCounts, rows int) *Heatmap {
	t.Helper()
	m := newHeatmap(&counted, rows)
	if n := len(m.Edges) - 1; n > rows {
		t.Errorf("there are %d rows, which is more than %d", n, rows)
	}
	want, got := int64(0), int64(0)
	for _, c := range counted.Cells {
		want += c.Count
	}
	for i, c := range m.Cells {
		got += c.Requests
		if before := max(i-1, 0); i > 0 && (m.Cells[before].Column > c.Column || m.Cells[before].Column == c.Column && m.Cells[before].Row >= c.Row) {
			t.Errorf("cell %v stands behind %v", c, m.Cells[before])
		}
	}
	if want != got {
		t.Errorf("cells have %d requests, want %d", got, want)
	}
	return m
}

func TestRowsAreMadeOfWholeBuckets(t *testing.T) {
	t.Parallel()
	for rows := 1; rows < 70; rows++ {
		counted := query.HeatmapCounts{Step: time.Second, Columns: 1}
		for power := 3; power < 60; power++ {
			counted.Cells = append(counted.Cells, cellAt(0, power, 1))
		}
		m := heatmapOf(t, counted, rows)
		for i, edge := range m.Edges[1:] {
			if edge <= m.Edges[i] {
				t.Fatalf("edges %v do not ascend", m.Edges)
			}
		}
		if last := m.Edges[len(m.Edges)-1]; last < 1<<59 {
			t.Errorf("%d rows end at %v", rows, last)
		}
	}
	none := heatmapOf(t, query.HeatmapCounts{Columns: 3, Step: time.Second}, 4)
	if len(none.Edges) != 5 || none.Edges[0] <= 0 {
		t.Errorf("without requests the edges are %v", none.Edges)
	}
	noTime := query.HeatmapCounts{Columns: 1, Step: time.Second, Cells: []query.HeatmapCell{{DurationCount: query.DurationCount{Count: 3}, TraceID: plait.TraceID{1}}}}
	if m := heatmapOf(t, noTime, 4); m.Below != 3 {
		t.Errorf("%d requests are below the first row, want 3", m.Below)
	}
}

package logs

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/tally"
	"github.com/plaithq/plait/store/terms"
)

// count counts a record by the minute and by the quarter of one.
func (w *Writer) count(row *logEntry) {
	key := counts.LogKey{Minute: counts.MinuteOf(row.TimeNanos), Resource: row.origin.ID, Class: row.class, Severity: int16(row.Severity)}
	w.tally.Add(row.shelf, key, len(row.body))
	quarter := counts.QuarterKey{
		Quarter: counts.QuarterOf(row.TimeNanos), Resource: key.Resource, Severity: key.Severity,
		Sharp: row.TimeNanos%(counts.QuarterMicros*1000) == 0,
	}
	if row.tells() {
		quarter.Class = key.Class
	}
	w.json = w.json[:0]
	for i := range row.Attributes { // the last of a key counts
		if row.Attributes[i].Key == tally.LevelAttribute {
			w.json = rowcodec.AppendValue(w.json[:0], row.Attributes[i].Value)
		}
	}
	w.tally.AddQuarter(quarter, w.json, len(row.body))
}

// tells says whether a record's class may tell its level or an attribute: see groupCounter.classTells.
func (row *logEntry) tells() bool {
	return len(row.Scope.Attributes) > 0 || condition.Level(&plait.LogRecord{SeverityText: row.SeverityText}) != condition.LevelUnknown
}

// addTerms adds the terms of a record, but for those of the attributes in its row.
func (w *Writer) addTerms(block *terms.Block, row *logEntry, set int64) {
	block.ID(terms.Resource, row.origin.ID)
	block.ID(terms.Class, row.class)
	block.ID(terms.Severity, int64(row.Severity))
	if set != 0 {
		block.ID(terms.AttributeSet, set)
	}
	block.Runs(w.runs[row.runs[0]:row.runs[1]], row.allRuns)
	if row.free {
		block.FreeText(row.body)
	}
}

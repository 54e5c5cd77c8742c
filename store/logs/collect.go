package logs

import (
	"time"

	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/tally"
	"github.com/plaithq/plait/store/terms"
)

// count counts a record, and tells it apart where the counts of LogQL have to.
func (w *Writer) count(row *logEntry) {
	key := counts.LogKey{Minute: counts.MinuteOf(row.TimeNanos), Resource: row.origin.ID, Class: row.class, Severity: int16(row.Severity)}
	w.tally.Add(row.shelf, key, len(row.body))
	w.json = w.json[:0]
	for i := range row.Attributes { // the last of a key counts
		if row.Attributes[i].Key == tally.LevelAttribute {
			w.json = rowcodec.AppendValue(w.json[:0], row.Attributes[i].Value)
		}
	}
	if sharp := row.TimeNanos%int64(time.Minute) == 0; sharp || len(w.json) > 0 {
		w.tally.AddApart(key, sharp, w.json)
	}
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

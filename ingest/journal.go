package ingest

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/plaithq/plait"
)

// journalled is how many requests of a door its latency is told from.
const journalled = 256

// journal remembers what became of requests, for those who look why their telemetry is not here. Doors are few, and
// of each it keeps a bounded part.
type journal struct {
	mu    sync.Mutex
	doors map[string]*doorJournal
}

type doorJournal struct {
	plait.IntakeReport
	took [journalled]time.Duration // the last ones, in a ring
}

// request notes one that is answered.
func (j *journal) request(r request, o outcome, answer string, err error, begin, end time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	d := j.door(r.door)
	d.took[d.Requests%journalled] = end.Sub(begin)
	d.Requests++
	d.Stored += int64(o.stored)
	d.Sampled += int64(o.sampled)
	refused := plait.Refused{Time: end, Sender: r.sender, Answer: answer, Reason: o.message()}
	switch {
	case err != nil:
		refused.Reason = answerTo(err).message
		d.refuse(1, refused)
	case o.refusedCount > 0:
		d.refuse(o.refusedCount, refused)
	}
}

// refused notes a request that no door took.
func (j *journal) refused(door string, r plait.Refused) {
	j.mu.Lock()
	defer j.mu.Unlock()
	d := j.door(door)
	d.took[d.Requests%journalled] = 0
	d.Requests++
	d.refuse(1, r)
}

// door returns the journal of a door. The caller holds the lock.
func (j *journal) door(name string) *doorJournal {
	if j.doors == nil {
		j.doors = map[string]*doorJournal{}
	}
	d := j.doors[name]
	if d == nil {
		d = &doorJournal{IntakeReport: plait.IntakeReport{Door: name}}
		j.doors[name] = d
	}
	return d
}

func (d *doorJournal) refuse(records int, r plait.Refused) {
	d.Refused += int64(records)
	r.Reason = plait.OneLine(r.Reason, maxReasonBytes)
	d.LastRefusal = &r
}

// report tells of all doors that had requests, by name.
func (j *journal) report() []plait.IntakeReport {
	j.mu.Lock()
	defer j.mu.Unlock()
	reports := make([]plait.IntakeReport, 0, len(j.doors))
	for _, d := range j.doors {
		took := slices.Sorted(slices.Values(d.took[:min(d.Requests, journalled)]))
		report := d.IntakeReport
		report.P95 = took[(len(took)-1)*95/100]
		reports = append(reports, report)
	}
	slices.SortFunc(reports, func(a, b plait.IntakeReport) int { return cmp.Compare(a.Door, b.Door) })
	return reports
}

package ingest

import (
	"time"

	"github.com/plaithq/plait"
)

// history remembers in which minutes a limit was in force, for those who look why their telemetry is not here: a day, in some
// 60 KB. It is not for use by several goroutines at once.
type history struct{ minutes []limitedMinute } // in order of time

type limitedMinute struct {
	begin      int64 // Unix time in minutes
	came, out  int64
	leastShare float64
}

const historyMinutes = 24 * 60

// note says what a limit left out of a request, and which share of its records it keeps.
func (h *history) note(now time.Time, came, out int, share float64) {
	if share >= 1 && out == 0 {
		return
	}
	begin := now.Unix() / 60
	if n := len(h.minutes); n == 0 || h.minutes[n-1].begin < begin {
		h.minutes = append(h.minutes, limitedMinute{begin: begin, leastShare: 1})
		for h.minutes[0].begin <= begin-historyMinutes {
			h.minutes = h.minutes[1:]
		}
	}
	m := &h.minutes[len(h.minutes)-1]
	m.came += int64(came)
	m.out += int64(out)
	m.leastShare = min(m.leastShare, share)
}

// report tells of each stretch of minutes, the oldest first.
func (h *history) report(signal string) (stretches []plait.Limited) {
	for _, m := range h.minutes {
		begin := time.Unix(m.begin*60, 0).UTC()
		end := begin.Add(time.Minute)
		if n := len(stretches); n > 0 && stretches[n-1].To.Equal(begin) {
			last := &stretches[n-1]
			last.To = end
			last.Came += m.came
			last.SampledOut += m.out
			last.LeastShare = min(last.LeastShare, m.leastShare)
			continue
		}
		stretches = append(stretches, plait.Limited{Signal: signal, From: begin, To: end, Came: m.came, SampledOut: m.out, LeastShare: m.leastShare})
	}
	return stretches
}

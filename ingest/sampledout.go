package ingest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// limitKind is which limit left a record out.
type limitKind int

const (
	ofAll limitKind = iota
	ofService
	limitKinds
)

// sampledReasons are the label values of plait_ingest_sampled_total.
var sampledReasons = [limitKinds][classes]string{
	ofAll:     {plain: "limit", priority: "limit_priority"},
	ofService: {plain: "service_limit", priority: "service_limit_priority"},
}

// sampledOut is what limits left out of a request.
type sampledOut struct {
	count [limitKinds][classes]int
	why   string          // for the sender
	noted []plait.Limited // for the LimitObserver
}

func (s *sampledOut) records() (n int) {
	for _, of := range s.count {
		n += of[plain] + of[priority]
	}
	return n
}

// maxServicesTold bounds the services whose limits a sender is told of, and maxServiceTold the bytes of a name.
const (
	maxServicesTold = 3
	maxServiceTold  = 128
)

// tell says which limits were in force and what they left out of a request. The caller holds mu.
func (l *limiter) tell(out *sampledOut, now time.Time, limited []*servicePace, came int, share float64) {
	what, setting := "spans", "max-spans-per-second"
	if l.signal == logs {
		what, setting = "log records", "max-records-per-second"
	}
	var why []string
	untold := 0
	for _, p := range limited {
		n := p.out[plain] + p.out[priority]
		out.note(l.signal, p.service, now, p.came, n, p.by[plain].share)
		for c := range p.out {
			out.count[ofService][c] += p.out[c]
		}
		switch {
		case n == 0:
		case len(why) == maxServicesTold:
			untold += n
		default:
			why = append(why, says(n, p.came, what+" of "+serviceTold(p.service), p.limit, "limits", p.by[plain].share))
		}
	}
	if untold > 0 {
		why = append(why, fmt.Sprintf("%d %s of other services are sampled out likewise", untold, what))
	}
	n := out.count[ofAll][plain] + out.count[ofAll][priority]
	out.note(l.signal, "", now, came, n, share)
	if n > 0 {
		why = append(why, says(n, came, what, l.all.limit, setting, share))
	}
	out.why = strings.Join(why, "; ")
}

// note says what a limit did, where it was in force.
func (s *sampledOut) note(signal, service string, now time.Time, came, n int, share float64) {
	if n > 0 || share < 1 {
		s.noted = append(s.noted, plait.Limited{Signal: signal, Service: service, From: now, To: now, Came: int64(came), SampledOut: int64(n), LeastShare: share})
	}
}

// says tells a sender what one limit left out.
func says(n, came int, what string, limit float64, setting string, share float64) string {
	return fmt.Sprintf("%d of %d %s are sampled out and not stored: more come in than %s a second (%s), so %.2g %% of them are kept",
		n, came, what, strconv.FormatFloat(limit, 'f', -1, 64), setting, 100*share)
}

// serviceTold is a service in a sentence.
func serviceTold(name string) string {
	if name == OtherServices {
		return "services that share a limit"
	}
	return plait.OneLine(name, maxServiceTold)
}

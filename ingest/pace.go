package ingest

import (
	"math"
	"math/bits"
	"time"

	"github.com/plaithq/plait/sampling"
)

// pace tells which share of the records of a signal to keep, so that no more than a limit of them are stored in a second, on
// average. It is not for use by several goroutines at once.
//
//  1. Rates are those of the last seconds, each record weighing less the older it is (paceMemory), so shares move smoothly, and
//     a burst that is small beside some seconds' worth of the limit passes whole.
//  2. Records of priority are kept whole as long as they leave a tenth of the limit to the others; the others share what
//     is left. Above that the others get their tenth, since those of whom nothing is kept cannot be counted, and the records of
//     priority share the rest.
//  3. A trace of which a head sampler kept one in ten by the same randomness is rejected only by shares below a tenth. Records
//     are therefore told apart by how many each stands for (arrivals).
type pace struct {
	limit    float64 // records a second
	at       time.Time
	arrivals [classes]arrivals
}

// class is with which urgency a record is kept.
type class int

const (
	plain class = iota
	priority
	classes
)

const (
	// paceMemory is the time after which a record weighs 1/e of what it did.
	paceMemory = 5 * time.Second
	// plainPart is the part of the limit that records of priority leave to the others.
	plainPart = 0.1
)

// advance lets the time pass since records came last.
func (p *pace) advance(now time.Time) {
	passed := now.Sub(p.at)
	if passed <= 0 { // the clock may have been set back
		return
	}
	p.at = now
	for c := range p.arrivals {
		p.arrivals[c].fade(math.Exp(-passed.Seconds() / paceMemory.Seconds()))
	}
}

// come says that a record came which stands for so many, 1 or more.
func (p *pace) come(c class, standsFor float64) {
	p.arrivals[c].come(standsFor, 1/paceMemory.Seconds())
}

// steps tell by which step to sample each class.
func (p *pace) steps() (by [classes]*step) {
	for c, share := range p.shares() {
		by[c] = stepOf(share)
	}
	return by
}

// shareAt is the part of the records without priority that is kept at a time.
func (p *pace) shareAt(now time.Time) float64 {
	p.advance(now)
	return p.steps()[plain].share
}

// shares are the parts of the records of each class to keep, above 0.
func (p *pace) shares() (shares [classes]float64) {
	urgent, others := &p.arrivals[priority], &p.arrivals[plain]
	if left := p.limit - urgent.records(); left >= plainPart*p.limit {
		return [classes]float64{priority: 1, plain: others.share(left)}
	}
	shares[plain] = others.share(plainPart * p.limit)
	shares[priority] = urgent.share(p.limit - others.kept(shares[plain]))
	shares[plain] = min(shares[plain], shares[priority])
	return shares
}

// weightClasses is in how many classes records are by what they stand for: from 1, from 2, from 4 and so on.
const weightClasses = 21

// arrivals counts records by how many each stands for.
type arrivals struct {
	count, standFor [weightClasses]float64
}

// come adds a record that stands for so many, 1 or more, with a weight.
func (a *arrivals) come(standsFor, weight float64) {
	i := min(bits.Len64(uint64(standsFor))-1, weightClasses-1)
	a.count[i] += weight
	a.standFor[i] += standsFor * weight
}

func (a *arrivals) fade(by float64) {
	for i := range a.count {
		a.count[i] *= by
		a.standFor[i] *= by
	}
}

func (a *arrivals) records() (n float64) {
	for _, c := range a.count {
		n += c
	}
	return n
}

// kept is how many records are kept by a share of all that they stand for.
func (a *arrivals) kept(share float64) (n float64) {
	for i, c := range a.count {
		n += min(c, share*a.standFor[i])
	}
	return n
}

// share is the share of all that the records stand for by which no more of them than a limit are kept. Those that stand for
// the most are kept whole where their own samplers kept less than that.
func (a *arrivals) share(limit float64) float64 {
	if a.records() <= limit {
		return 1
	}
	var upTo [weightClasses]float64 // what the records of a class, and of those below it, stand for
	sum := 0.0
	for i, s := range a.standFor {
		sum += s
		upTo[i] = sum
	}
	i := weightClasses - 1
	for i > 0 && upTo[i-1] > 0 && a.count[i] <= limit/upTo[i]*a.standFor[i] { // the records of the class are all kept
		limit -= a.count[i]
		i--
	}
	return min(limit/upTo[i], 1)
}

// Shares go down in steps, sixteen from each to its half, so that few different thresholds are written.
const (
	stepsOfHalf = 16
	shareSteps  = stepsOfHalf*20 + 1 // down to about one in a million, as adjusted counts are bounded
)

// step is a share that is kept, and the texts that tell it.
type step struct {
	share      float64
	threshold  sampling.Threshold
	digits     string
	traceState string // of a span that had none
}

var steps = func() (all [shareSteps]step) {
	for i := range all {
		share := math.Exp2(-float64(i) / stepsOfHalf)
		t := sampling.OfShare(share)
		all[i] = step{share, t, t.String(), sampling.WithThreshold("", t)}
	}
	return all
}()

// stepOf is the largest step that keeps no more than a share.
func stepOf(share float64) *step {
	last := &steps[shareSteps-1]
	switch {
	case share >= 1:
		return &steps[0]
	case share <= last.share:
		return last
	}
	return &steps[int(math.Ceil(-math.Log2(share)*stepsOfHalf))]
}

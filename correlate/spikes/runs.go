package spikes

import (
	"math"
)

// share is how many of some spans have something bad about them.
type share struct{ bad, all int64 }

func (s share) plus(o share) share  { return share{s.bad + o.bad, s.all + o.all} }
func (s share) minus(o share) share { return share{s.bad - o.bad, s.all - o.all} }

func (s share) rate() float64 {
	if s.all == 0 {
		return 0
	}
	return float64(s.bad) / float64(s.all)
}

// prior is how many good spans are believed to be before any was seen: of a few, all of which were good, nobody can say
// that none is ever bad. What was seen to be bad is believed instead.
const prior = 50

// believed is a share with what was believed before.
func (s share) believed() share { return share{s.bad, s.all + prior/(1+s.bad)} }

// surprise is how unlikely it is that two shares differ by chance alone: half of the G statistic of the two, with the prior
// added to the usual one. 0 says that the share is no larger than the usual.
func (s share) surprise(usual share) float64 {
	usual = usual.believed()
	if s.rate() <= usual.rate() {
		return 0
	}
	both := s.plus(usual).rate()
	return s.divergence(both) + usual.divergence(both)
}

// divergence is by how much a share is off a rate, in nats.
func (s share) divergence(rate float64) (d float64) {
	for _, part := range []struct {
		n    int64
		rate float64
	}{{s.bad, rate}, {s.all - s.bad, 1 - rate}} {
		if part.n > 0 {
			d += float64(part.n) * math.Log(float64(part.n)/float64(s.all)/part.rate)
		}
	}
	return d
}

// rule says what makes a spike.
type rule struct {
	leastBad  int64
	leastRate float64
}

const (
	// oddBin is the surprise of a bin from which on it may belong to a spike: by chance one of a hundred does. oddRun is
	// that of a spike: one of a million. oddBeside is that of failures while others fail: one of a thousand.
	oddBin    = 3
	oddRun    = 14
	oddBeside = 7
)

// beyond says whether a share is so much larger than the usual that it matters.
func (r rule) beyond(s, usual share) bool {
	return s.bad > 0 && s.rate() >= max(r.leastRate, 2*usual.believed().rate())
}

// run is a number of bins that follow one another.
type run struct {
	from, to int
	usual    share
	surprise float64
}

// runs finds in the bins of one operation what may be a spike. Without a share of the time before, what is usual is what there is
// outside of all that is odd.
func (r rule) runs(bins []share, before *share) (found []run) {
	total := sumOf(bins)
	odd := joined(bins, func(b share) bool {
		usual := total.minus(b)
		if before != nil {
			usual = *before
		}
		return r.beyond(b, usual) && b.surprise(usual) >= oddBin
	})
	usual := total
	for _, at := range odd {
		usual = usual.minus(sumOf(bins[at.from:at.to]))
	}
	if before != nil {
		usual = *before
	}
	take := func(at run) {
		inside := sumOf(bins[at.from:at.to])
		at.usual, at.surprise = usual, inside.surprise(usual)
		if inside.bad >= r.leastBad && usual.all > 0 && r.beyond(inside, usual) && at.surprise >= oddBeside {
			found = append(found, at)
		}
	}
	for _, at := range odd {
		take(at)
	}
	if len(found) == 0 && before != nil {
		take(reaching(bins)) // bins may have too few spans to be odd by themselves
	}
	return found
}

// joined are the runs of odd bins. An even bin, or some without any spans, end no run.
func joined(bins []share, odd func(share) bool) (all []run) {
	gap := 0
	for i, b := range bins {
		switch {
		case odd(b):
			if n := len(all); n > 0 && gap <= 1 {
				all[n-1].to = i + 1
			} else {
				all = append(all, run{from: i, to: i + 1})
			}
			gap = 0
		case b.all > 0:
			gap++
		}
	}
	return all
}

// reaching is from the first bin with something bad to the last.
func reaching(bins []share) (at run) {
	for i, b := range bins {
		if b.bad > 0 {
			if at.to == 0 {
				at.from = i
			}
			at.to = i + 1
		}
	}
	return at
}

func sumOf(bins []share) (s share) {
	for _, b := range bins {
		s = s.plus(b)
	}
	return s
}

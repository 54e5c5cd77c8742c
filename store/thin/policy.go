// Package thin makes a closed day's traces fewer: those that tell something are kept, and of the rest a share that their ids choose.
// What is kept by chance carries how probable that was, so that counts can be told right, and what is gone is remembered by its id
// (docs/decisions/046).
package thin

import (
	"fmt"
	"slices"
	"time"

	"github.com/plaithq/plait"
)

// Policy says which traces of a day are kept once it is closed. Those with a span or a log record that failed are, those to which an
// exemplar from outside points or the slowest derived one of a bucket and hour, and those that reach over days. A zero After keeps all.
type Policy struct {
	// After is how long after its end a day is thinned: a day at least, and less than spans are kept.
	After time.Duration
	// Keep is the share of the rest that is kept, from 0 to 1, of those of services that have no share of their own.
	Keep float64
	// Services have shares of their own. Of a trace through several services the highest counts.
	Services []ServiceShare
	// SlowerThan keeps traces with a span that took more than so many times what 95 % of its operation's spans of that day took; 0 keeps none
	// for that.
	SlowerThan float64
	// RareBelow keeps traces with a span of an operation that had fewer traces that day; 0 keeps none for that.
	RareBelow int64
	// KeepOpened keeps traces that somebody opened by their ids.
	KeepOpened bool
	// MaxPerSecond bounds how many of the rest are kept of each hour, on an average in a second; 0 means no bound. All shares of an hour
	// are lowered alike.
	MaxPerSecond float64
}

// minAfter is how long a day is left alone after its end: until then spans of its last traces come, and the merger
// of the term index is not done with it.
const minAfter = 24 * time.Hour

// Validate reports the first setting that cannot work, as a *plait.SettingError. Retention is for how long spans are kept.
func (p Policy) Validate(retention time.Duration) error {
	switch {
	case p.After == 0:
		return nil
	case p.After < minAfter:
		return &plait.SettingError{Field: "ThinAfter", Problem: "a day is thinned 24h after its end at the earliest"}
	case p.After >= retention:
		return &plait.SettingError{Field: "ThinAfter", Problem: "spans are dropped before, by --retention-traces"}
	case !(p.Keep >= 0 && p.Keep <= 1):
		return &plait.SettingError{Field: "ThinKeep", Problem: "a share is from 0% to 100%"}
	case p.checkServices() != "":
		return &plait.SettingError{Field: "ThinServices", Problem: p.checkServices()}
	case !(p.SlowerThan == 0 || p.SlowerThan >= 1):
		return &plait.SettingError{Field: "ThinSlowerThan", Problem: "what is slow takes 1 time the usual or more; 0 keeps no trace for being slow"}
	case p.RareBelow < 0:
		return &plait.SettingError{Field: "ThinRareBelow", Problem: "a number of traces is not negative"}
	case !(p.MaxPerSecond >= 0):
		return &plait.SettingError{Field: "ThinMaxRate", Problem: "a rate is not negative; 0 means no bound"}
	}
	return nil
}

// hours are those of a day.
const hours = 24

// idBits are the bits of a trace id that chance decides by (package sampling): its lowest.
const idBits = 56

// ServiceShare is the share that is kept of the traces through a service, from 0 to 1.
type ServiceShare struct {
	Service string
	Keep    float64
}

// maxServices bounds the services with shares of their own.
const maxServices = 1000

// checkServices says which share of a service cannot be used.
func (p Policy) checkServices() string {
	known := map[string]bool{}
	if len(p.Services) > maxServices {
		return fmt.Sprintf("there are %d services, more than %d", len(p.Services), maxServices)
	}
	for i, s := range p.Services {
		switch {
		case s.Service == "":
			return fmt.Sprintf("entry %d: service: none is named; what all others have is --thin-keep", i+1)
		case known[s.Service]:
			return fmt.Sprintf("service %s: there are two entries of it", s.Service)
		case !(s.Keep >= 0 && s.Keep <= 1):
			return fmt.Sprintf("service %s: keep: a share is from 0%% to 100%%", s.Service)
		}
		known[s.Service] = true
	}
	return ""
}

// shares are the different ones that there are, ascending: a trace is known by the place of its own in them.
func (p Policy) shares() []float64 {
	all := []float64{p.Keep}
	for _, s := range p.Services {
		all = append(all, s.Keep)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// place is that of a share.
func (p Policy) place(share float64) int16 { return int16(slices.Index(p.shares(), share)) }

// A stratum has the traces of one hour and one share: chance keeps all of them with the same probability. Its number is the hour, and
// 24 times the place of the share.

// probabilities tells with which probability a trace of each stratum is kept, of so many that only chance keeps.
func (p Policy) probabilities(traces map[int16]int64) []float64 {
	shares := p.shares()
	of := make([]float64, hours*len(shares))
	for hour := range hours {
		expected := 0.0
		for place, share := range shares {
			expected += share * float64(traces[int16(hours*place+hour)])
		}
		lowered := 1.0
		if most := p.MaxPerSecond * time.Hour.Seconds(); most > 0 && expected > most {
			lowered = most / expected
		}
		for place, share := range shares {
			of[hours*place+hour] = share * lowered
		}
	}
	return of
}

// Package thin makes a closed day's traces fewer: those that tell something are kept, and of the rest a share that their ids choose.
// What is kept by chance carries how probable that was, so that counts can be told right, and what is gone is remembered by its id
// (docs/decisions/046).
package thin

import (
	"time"

	"github.com/plaithq/plait"
)

// Policy says which traces of a day are kept once it is closed. Those with a span or a log record that failed are, those to which an
// exemplar from outside points or the slowest derived one of a bucket and hour, and those that reach over days. A zero After keeps all.
type Policy struct {
	// After is how long after its end a day is thinned: a day at least, and less than spans are kept.
	After time.Duration
	// Keep is the share of the rest that is kept, from 0 to 1.
	Keep float64
	// SlowerThan keeps traces with a span that took more than so many times what 95 % of its operation's spans of that day took; 0 keeps none
	// for that.
	SlowerThan float64
	// RareBelow keeps traces with a span of an operation that had fewer traces that day; 0 keeps none for that.
	RareBelow int64
	// KeepOpened keeps traces that somebody opened by their ids.
	KeepOpened bool
	// MaxPerSecond bounds how many of the rest are kept of each hour, on an average in a second; 0 means no bound.
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

// probabilities tells with which probability a trace of each hour is kept, of so many that only chance keeps.
func (p Policy) probabilities(traces [hours]int64) (of [hours]float64) {
	for hour, n := range traces {
		of[hour] = p.Keep
		if most := p.MaxPerSecond * time.Hour.Seconds(); most > 0 && of[hour]*float64(n) > most {
			of[hour] = most / float64(n)
		}
	}
	return of
}

package dictionary

import (
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/plaithq/plait/recent"
)

// Allowance bounds how many new dictionary entries of a kind each of many sources may bring: a
// burst, then a trickle. What is refused stands in the rows themselves, at some cost of disk,
// and nothing is lost. So a service that puts an id into every span's name fills its rows and not
// the dictionary, which all others need in memory.
type Allowance struct {
	burst   int
	perHour int
	sources *recent.Map[uint64, tokens]
}

type tokens struct {
	left  float64
	until time.Time // up to which they were counted
}

// knownSources is how many sources an allowance remembers.
const knownSources = 4 << 10

// NewAllowance returns an allowance of burst entries for each source, and of perHour more with every hour.
func NewAllowance(burst, perHour int) *Allowance {
	return &Allowance{burst: burst, perHour: perHour, sources: recent.OfSize[uint64, tokens](knownSources)}
}

// Take says whether a source may bring another entry.
func (a *Allowance) Take(source string, now time.Time) bool {
	key := xxhash.Sum64String(source) // the string itself belongs to a request
	t, ok := a.sources.Get(key)
	if !ok {
		t = tokens{left: float64(a.burst), until: now}
	}
	if passed := now.Sub(t.until); passed > 0 {
		t.left = min(t.left+passed.Hours()*float64(a.perHour), float64(a.burst))
		t.until = now
	}
	enough := t.left >= 1
	if enough {
		t.left--
	}
	a.sources.Put(key, t)
	return enough
}

package series

import (
	"fmt"
	"slices"

	"github.com/plaithq/plait"
)

// maxReasons bounds the different reasons that are kept of one request: senders read a few, and a
// reason quotes what was sent.
const maxReasons = 16

// Refusals gathers what of a request is left out. What is refused for the same reason is counted
// together. The zero value is empty.
type Refusals struct {
	list   []plait.Refusal
	others int // refused for reasons that are not kept
}

// Add notes that so many samples are refused; none are when the reason tells of something less, such
// as an exemplar or a text about a metric.
func (r *Refusals) Add(samples int, reason string) {
	if i := slices.IndexFunc(r.list, func(old plait.Refusal) bool { return old.Reason == reason }); i >= 0 {
		r.list[i].Count += samples
		return
	}
	if len(r.list) < maxReasons {
		r.list = append(r.list, plait.Refusal{Count: samples, Reason: reason})
		return
	}
	r.others += samples
}

// List returns what was gathered.
func (r *Refusals) List() []plait.Refusal {
	if r.others > 0 {
		return append(slices.Clip(r.list), plait.Refusal{Count: r.others, Reason: fmt.Sprintf("%d more, for other reasons", r.others)})
	}
	return r.list
}

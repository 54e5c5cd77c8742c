package index

import (
	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/terms"
)

// What tests look at.
const EnoughHeads = enoughHeads

var ErrOvertaken = errOvertaken

// KeepHeads changes how many bytes of heads are kept in memory.
func (x *Index) KeepHeads(bytes int) {
	x.heads = recent.New(bytes, func(_ int64, h *terms.Head) int { return h.Size() })
}

// KeptHeads is how many heads are in memory.
func (x *Index) KeptHeads() int { return x.heads.Len() }

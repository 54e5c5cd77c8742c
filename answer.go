package plait

import (
	"context"
	"sync/atomic"
)

// AnswerMemory bounds the bytes of all answers that are being built or sent at the same time. It never
// makes anybody wait: an answer that gets no more is cut short there, and says so.
type AnswerMemory struct {
	max  int64
	used atomic.Int64
}

// NewAnswerMemory returns the memory for so many bytes.
func NewAnswerMemory(maxBytes int64) *AnswerMemory {
	return &AnswerMemory{max: maxBytes}
}

type answerKey struct{}

// answerShare is what one answer holds.
type answerShare struct {
	memory *AnswerMemory
	held   atomic.Int64
}

// Begin returns a context in which HoldAnswerBytes takes from the memory, and a function that gives
// back all that was taken, to be called once the answer has been sent.
func (m *AnswerMemory) Begin(ctx context.Context) (context.Context, func()) {
	share := &answerShare{memory: m}
	return context.WithValue(ctx, answerKey{}, share), func() { m.used.Add(-share.held.Swap(0)) }
}

// HoldAnswerBytes takes bytes for the answer that a context belongs to, and says whether there were
// any. A context that belongs to none has as many as it likes.
func HoldAnswerBytes(ctx context.Context, bytes int64) bool {
	share, ok := ctx.Value(answerKey{}).(*answerShare)
	if !ok {
		return true
	}
	if share.memory.used.Add(bytes) > share.memory.max {
		share.memory.used.Add(-bytes)
		return false
	}
	share.held.Add(bytes)
	return true
}

package tracesearch

import (
	"context"
	"log/slog"
	"time"

	"github.com/plaithq/plait"
)

// Config says how the API of a tracing system answers, and what questions may cost.
type Config struct {
	// Timeout ends a question.
	Timeout time.Duration
	// MaxSpans bounds the spans of a trace.
	MaxSpans int
	// Memory is what all answers share.
	Memory *plait.AnswerMemory
	// Ready says whether the database can be asked.
	Ready func(context.Context) error
	// Opened is told of each trace that somebody opened by its id, and returns at once; nil: nobody is told.
	Opened func(plait.TraceID)
	// Version is Plait's.
	Version string

	Logger *slog.Logger     // nil: slog.Default
	Now    func() time.Time // nil: time.Now
}

// WithDefaults fills what is nil.
func (c Config) WithDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Opened == nil {
		c.Opened = func(plait.TraceID) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

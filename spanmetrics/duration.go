package spanmetrics

import (
	"time"

	"github.com/plaithq/plait"
)

// MaxDuration is the longest that a span is believed to take. What claims more has no start or no
// end: tracers write 0, or the largest number there is.
const MaxDuration = 366 * 24 * time.Hour

// DurationNanos returns how long a span took, for histograms, means and quantiles: 0 for one that
// ends before it starts, as an unfinished one does whose end is 0, and for one that takes longer
// than MaxDuration. plait.Span keeps both times as they were sent.
func DurationNanos(s *plait.Span) int64 {
	if s.EndNanos <= s.StartNanos {
		return 0
	}
	return Believed(s.EndNanos - s.StartNanos) // which overflows where the two are centuries apart
}

// Believed is DurationNanos of an end less its start.
func Believed(nanos int64) int64 {
	if nanos < 0 || nanos > int64(MaxDuration) {
		return 0
	}
	return nanos
}

// SeenNanos returns when a span was over, in nanoseconds since the Unix epoch: its end, or its
// start where it has no end to believe.
func SeenNanos(s *plait.Span) int64 {
	if s.EndNanos < s.StartNanos {
		return s.StartNanos
	}
	return s.EndNanos
}

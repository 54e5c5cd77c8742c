package forward

import (
	"log/slog"
	"time"
)

// outage is the time during which something fails over and over again: the log has a line when it begins and one when it is over. The zero value with a log
// and a clock is ready; it belongs to one goroutine.
type outage struct {
	log   *slog.Logger
	now   func() time.Time
	since time.Time // zero: all is well
	times int
}

// failed takes note of a failure.
func (o *outage) failed(message string, err error) {
	if o.times++; o.times == 1 {
		o.since = o.now()
		o.log.Warn(message, "error", err)
	}
}

// over takes note of a success.
func (o *outage) over(message string) {
	if o.times > 0 {
		o.log.Info(message, "after", o.now().Sub(o.since).Round(time.Second), "failures", o.times)
		o.times = 0
	}
}

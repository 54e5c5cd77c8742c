package forward

import (
	"log/slog"
	"time"
)

// tellAfter is for how long something fails before the log says so: a target that is short of memory or limits rates refuses a request every now and
// then and takes it a moment later, for hours.
const tellAfter = 5 * time.Second

// outage is the time during which something fails over and over again: the log has a line when that goes on for a while, and one when it is over. The zero
// value with a log and a clock is ready; it belongs to one goroutine.
type outage struct {
	log   *slog.Logger
	now   func() time.Time
	since time.Time
	times int // 0: all is well
	told  bool
}

// failed takes note of a failure.
func (o *outage) failed(message string, err error) {
	now := o.now()
	if o.times++; o.times == 1 {
		o.since = now
	}
	if !o.told && now.Sub(o.since) >= tellAfter {
		o.told = true
		o.log.Warn(message, "error", err, "since", o.since)
	}
}

// over takes note of a success.
func (o *outage) over(message string) {
	if o.told {
		o.log.Info(message, "after", o.now().Sub(o.since).Round(time.Second), "failures", o.times)
	}
	o.times, o.told = 0, false
}

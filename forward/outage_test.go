package forward

import (
	"errors"
	"log/slog"
	"testing"
	"time"
)

func TestAnOutageIsToldOnceItLasts(t *testing.T) {
	t.Parallel()
	log := &logBuffer{t: t}
	now := time.Now()
	o := outage{log: slog.New(slog.NewTextHandler(log, nil)), now: func() time.Time { return now }}
	check := func(when string, began, ended int) {
		t.Helper()
		if b, e := log.count("WARN", "it fails", "busy"), log.count("INFO", "it works"); b != began || e != ended {
			t.Errorf("%s: told %d times that it fails and %d times that it works: %s", when, b, e, log.b.String())
		}
	}
	fail := func(times int) {
		for range times {
			o.failed("it fails", errors.New("busy"))
			now = now.Add(time.Second)
		}
	}
	for range 5 { // a target that refuses now and then
		fail(3)
		o.over("it works")
	}
	check("short ones", 0, 0)
	fail(60)
	check("a long one", 1, 0)
	o.over("it works")
	o.over("it works")
	check("its end", 1, 1)
	fail(3)
	o.over("it works")
	check("a short one after it", 1, 1)
}

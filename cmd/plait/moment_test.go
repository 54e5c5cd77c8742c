package main

import (
	"testing"
	"time"

	"github.com/plaithq/plait/duration"
)

func TestMoment(t *testing.T) {
	for text, want := range map[string]time.Duration{"1d": duration.Day, "2w": 2 * duration.Week, "1y": duration.Year, "1d12h": 36 * time.Hour, "now-1.5d": 36 * time.Hour, "now-90s": 90 * time.Second, "now": 0} {
		var got moment
		if err := got.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if ago := time.Since(got.at); ago < want || ago > want+time.Minute {
			t.Errorf("%s was %s ago, want %s", text, ago, want)
		}
	}
	var got moment
	if err := got.UnmarshalText([]byte("2026-11-21T11:00:00.5+01:00")); err != nil || !got.at.Equal(time.Date(2026, 11, 21, 10, 0, 0, 5e8, time.UTC)) {
		t.Errorf("got %s and %v", got.at, err)
	}
	for _, text := range []string{"", "yesterday", "-5m", "now--5m", "now-", "2026-11-21"} {
		if got.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is %s, want an error", text, got.at)
		}
	}
}

package main

import (
	"testing"
	"time"
)

func TestPeriod(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "2w": 2 * week, "36h": 36 * time.Hour, "1d12h": 36 * time.Hour, "1w1d1m": week + day + time.Minute, "0.5d": 12 * time.Hour, "250ms": 250 * time.Millisecond,
	} {
		var got period
		if err := got.UnmarshalText([]byte(text)); err != nil || time.Duration(got) != want {
			t.Errorf("%s is %s and %v, want %s", text, time.Duration(got), err, want)
		}
		printed, _ := got.MarshalText()
		var again period
		if err := again.UnmarshalText(printed); err != nil || again != got {
			t.Errorf("%s is printed as %s, which is %s and %v", text, printed, time.Duration(again), err)
		}
	}
	for _, text := range []string{"", "7", "7x", "d", "1d2w", "40000d", "NaNd", "1e300w", "100d1000000h"} {
		var got period
		if got.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is %s, want an error", text, time.Duration(got))
		}
	}
}

func TestMoment(t *testing.T) {
	for text, want := range map[string]time.Duration{"1d": day, "2w": 2 * week, "now-90s": 90 * time.Second, "now": 0} {
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
	for _, text := range []string{"", "yesterday", "-5m", "now-", "2026-11-21"} {
		if got.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is %s, want an error", text, got.at)
		}
	}
}

package partition

import (
	"testing"
	"time"
)

func TestDaysBeginAtMidnightUTC(t *testing.T) {
	for _, c := range []struct {
		at   string
		want string
	}{
		{"2026-11-21T00:00:00Z", "20261121"}, {"2026-11-21T23:59:59.999999999Z", "20261121"},
		{"1969-12-31T23:59:59Z", "19691231"}, {"1970-01-01T00:00:00Z", "19700101"}, {"2026-11-21T23:30:00-05:00", "20261122"},
	} {
		at, err := time.Parse(time.RFC3339Nano, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := DayOf(at).suffix(); got != c.want {
			t.Errorf("day of %s is %s, want %s", c.at, got, c.want)
		}
		if DayOf(at) != dayOfNanos(at.UnixNano()) {
			t.Errorf("day of %s differs by way of nanoseconds", c.at)
		}
	}
}

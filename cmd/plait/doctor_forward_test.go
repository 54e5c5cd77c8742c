package main

import (
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait/store/outbox"
)

func TestTheDoctorTellsOfTargets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status outbox.Status
		want   string
	}{
		{outbox.Status{Sent: 5, Held: true}, "✓ 5 traces for the target a were sent, 0 wait."},
		{outbox.Status{Waiting: 7, Held: true, Failing: 90 * time.Second, Failure: "503: away."},
			"✕ 7 traces for the target a wait: it has taken nothing for 1m30s. It last said: 503: away."},
		{outbox.Status{Waiting: 7, GivenUp: 3, Held: true, Failing: time.Hour, Failure: "away"},
			"✕ 7 traces for the target a wait: it has taken nothing for 1h0m0s. 3 were given up, since more waited than its max_bytes, or for longer than its max_age. It last said: away."},
		{outbox.Status{Sent: 5, GivenUp: 3, Held: true},
			"! 5 traces for the target a were sent, 0 it refused, 0 were too old before it took them. 3 were given up, since more waited than its max_bytes, or for longer than its max_age."},
		{outbox.Status{Unseen: time.Hour}, "! No gateway has sent traces for the target a for 1h0m0s."},
		{outbox.Status{Waiting: 9, Held: true, Lag: time.Hour}, "! 9 traces for the target a wait, the oldest for 1h0m0s."},
		{outbox.Status{Sent: 5, Refused: 2, Expired: 1, Held: true, Failure: "400: no"},
			"! 5 traces for the target a were sent, 2 it refused, 1 were too old before it took them. It last said: 400: no."},
	} {
		var out strings.Builder
		c.status.Target, c.status.Signal = "a", outbox.Traces
		d := &doctor{std: console{out: &out}, paint: newPainter(&out)}
		d.examineForwarding([]outbox.Status{c.status})
		if first, _, _ := strings.Cut(out.String(), "\n"); first != c.want {
			t.Errorf("%+v\ngot  %s\nwant %s", c.status, first, c.want)
		}
	}
}

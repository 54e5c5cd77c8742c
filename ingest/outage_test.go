package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

func TestAnOutageIsToldOfNowAndThen(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	clock := time.Unix(1_700_000_000, 0)
	var down error
	ts := serve(t, func(_ *Config, d *Deps) {
		d.Writer = failing{write: func() error { return down }}
		d.Now = func() time.Time { return clock }
		d.Logger = slog.New(slog.NewTextHandler(&lines, nil))
	})
	body := marshal(t, testTrace(1, "a"))
	send := func(want, times int) {
		for range times {
			if got := ts.protobuf(t, "/v1/traces", body); got.code != want {
				t.Fatalf("answered %d, want %d: %s", got.code, want, got.body)
			}
		}
	}
	expect := func(when string, want ...string) {
		t.Helper()
		got := strings.Split(strings.TrimSuffix(lines.String(), "\n"), "\n")
		lines.Reset()
		if len(want) == 0 && got[0] == "" {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d lines, want %d:\n%s", when, len(got), len(want), strings.Join(got, "\n"))
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("%s: line %d is\n%s\nwant in it: %s", when, i, got[i], want[i])
			}
		}
	}

	send(http.StatusOK, 1)
	expect("before")
	down = fmt.Errorf("%w: connection refused", plait.ErrUnavailable)
	send(http.StatusServiceUnavailable, 20)
	expect("at first", "others_since_last_line=0")
	clock = clock.Add(outagePause)
	send(http.StatusServiceUnavailable, 5)
	expect("ten seconds later", "others_since_last_line=19")
	down = nil
	send(http.StatusOK, 2)
	expect("at its end", `msg="requests are stored again" not_stored=25 after=10s`)
	down = errors.New("of no kind")
	send(http.StatusServiceUnavailable, 2)
	expect("the next", "of no kind")
}

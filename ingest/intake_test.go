package ingest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/plaithq/plait"
)

func testIntake(t *testing.T, change func(*Config)) *intake {
	t.Helper()
	c := DefaultConfig()
	if change != nil {
		change(&c)
	}
	s, err := New(c, Deps{Writer: nowhere{}, Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s.intake
}

// answeredSo returns how many requests of a door were answered so.
func answeredSo(in *intake, door, answer string) float64 {
	return testutil.ToFloat64(in.meters.requests.WithLabelValues(door, answer))
}

func TestEveryTransportLeadsARequestToItsEnd(t *testing.T) {
	t.Parallel()
	holding := func(then func() (outcome, error)) func(*body) (outcome, error) {
		return func(b *body) (outcome, error) {
			if err := b.readAll(strings.NewReader("a body"), -1); err != nil {
				return outcome{}, err
			}
			return then()
		}
	}
	for _, c := range []struct {
		name   string
		stop   bool
		serve  func(*body) (outcome, error)
		answer string // as it is counted
		told   string // a part of the message to the sender; empty where success was answered
	}{
		{"stored", false, holding(func() (outcome, error) { return outcome{stored: 1}, nil }), "ok", ""},
		{"partly refused", false, holding(func() (outcome, error) { return outcome{refusedCount: 1}, nil }), "partial", ""},
		{"invalid", false, holding(func() (outcome, error) { return outcome{}, plait.Errorf(plait.ErrInvalid, "byte 3 is wrong") }), "invalid", "byte 3 is wrong"},
		{"panic", false, holding(func() (outcome, error) { panic("no such index") }), "panic", "do not send it again"},
		{"stopped", true, nil, "draining", "the gateway stops"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := testIntake(t, nil)
			if c.stop {
				in.stop()
				in.stop()
			}
			told := ""
			in.take(t.Context(), request{
				door: "a_door", sender: "somebody", serve: c.serve,
				fail: func(a answer, _ error) error { told = a.message; return nil },
			})
			if !strings.Contains(told, c.told) || (told == "") != (c.told == "") {
				t.Errorf("the sender is told %q, want %q", told, c.told)
			}
			if n := answeredSo(in, "a_door", c.answer); n != 1 {
				t.Errorf("%v requests are counted as %s, want 1", n, c.answer)
			}
			if held := in.budget.inUse(); held != 0 {
				t.Errorf("%d bytes are held by nobody", held)
			}
		})
	}
}

func TestBytesOfAFailedRequestAreNotLentAgain(t *testing.T) {
	t.Parallel()
	in := testIntake(t, nil)
	var kept *body
	in.take(t.Context(), request{
		door: "a_door", sender: "somebody",
		serve: func(b *body) (outcome, error) {
			if err := b.readAll(strings.NewReader("a body"), -1); err != nil {
				return outcome{}, err
			}
			kept = &body{bytes: b.bytes}
			b.free = func() { t.Error("the bytes are lent again while somebody may read them") }
			return outcome{}, errors.New("the writer has not let go")
		},
		fail: func(answer, error) error { return nil },
	})
	if string(kept.bytes) != "a body" {
		t.Errorf("the bytes read %q", kept.bytes)
	}
}

func TestABodyThatStallsOverAnyConnectionIsCutOff(t *testing.T) {
	t.Parallel()
	in := testIntake(t, func(c *Config) { c.StallTimeout = 50 * time.Millisecond })
	sender, conn := net.Pipe()
	defer sender.Close()
	defer conn.Close()
	var failure error
	in.take(t.Context(), request{
		door: "a_stream", sender: "somebody",
		serve: func(b *body) (outcome, error) {
			return outcome{}, b.arrive(context.Background(), conn, conn, func(raw io.Reader) error { return b.readAll(raw, 100) })
		},
		fail: func(_ answer, err error) error { failure = err; return nil },
	})
	if !errors.Is(failure, errSlow) || answeredSo(in, "a_stream", "slow") != 1 {
		t.Errorf("got %v, want %v", failure, errSlow)
	}
	if held := in.budget.inUse(); held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
}

package sockets

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// newDatagrams makes a listener whose datagrams go to handle, two at once.
func newDatagrams(handle func(ctx context.Context, datagram string)) *Datagrams {
	return NewDatagrams(DatagramConfig{
		Name: "datagrams", Addr: "127.0.0.1:0", MaxAtOnce: 2, ShutdownGrace: time.Minute,
		Handle: func(ctx context.Context, _ net.Addr, datagram []byte) { handle(ctx, string(datagram)) },
	})
}

// run listens and serves until the test ends, and returns a sender to it.
func (d *Datagrams) run(t *testing.T) (send func(string)) {
	t.Helper()
	if err := d.Listen(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(t.Context()) }()
	conn, err := net.Dial("udp", d.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		if err := <-ended; err != nil { // t.Context has ended
			t.Error("Run:", err)
		}
	})
	return func(text string) {
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Error(err)
		}
	}
}

func TestDatagramsComeWholeAndApart(t *testing.T) {
	t.Parallel()
	got := make(chan string)
	send := newDatagrams(func(_ context.Context, datagram string) { got <- datagram }).run(t)
	large := strings.Repeat("x", 60<<10)
	for _, text := range []string{"a", "", large, "b"} {
		send(text)
		if datagram := <-got; datagram != text {
			t.Errorf("%d bytes came as %d", len(text), len(datagram))
		}
	}
}

func TestDatagramsBeyondThoseAtOnceWait(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan string, 3), make(chan struct{})
	send := newDatagrams(func(_ context.Context, datagram string) {
		begun <- datagram
		<-goOn
	}).run(t)
	for _, text := range []string{"a", "b", "c"} {
		send(text)
	}
	if first, second := <-begun, <-begun; first == second || first == "c" || second == "c" {
		t.Errorf("first are handled %q and %q", first, second)
	}
	select {
	case third := <-begun:
		t.Errorf("%q is handled beside two others", third)
	default:
	}
	goOn <- struct{}{}
	if third := <-begun; third != "c" {
		t.Errorf("at last is handled %q", third)
	}
	close(goOn)
}

func TestAStopWaitsForDatagramsThatWereTaken(t *testing.T) {
	t.Parallel()
	begun, finished := make(chan struct{}), false
	d := newDatagrams(func(ctx context.Context, _ string) {
		close(begun)
		<-t.Context().Done() // the stop has begun
		finished = ctx.Err() == nil
	})
	send := d.run(t)
	send("a")
	<-begun
	t.Cleanup(func() { // before run's, which waits for Run
		if err := d.Shutdown(context.Background()); err != nil || !finished {
			t.Errorf("the stop is over, the datagram is handled: %v, %v", finished, err)
		}
	})
}

func TestAStopThatMayTakeNoLongerEndsTheHandling(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	d := newDatagrams(func(ctx context.Context, _ string) {
		close(begun)
		<-ctx.Done()
	})
	send := d.run(t)
	send("a")
	<-begun
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Shutdown(over); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestDatagramsStartAndStopInAnyOrder(t *testing.T) {
	t.Parallel()
	none := func(context.Context, string) {}
	background := context.Background()
	d := newDatagrams(none)
	if err := d.Run(background); err == nil {
		t.Error("it runs without a socket")
	}
	if err := d.Shutdown(background); err != nil {
		t.Error(err)
	}
	d = newDatagrams(none)
	if err := errors.Join(d.Listen(), d.Shutdown(background), d.Run(background), d.Shutdown(background)); err != nil {
		t.Error(err)
	}
	d = newDatagrams(none)
	ctx, cancel := context.WithCancel(background)
	cancel()
	if err := errors.Join(d.Listen(), d.Run(ctx)); err != nil {
		t.Error(err)
	}
	taken := newDatagrams(none)
	if err := taken.Listen(); err != nil {
		t.Fatal(err)
	}
	second := NewDatagrams(DatagramConfig{Name: "second", Addr: taken.Addr().String(), MaxAtOnce: 1})
	if err := second.Listen(); err == nil || !strings.Contains(err.Error(), "listen for second") {
		t.Errorf("a port that is taken: %v", err)
	}
	if err := taken.Shutdown(background); err != nil {
		t.Error(err)
	}
}

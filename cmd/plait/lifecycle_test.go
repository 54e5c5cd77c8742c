package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestPartsStopInTheOppositeOrder(t *testing.T) {
	defer goleak.VerifyNone(t)
	var mu sync.Mutex
	var stopped []string
	running := make(chan struct{}, 3)
	untilStopped := func(name string) part {
		return part{name, func(ctx context.Context) error {
			running <- struct{}{}
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			stopped = append(stopped, name)
			return nil
		}}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- runParts(ctx, nil, []part{untilStopped("first"), untilStopped("second"), untilStopped("third")})
	}()
	for range 3 {
		<-running
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if want := []string{"third", "second", "first"}; !slices.Equal(stopped, want) {
		t.Errorf("stopped in the order %v, want %v", stopped, want)
	}
}

func TestOnePartThatEndsStopsTheOthers(t *testing.T) {
	broken := errors.New("broken")
	wait := part{"waiting", func(ctx context.Context) error { <-ctx.Done(); return nil }}
	for name, c := range map[string]struct {
		run  func(context.Context) error
		want error
	}{
		"by an error":        {func(context.Context) error { return broken }, broken},
		"without being told": {func(context.Context) error { return nil }, errEnded},
	} {
		if err := runParts(t.Context(), nil, []part{wait, {"ending", c.run}}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	gone := make(chan struct{})
	close(gone)
	if err := runParts(t.Context(), gone, []part{wait}); err == nil {
		t.Error("no error when the database is gone")
	}
}

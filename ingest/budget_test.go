package ingest

import (
	"errors"
	"sync"
	"testing"

	"github.com/plaithq/plait"
)

func TestALeaseGrowsToTheBudgetAndNoFurther(t *testing.T) {
	b := &budget{max: 100}
	first, second := b.lease(), b.lease()
	if err := first.grow(60); err != nil {
		t.Fatal(err)
	}
	if err := second.grow(41); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("growing beyond what is free: %v, want overloaded", err)
	}
	if err := second.grow(40); err != nil {
		t.Errorf("growing to the limit: %v", err)
	}
	if err := b.fits(1); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("a full budget fits one byte: %v", err)
	}
	first.release()
	first.release()
	second.release()
	if used := b.used.Load(); used != 0 {
		t.Errorf("after all leases ended %d bytes are held", used)
	}
}

func TestARequestThatAloneExceedsTheBudgetIsNotAskedToComeBack(t *testing.T) {
	b := &budget{max: 100}
	l := b.lease()
	defer l.release()
	if err := l.grow(50); err != nil {
		t.Fatal(err)
	}
	if err := l.grow(51); !errors.Is(err, plait.ErrTooLarge) {
		t.Errorf("got %v, want too large", err)
	}
	if err := b.fits(101); !errors.Is(err, plait.ErrTooLarge) {
		t.Errorf("got %v, want too large", err)
	}
}

func TestConcurrentLeasesNeverExceedTheBudget(t *testing.T) {
	b := &budget{max: 1000}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				l := b.lease()
				for l.grow(97) == nil {
					if used := b.used.Load(); used > b.max+8*97 { // each may be about to take its try back
						t.Errorf("%d bytes used of %d", used, b.max)
					}
				}
				l.release()
			}
		})
	}
	wg.Wait()
	if used := b.used.Load(); used != 0 {
		t.Errorf("%d bytes are held by nobody", used)
	}
}

package demo

import (
	"context"
	"sync/atomic"
	"time"
)

// faults are what is wrong with the shop at the moment.
type faults struct {
	// slowStock: the index of the stock table is gone for one warehouse, and its queries scan.
	slowStock atomic.Bool
	// bankRefuses: the bank's key server is locked, and one card network's payments fail.
	bankRefuses atomic.Bool
}

// The parts of the shop that faults hit.
const (
	slowWarehouse  = "leipzig"
	refusedNetwork = "meridian"
)

// A fault is switched on and off by the schedule, and leaves a line in the log of the service
// that it happens to.
type fault struct {
	name          string
	active        *atomic.Bool
	begins, heals func(context.Context)
}

// What is usual has to stay so: a shop that is slow half of the time is slow by now. So faults are short, and far
// between. Who has just opened the shop sees each of them in its first minutes all the same.
const (
	longestFault = 30 * time.Second
	firstFault   = 15 * time.Second // at the latest
	nextAtFirst  = time.Minute      // from the start of one to that of the next at most, until each was there
)

// schedule lets the faults come and go in turn until the context ends.
func schedule(ctx context.Context, cfg Config, all []fault) {
	lasts := min(cfg.FaultEvery/2, longestFault)
	pause := min(cfg.FaultEvery/4, firstFault)
	for i := 0; wait(ctx, pause) == nil; i++ {
		f := all[i%len(all)]
		f.active.Store(true)
		f.begins(ctx)
		cfg.Logger.Debug("demo fault begins", "fault", f.name)
		ended := wait(ctx, lasts) != nil
		f.active.Store(false)
		if ended {
			return
		}
		f.heals(ctx)
		cfg.Logger.Debug("demo fault ends", "fault", f.name)
		pause = cfg.FaultEvery - lasts
		if i+1 < len(all) {
			pause = min(pause, nextAtFirst-lasts)
		}
	}
}

package demo

import (
	"context"
	"sync/atomic"
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

// schedule lets the faults come and go in turn until the context ends.
func schedule(ctx context.Context, cfg Config, all []fault) {
	if wait(ctx, cfg.FaultEvery/4) != nil {
		return
	}
	for i := 0; ; i++ {
		f := all[i%len(all)]
		f.active.Store(true)
		f.begins(ctx)
		cfg.Logger.Debug("demo fault begins", "fault", f.name)
		ended := wait(ctx, cfg.FaultEvery/2) != nil
		f.active.Store(false)
		if ended {
			return
		}
		f.heals(ctx)
		cfg.Logger.Debug("demo fault ends", "fault", f.name)
		if wait(ctx, cfg.FaultEvery-cfg.FaultEvery/2) != nil {
			return
		}
	}
}

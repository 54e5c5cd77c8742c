package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/plaithq/plait/demo"
	"github.com/plaithq/plait/duration"
)

type demoCommand struct {
	config `prefix:""`

	Gateway    baseURL           `help:"Run only the shop, and send to the gateway at this OTLP/HTTP address." placeholder:"URL"`
	Rate       float64           `help:"Pages that shoppers ask for in a second." default:"8" placeholder:"N"`
	FaultEvery duration.Duration `help:"From the start of one fault to the start of the next; each lasts half of it, and half a minute at most." default:"4m" placeholder:"DURATION"`
}

// Run runs the gateway with the shop, or with --gateway the shop alone, until the context ends.
func (c *demoCommand) Run(ctx context.Context, std console) error {
	log := newLogger(std.err, c.LogLevel, c.LogFormat)
	shop := demo.Config{OTLPEndpoint: string(c.Gateway), Rate: c.Rate, FaultEvery: time.Duration(c.FaultEvery), Logger: log}
	if c.Gateway != "" {
		return demo.Run(ctx, shop)
	}
	return serve(ctx, c.config, log, func(ctx context.Context, at endpoints) error {
		shop.OTLPEndpoint = at.ingest
		fmt.Fprint(std.out, demo.Tour(at.api, os.Args[0]))
		return demo.Run(ctx, shop)
	})
}

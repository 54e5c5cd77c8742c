package forward

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/wire/remotewrite"
)

// Config is what a forwarder needs.
type Config struct {
	Targets []Target
	Outbox  *outbox.Outbox
	// Mapping says which attributes are labels where log records go to a Loki; nil means Loki's own list.
	Mapping *entry.Mapping

	Logger     *slog.Logger
	Registerer prometheus.Registerer

	// Poll is how often it is looked for what was committed; 0 means a second.
	Poll time.Duration
	// Now is this gateway's clock, nil means time.Now. Wait waits for so long or until ctx ends, and says in what case; nil
	// means by the clock of the machine.
	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) error
}

const (
	defaultPoll = time.Second
	// reportEvery is how often the gauges are brought up to date.
	reportEvery = 15 * time.Second
	// renewEvery is how often a gateway says that it goes on sending to a target, and leaseSlack for how long beyond a
	// request's own time others wait for that.
	renewEvery = 5 * time.Second
	leaseSlack = 15 * time.Second
	// databasePause is how long a stream waits where the database does not answer, or another gateway has the target.
	databasePause = 3 * time.Second
)

// Forwarder sends to all targets of the settings.
type Forwarder struct {
	config      Config
	instruments *instruments
	streams     []*stream
	series      *remotewrite.Decoder // reads series of the outbox; bounded by itself
	signals     []outbox.Signal      // those that some target gets
}

// New makes a forwarder, and makes its targets known: from now on commits leave what is for them in the outbox.
func New(ctx context.Context, c Config) (*Forwarder, error) {
	if err := Validate(c.Targets); err != nil {
		return nil, err
	}
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	f := &Forwarder{config: c, instruments: newInstruments(c.Registerer), series: remotewrite.NewDecoder()}
	var holder [16]byte
	_, _ = rand.Read(holder[:]) // never fails
	for i := range c.Targets {
		for _, s := range c.Targets[i].signals() {
			st, err := f.open(&c.Targets[i], s, holder)
			if err != nil {
				f.close()
				return nil, fmt.Errorf("target %s: %w", c.Targets[i].Name, err)
			}
			f.streams = append(f.streams, st)
		}
	}
	if err := f.register(ctx); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// wait waits by the machine's clock.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (f *Forwarder) register(ctx context.Context) error {
	wanted := map[outbox.Signal]bool{}
	for _, s := range f.streams {
		if err := f.config.Outbox.Register(ctx, s.lease.Name, s.lease.Signal); err != nil {
			return err
		}
		wanted[s.lease.Signal] = true
	}
	for _, s := range outbox.Signals() {
		if wanted[s] {
			f.signals = append(f.signals, s)
		}
	}
	return f.config.Outbox.Refresh(ctx)
}

func (f *Forwarder) close() {
	for _, s := range f.streams {
		s.exporter.close()
	}
}

// Run sends until ctx ends, and then finishes the requests that are on their way.
func (f *Forwarder) Run(ctx context.Context) error {
	defer f.close()
	var running sync.WaitGroup
	for _, s := range f.streams {
		running.Go(func() { s.run(ctx) })
	}
	for _, s := range f.signals {
		running.Go(func() { f.number(ctx, s) })
	}
	running.Go(func() { f.report(ctx) })
	running.Wait()
	return nil
}

// number gives what is committed its place, again and again, removes what every target has, and wakes the streams.
func (f *Forwarder) number(ctx context.Context, s outbox.Signal) {
	failing := outage{log: f.config.Logger, now: f.config.Now}
	for f.config.Wait(ctx, f.config.Poll) == nil {
		err := f.config.Outbox.Number(ctx, s)
		if err == nil {
			err = f.config.Outbox.RemoveDone(ctx, s)
		}
		if err != nil && ctx.Err() == nil {
			failing.failed("forwarding: the outbox cannot be kept in order", err)
			continue
		}
		failing.over("forwarding: the outbox is in order again")
		for _, each := range f.streams {
			if each.lease.Signal == s {
				each.wake()
			}
		}
	}
}

// report brings the gauges up to date, which tell of all gateways' work.
func (f *Forwarder) report(ctx context.Context) {
	for {
		if all, err := f.config.Outbox.Status(ctx); err == nil {
			f.instruments.report(all)
		}
		if f.config.Wait(ctx, reportEvery) != nil {
			return
		}
	}
}

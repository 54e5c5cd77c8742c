// Package demo is a small shop of instrumented services that really call each other over
// HTTP, with shoppers who visit it and faults that come and go. cmd/plait runs it beside the
// gateway, or against one, for people to see what a pivot is.
//
// The shop is a stranger to the rest of this module: it sends telemetry with the OpenTelemetry
// SDK over sockets, as anybody's services would, and imports nothing of ours.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"golang.org/x/sync/errgroup"
)

// Config says where the shop sends its telemetry and how busy it is.
type Config struct {
	// OTLPEndpoint is the base URL of an OTLP/HTTP receiver, http://127.0.0.1:4318 if empty.
	OTLPEndpoint string
	// OTLPHeaders go with every export, for example an Authorization header.
	OTLPHeaders map[string]string
	// Rate is how many pages shoppers ask for in a second on average, 8 if zero.
	Rate float64
	// FaultEvery is the time from the start of one fault to the start of the next, 4 minutes if zero. Each lasts for half of it, and
	// half a minute at most. The first starts after a quarter of it, or 15 s, and the second a minute later at the latest.
	FaultEvery time.Duration
	// Logger hears what happens to the shop as a program (not what its services log),
	// slog.Default if nil.
	Logger *slog.Logger
}

func (c *Config) setDefaults() error {
	if c.OTLPEndpoint == "" {
		c.OTLPEndpoint = "http://127.0.0.1:4318"
	}
	if u, err := url.Parse(c.OTLPEndpoint); err != nil || u.Host == "" {
		return fmt.Errorf("OTLP endpoint %q is no URL such as http://127.0.0.1:4318", c.OTLPEndpoint)
	}
	if c.Rate < 0 || c.FaultEvery < 0 {
		return errors.New("rate and fault interval of the demo must not be negative")
	}
	if c.Rate == 0 {
		c.Rate = 8
	}
	if c.FaultEvery == 0 {
		c.FaultEvery = 4 * time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return nil
}

// How long the shop may take to close.
const (
	stoppingTime = 5 * time.Second // to finish requests
	sendingTime  = 2 * exportTimeout
)

// Run opens the shop and keeps it open until the context ends, then closes it in order:
// shoppers leave, services stop, what they recorded is sent. It returns nil for such an end.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.setDefaults(); err != nil {
		return err
	}
	// The SDK reports what it cannot send to one place for the whole process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { cfg.Logger.Warn("demo telemetry", "error", err) }))

	s, err := openShop(ctx, cfg)
	if errors.Is(err, context.Canceled) {
		return nil // closed before it was open
	}
	if err != nil {
		return err
	}
	serving := new(errgroup.Group)
	for _, service := range s.services {
		serving.Go(service.serve)
	}
	cfg.Logger.Debug("demo shop is open", "storefront", s.crowd.storefront)

	var visiting sync.WaitGroup
	visiting.Go(func() { s.crowd.visit(ctx, cfg.Rate) })
	visiting.Go(func() { schedule(ctx, cfg, s.faults) })
	visiting.Wait()
	if err := s.close(context.WithoutCancel(ctx)); err != nil {
		cfg.Logger.Warn("demo shop did not close cleanly", "error", err)
	}
	return serving.Wait()
}

// A shop is its services, who visits them, and what goes wrong.
type shop struct {
	services []*service
	crowd    *crowd
	faults   []fault
}

// openShop makes the services and lets them know one another.
func openShop(ctx context.Context, cfg Config) (*shop, error) {
	s := &shop{}
	byName := map[string]*service{}
	for _, name := range []string{"storefront", "catalog", "cart", "inventory", "checkout", "shipping", "payment", "bank"} {
		service, err := newService(ctx, cfg, name, "1.4.2")
		if err != nil {
			return nil, errors.Join(err, s.discard(context.WithoutCancel(ctx)))
		}
		byName[name] = service
		s.services = append(s.services, service)
	}
	if err := s.furnish(byName); err != nil {
		return nil, errors.Join(err, s.discard(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// furnish gives each service its routes and those it calls.
func (s *shop) furnish(named map[string]*service) error {
	named["storefront"].calls(named["catalog"], named["inventory"], named["cart"], named["checkout"])
	named["checkout"].calls(named["cart"], named["inventory"], named["shipping"], named["payment"])
	named["payment"].calls(named["bank"])

	state := &faults{}
	openStorefront(named["storefront"])
	openShipping(named["shipping"])
	openPayment(named["payment"])
	bank := openBank(named["bank"], state)
	inventory, err := openInventory(named["inventory"], state)
	if err := errors.Join(err, openCatalog(named["catalog"]), openCart(named["cart"]), openCheckout(named["checkout"])); err != nil {
		return err
	}
	s.faults = []fault{inventory.slowFault(), bank.refusingFault()}
	s.crowd = &crowd{
		storefront: "http://" + named["storefront"].listener.Addr().String(),
		client:     &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: maxVisits}},
	}
	return nil
}

// close stops the services, those that are called after those that call, and sends what is left.
func (s *shop) close(ctx context.Context) error {
	s.crowd.client.CloseIdleConnections()
	stopping, cancel := context.WithTimeout(ctx, stoppingTime)
	defer cancel()
	var errs []error
	for _, service := range s.services {
		errs = append(errs, service.stop(stopping))
	}
	sending, cancel := context.WithTimeout(ctx, sendingTime)
	defer cancel()
	group := new(errgroup.Group)
	for _, service := range s.services {
		group.Go(func() error { return service.telemetry.shutdown(sending) })
	}
	return errors.Join(append(errs, group.Wait())...)
}

// discard closes what openShop had opened before it met an error.
func (s *shop) discard(ctx context.Context) error {
	var errs []error
	for _, service := range s.services {
		errs = append(errs, service.discard(ctx))
	}
	return errors.Join(errs...)
}

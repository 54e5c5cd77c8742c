package sockets

import (
	"context"
	"errors"
	"sync"
)

// Service is what listens, serves and stops: a Server, Datagrams, a Group of them.
type Service interface {
	Listen() error
	Run(ctx context.Context) error
	Shutdown(ctx context.Context) error
}

// Group is services that start and stop together. NewGroup makes it, Listen opens the sockets, Run serves.
type Group struct {
	services []Service
	stop     func()
}

// NewGroup makes a group. When it begins to stop it calls stop, more than once, while the services still answer
// what they have taken; nil does nothing.
func NewGroup(stop func(), services ...Service) *Group {
	if stop == nil {
		stop = func() {}
	}
	return &Group{services, stop}
}

// Listen opens all sockets, or none and says why. Connections wait in the kernel until Run. Whoever has
// called Listen calls Run or Shutdown.
func (g *Group) Listen() error {
	for i, s := range g.services {
		if err := s.Listen(); err != nil {
			return errors.Join(err, eachOf(g.services[:i], func(s Service) error { return s.Shutdown(context.Background()) }))
		}
	}
	return nil
}

// Run serves until ctx is done or Shutdown is called, or until a listener fails, which is its
// error. When ctx is done it takes no more and lets requests that were taken finish within
// Config.ShutdownGrace; it returns when all of them are answered.
func (g *Group) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var stopping sync.WaitGroup
	defer stopping.Wait()
	defer cancel()
	stopping.Go(func() {
		<-ctx.Done()
		g.stop()
	})
	return eachOf(g.services, func(s Service) error {
		defer cancel() // when one ends, all do
		return s.Run(ctx)
	})
}

// Shutdown takes no more requests, waits until those that were taken are answered, and closes the
// sockets. When ctx ends first, what is left is cut off and ctx's error returned: its senders got no
// answer. Later calls wait for the first.
func (g *Group) Shutdown(ctx context.Context) error {
	g.stop()
	return eachOf(g.services, func(s Service) error { return s.Shutdown(ctx) })
}

// eachOf calls do for all services at once and joins the errors.
func eachOf(services []Service, do func(Service) error) error {
	errs := make([]error, len(services))
	var all sync.WaitGroup
	for i, s := range services {
		all.Go(func() { errs[i] = do(s) })
	}
	all.Wait()
	return errors.Join(errs...)
}

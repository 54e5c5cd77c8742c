package sockets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// DatagramConfig is the settings of Datagrams. All of them are needed.
type DatagramConfig struct {
	Name string // in errors
	Addr string // where UDP listens
	// Handle takes a datagram, which is its own from then on. ctx ends when a stop may take no longer.
	Handle func(ctx context.Context, sender net.Addr, datagram []byte)
	// MaxAtOnce bounds the calls of Handle at one time. While there are so many, datagrams wait in the kernel,
	// which drops what it has no room for.
	MaxAtOnce     int
	ShutdownGrace time.Duration
}

// maxDatagram is the most that UDP carries.
const maxDatagram = 64 << 10

// Datagrams takes datagrams over UDP. It starts and stops as a Server does. NewDatagrams makes it.
type Datagrams struct {
	config DatagramConfig
	conn   net.PacketConn
	slots  chan struct{} // has a value for each datagram that is handled, and for the one that is read

	// handling is what Handle gets: it outlives Run's context, for what was taken is led to its end.
	handling context.Context
	cut      context.CancelFunc

	shutdown sync.Once
	stopped  chan struct{} // closed when Shutdown has begun
}

// NewDatagrams makes a listener. It opens nothing.
func NewDatagrams(c DatagramConfig) *Datagrams {
	d := &Datagrams{config: c, slots: make(chan struct{}, c.MaxAtOnce), stopped: make(chan struct{})}
	d.handling, d.cut = context.WithCancel(context.Background())
	return d
}

// Listen opens the socket. Datagrams wait in the kernel until Run. Whoever has called Listen calls Run or Shutdown.
func (d *Datagrams) Listen() error {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(context.Background(), "udp", d.config.Addr)
	if err != nil {
		return fmt.Errorf("listen for %s: %w", d.config.Name, err)
	}
	d.conn = conn
	return nil
}

// Addr is the address on which it listens, valid after Listen.
func (d *Datagrams) Addr() net.Addr { return d.conn.LocalAddr() }

// Run takes datagrams until ctx is done or Shutdown is called, or until the socket fails, which is its error. It is
// called once, after Listen. When ctx is done, what was taken has DatagramConfig.ShutdownGrace to be handled.
func (d *Datagrams) Run(ctx context.Context) error {
	if d.conn == nil {
		return fmt.Errorf("serve %s: there is no socket, Listen comes first", d.config.Name)
	}
	failed := make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		if err := d.read(); !errors.Is(err, net.ErrClosed) {
			failed <- fmt.Errorf("serve %s: %w", d.config.Name, err)
		}
	})
	var err error
	select {
	case <-ctx.Done():
	case <-d.stopped:
	case err = <-failed:
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.config.ShutdownGrace)
	defer cancel()
	err = errors.Join(err, d.Shutdown(grace))
	reading.Wait()
	return err
}

// read hands each datagram to a goroutine of its own.
func (d *Datagrams) read() error {
	buffer := make([]byte, maxDatagram)
	for {
		select {
		case d.slots <- struct{}{}:
		case <-d.stopped: // Shutdown takes the slots
			return net.ErrClosed
		}
		n, sender, err := d.conn.ReadFrom(buffer)
		if err != nil {
			<-d.slots
			return err
		}
		datagram := append([]byte(nil), buffer[:n]...)
		go func() {
			defer func() { <-d.slots }()
			d.config.Handle(d.handling, sender, datagram)
		}()
	}
}

// Shutdown closes the socket and waits until what was taken is handled. When ctx ends first, Handle's context ends, and
// ctx's error is returned. Later calls wait for the first.
func (d *Datagrams) Shutdown(ctx context.Context) error {
	var err error
	d.shutdown.Do(func() {
		close(d.stopped)
		defer d.cut()
		if d.conn != nil {
			d.conn.Close()
		}
		for range cap(d.slots) { // whoever has them all waits for nobody
			select {
			case d.slots <- struct{}{}:
				continue
			case <-ctx.Done():
			}
			err = fmt.Errorf("finish the datagrams of %s: %w", d.config.Name, ctx.Err())
			d.cut()
			d.slots <- struct{}{}
		}
	})
	return err
}

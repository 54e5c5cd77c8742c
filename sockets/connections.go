package sockets

import (
	"cmp"
	"net"
	"net/http"
	"sync"
	"time"
)

// listener keeps the number of open connections below a limit. One that is idle, or has not yet sent
// the head of a request, makes place for a new one: the client of an idle connection opens another
// when it next needs one.
type listener struct {
	net.Listener
	max  int
	send time.Duration
	shed func() bool

	mu   sync.Mutex
	open map[*conn]struct{}
}

func newListener(l net.Listener, c Config) *listener {
	return &listener{Listener: l, max: c.MaxConnections, send: c.SendTimeout, shed: c.Shed, open: map[*conn]struct{}{}}
}

// Accept returns the next connection for which there is place.
func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: inner, listener: l, address: host(inner.RemoteAddr().String())}
		c.idle.Store(time.Now())
		if l.admit(c) {
			return c, nil
		}
		inner.Close()
	}
}

// admit makes place for a connection and says whether there was any.
func (l *listener) admit(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.open) >= l.max {
		idle := l.idlest()
		if idle == nil {
			break
		}
		delete(l.open, idle)
		idle.Conn.Close() // its server finds out, as when a client goes
	}
	// A request that is shed frees its connection a moment later, so there is some room to overdraw.
	if len(l.open) >= l.max && (len(l.open) >= l.max+l.max/8 || l.shed == nil || !l.shed()) {
		return false
	}
	l.open[c] = struct{}{}
	return true
}

// idlest is the connection that has had no request for the longest time, of the address with the
// most connections; nil when every connection has a request.
func (l *listener) idlest() *conn {
	perAddress := map[string]int{}
	for c := range l.open {
		perAddress[c.address]++
	}
	var found *conn
	var since time.Time
	for c := range l.open {
		at := c.idle.Load()
		if at.IsZero() {
			continue
		}
		if found == nil || cmp.Or(cmp.Compare(perAddress[c.address], perAddress[found.address]), since.Compare(at)) > 0 {
			found, since = c, at
		}
	}
	return found
}

func (l *listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// instant is a time that several goroutines read and write.
type instant struct {
	mu sync.Mutex
	at time.Time
}

func (i *instant) Store(at time.Time) { i.mu.Lock(); i.at = at; i.mu.Unlock() }

func (i *instant) Load() time.Time { i.mu.Lock(); defer i.mu.Unlock(); return i.at }

// conn is an open connection.
type conn struct {
	net.Conn
	listener *listener
	address  string
	idle     instant // since when it has no request; zero while it has one
	deadline instant // what the server has set for writing
}

// connectionState is http.Server.ConnState.
func connectionState(nc net.Conn, state http.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		c.idle.Store(time.Time{})
	case http.StateIdle:
		c.idle.Store(time.Now())
	}
}

// Close closes the connection and gives up its place.
func (c *conn) Close() error {
	c.listener.forget(c)
	return c.Conn.Close()
}

// CloseWrite lets the client read an answer to the end before the connection is closed.
func (c *conn) CloseWrite() error {
	if inner, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return inner.CloseWrite()
	}
	return nil
}

// sendPiece is how much of an answer a client has to read within Config.SendTimeout.
const sendPiece = 64 << 10

// Write sends b in pieces, each of which has to get away in time.
func (c *conn) Write(b []byte) (int, error) {
	written := 0
	for first := true; first || len(b) > 0; first = false {
		end := time.Now().Add(c.listener.send)
		if own := c.deadline.Load(); !own.IsZero() && own.Before(end) {
			end = own
		}
		if err := c.Conn.SetWriteDeadline(end); err != nil {
			return written, err
		}
		piece := b[:min(len(b), sendPiece)]
		n, err := c.Conn.Write(piece)
		if written += n; err != nil {
			return written, err
		}
		b = b[n:]
	}
	return written, nil
}

// SetWriteDeadline sets the time after which nothing is written any more.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.deadline.Store(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *conn) SetDeadline(t time.Time) error {
	c.deadline.Store(t)
	return c.Conn.SetDeadline(t)
}

// host is the host of a host:port, or all of it where there is no port.
func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return address
}

// Sender names the sender behind a request's RemoteAddr, so that what one sender holds can be told
// from what others do: an IPv4 address, or the network of an IPv6 address, of which every machine has
// a whole one to itself.
func Sender(remoteAddr string) string {
	ip := net.ParseIP(host(remoteAddr))
	if ip == nil || ip.To4() != nil {
		return host(remoteAddr)
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}

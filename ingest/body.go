package ingest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/klauspost/compress/snappy"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sockets"
)

// body is a request's decompressed body and the memory that it holds.
type body struct {
	bytes []byte
	lease *lease
	free  func() // gives the bytes back for reuse; may be nil
}

// release ends the body's life: its bytes, and all strings that alias them, must be out of use.
func (b *body) release() {
	b.lease.release()
	if b.free != nil {
		b.free()
	}
	b.bytes = nil
}

// forget is release for bytes that somebody may still read: they are left to the
// garbage collector.
func (b *body) forget() {
	b.free = nil
	b.release()
}

// firstRead is how much memory a body gets before any of it is here. Then it gets as much again as
// has come.
const firstRead = 4 << 10

// readBody reads and decompresses the body of an HTTP request, under the limits and within the
// time that the configuration sets. A body that cannot fit is refused before it is read. The
// encoding is one of HTTP's. The errors are of the kinds that answers knows.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, encoding string) (*body, error) {
	limit := s.config.MaxBodyBytes
	if r.ContentLength > limit {
		return nil, plait.Errorf(plait.ErrTooLarge, "the body has %d bytes, the limit is %d", r.ContentLength, limit)
	}
	lease := s.budget.lease(sockets.Sender(r.RemoteAddr))
	b, err := s.readArriving(w, r, lease, func(raw io.Reader) (*body, error) {
		return s.readEncoded(http.MaxBytesReader(w, io.NopCloser(raw), limit), r.ContentLength, encoding, lease)
	})
	if err != nil {
		lease.release()
		return nil, err
	}
	if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil {
		b.release()
		return nil, plait.Errorf(errSlow, "clear the time for the body: %w", err)
	}
	return b, nil
}

// readArriving reads a request with read, within the time for it.
func (s *Server) readArriving(w http.ResponseWriter, r *http.Request, lease *lease, read func(io.Reader) (*body, error)) (*body, error) {
	if err := lease.grow(requestCost); err != nil {
		return nil, err
	}
	if err := lease.begin(http.NewResponseController(w), s.config.StallTimeout, s.now().Add(s.config.BodyTimeout)); err != nil {
		return nil, s.bodyError(err)
	}
	b, err := read(&arriving{body: r.Body, lease: lease, stall: s.config.StallTimeout})
	if shed := lease.arrived(); shed != nil {
		if b != nil {
			b.discard()
		}
		return nil, shed
	}
	if err != nil {
		if err = s.bodyError(err); errors.Is(err, errBroken) && r.Context().Err() != nil {
			return nil, context.Canceled // the sender has gone: nobody reads the answer
		}
		return nil, err
	}
	return b, nil
}

// readEncoded undoes a content encoding. size is the length before that if it is known, else -1.
func (s *Server) readEncoded(raw io.Reader, size int64, encoding string, lease *lease) (*body, error) {
	switch encoding {
	case "", "identity":
		return s.readAll(raw, size, lease)
	case "snappy":
		// The name stands for two formats: the Collector has sent both of them under it.
		head := bufio.NewReaderSize(raw, firstRead)
		if start, _ := head.Peek(len(snappyMagic)); string(start) != snappyMagic {
			return s.readSnappyBlock(head, size, lease)
		}
		raw = head
	}
	open, ok := decompressors[encoding]
	if !ok {
		return nil, plait.Errorf(errUnsupported, "content encoding %.100q: send one of %s, or none", encoding, encodings)
	}
	plain, err := open(raw, lease)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	return s.readAll(plain, -1, lease)
}

// readSnappyBlock reads a body that is one block of snappy.
func (s *Server) readSnappyBlock(raw io.Reader, size int64, lease *lease) (*body, error) {
	b, err := s.readAll(raw, size, lease)
	if err != nil {
		return nil, err
	}
	if err := s.unsnappy(b); err != nil {
		b.discard()
		return nil, err
	}
	return b, nil
}

// readAll reads to the end. Memory is taken from the lease as bytes arrive, so that a sender who
// stalls holds little more than it sent. size is the length if it is known, else -1.
func (s *Server) readAll(r io.Reader, size int64, lease *lease) (*body, error) {
	most := s.config.MaxBodyBytes + 1 // room to see that it is too long
	if size >= 0 {
		most = size + 1 // room to see the end without growing
	}
	b := &body{lease: lease}
	if err := b.grow(min(most, firstRead)); err != nil {
		return nil, err
	}
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(min(int64(cap(b.bytes)), most-int64(cap(b.bytes)))); err != nil {
				b.discard()
				return nil, err
			}
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if int64(len(b.bytes)) > s.config.MaxBodyBytes {
			b.discard()
			return nil, plait.Errorf(plait.ErrTooLarge, "the body has more than the limit of %d bytes once decompressed", s.config.MaxBodyBytes)
		}
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			b.discard()
			return nil, err
		}
	}
}

// unsnappy decompresses a body in snappy's block format, in place.
func (s *Server) unsnappy(b *body) error {
	n, err := snappy.DecodedLen(b.bytes)
	if err != nil {
		return plait.Errorf(plait.ErrInvalid, "snappy: %w", err)
	}
	if int64(n) > s.config.MaxBodyBytes {
		return plait.Errorf(plait.ErrTooLarge, "the body has %d bytes once decompressed, the limit is %d", n, s.config.MaxBodyBytes)
	}
	raw := *b
	b.bytes, b.free = nil, nil
	defer func() {
		b.lease.shrink(bodyCost * int64(cap(raw.bytes)))
		raw.discard()
	}()
	if err := b.grow(int64(n)); err != nil {
		return err
	}
	if b.bytes, err = snappy.Decode(b.bytes[:n], raw.bytes); err != nil {
		return plait.Errorf(plait.ErrInvalid, "snappy: %w", err)
	}
	return nil
}

// grow makes room for n more bytes and takes their cost from the lease.
func (b *body) grow(n int64) error {
	if err := b.lease.grow(bodyCost * n); err != nil {
		return err
	}
	old, free := b.bytes, b.free
	size := cap(old) + int(n)
	buffer := buffers.get(size)
	// The pool may lend up to twice of what was asked for; the lease covers what was asked.
	b.bytes = append((*buffer)[:0:size], old...)
	b.free = func() { buffers.put(buffer) }
	if free != nil {
		free()
	}
	return nil
}

// discard gives back the bytes and leaves the lease to its owner.
func (b *body) discard() {
	if b.free != nil {
		b.free()
	}
	b.bytes, b.free = nil, nil
}

// bodyError says in the words of this package what went wrong with reading a body.
func (s *Server) bodyError(err error) error {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return plait.Errorf(plait.ErrTooLarge, "the body has more than the limit of %d bytes", tooLong.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return plait.Errorf(errSlow, "of the body, %d KiB did not arrive within %s, or not all of it within %s: send it again",
			progressBytes>>10, s.config.StallTimeout, s.config.BodyTimeout)
	case isKind(err):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return plait.Errorf(plait.ErrInvalid, "%w: it ends early", errBroken)
	}
	return plait.Errorf(plait.ErrInvalid, "%w: %w", errBroken, err)
}

// errBroken marks a body that broke off.
var errBroken = errors.New("read the body")

package ingest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/klauspost/compress/snappy"

	"github.com/plaithq/plait"
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

// firstRead is how much of a body is taken at once when its size is not known, or is so large
// that its sender has to send before it gets memory.
const firstRead = 64 << 10

// knownRead is the size up to which a body gets its memory in one piece.
const knownRead = 1 << 20

// readBody reads and decompresses the body of an HTTP request, under the limits and within the
// time that the configuration sets. A body that cannot fit is refused before it is read. The
// encoding is one of HTTP's. The errors are of the kinds that answers knows.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, encoding string) (*body, error) {
	limit := s.config.MaxBodyBytes
	if r.ContentLength > limit {
		return nil, fmt.Errorf("the body has %d bytes, the limit is %d: %w", r.ContentLength, limit, plait.ErrTooLarge)
	}
	if err := s.budget.fits(bodyCost * max(r.ContentLength, 0)); err != nil {
		return nil, err
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(s.now().Add(s.config.BodyTimeout)); err != nil {
		return nil, fmt.Errorf("set the time for the body: %w", err)
	}
	lease := s.budget.lease()
	b, err := s.readEncoded(http.MaxBytesReader(w, r.Body, limit), r.ContentLength, encoding, lease)
	if err != nil {
		lease.release()
		return nil, bodyError(err, s.config)
	}
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		b.release()
		return nil, fmt.Errorf("clear the time for the body: %w", err)
	}
	return b, nil
}

// readEncoded undoes a content encoding. size is the length before that if it is known, else -1.
func (s *Server) readEncoded(raw io.Reader, size int64, encoding string, lease *lease) (*body, error) {
	switch encoding {
	case "", "identity":
		return s.readAll(raw, size, lease)
	case "gzip", "zstd":
		plain, err := decompressors[encoding].open(raw, lease)
		if err != nil {
			return nil, err
		}
		defer plain.Close()
		return s.readAll(plain, -1, lease)
	}
	return nil, fmt.Errorf("content encoding %q: send gzip, zstd or none: %w", encoding, errUnsupported)
}

// readAll reads to the end. Memory is taken from the lease as bytes arrive, so that a sender who
// stalls holds no more than it sent. size is the length if it is known, else -1.
func (s *Server) readAll(r io.Reader, size int64, lease *lease) (*body, error) {
	limit := s.config.MaxBodyBytes
	want := int64(firstRead)
	if size >= 0 && size <= knownRead {
		want = size + 1 // room to see the end without growing
	}
	b := &body{lease: lease}
	if err := b.grow(want); err != nil {
		return nil, err
	}
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(min(int64(cap(b.bytes)), limit+1-int64(cap(b.bytes)))); err != nil {
				b.discard()
				return nil, err
			}
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if int64(len(b.bytes)) > limit {
			b.discard()
			return nil, fmt.Errorf("the body has more than the limit of %d bytes once decompressed: %w", limit, plait.ErrTooLarge)
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
		return fmt.Errorf("snappy: %w: %w", err, plait.ErrInvalid)
	}
	if int64(n) > s.config.MaxBodyBytes {
		return fmt.Errorf("the body has %d bytes once decompressed, the limit is %d: %w", n, s.config.MaxBodyBytes, plait.ErrTooLarge)
	}
	raw := *b
	b.bytes, b.free = nil, nil
	defer raw.discard()
	if err := b.grow(int64(n)); err != nil {
		return err
	}
	if b.bytes, err = snappy.Decode(b.bytes[:n], raw.bytes); err != nil {
		return fmt.Errorf("snappy: %w: %w", err, plait.ErrInvalid)
	}
	return nil
}

// grow makes room for n more bytes and takes their cost from the lease.
func (b *body) grow(n int64) error {
	if err := b.lease.grow(bodyCost * n); err != nil {
		return err
	}
	old, free := b.bytes, b.free
	buffer := buffers.get(cap(old) + int(n))
	b.bytes = append((*buffer)[:0], old...)
	// The pool may lend more than was asked for; the lease covers what was asked.
	b.bytes = b.bytes[:len(old):min(cap(b.bytes), cap(old)+int(n))]
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
func bodyError(err error, c Config) error {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return fmt.Errorf("the body has more than the limit of %d bytes: %w", tooLong.Limit, plait.ErrTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the body did not arrive within %s: %w", c.BodyTimeout, errSlow)
	case isKind(err):
		return err
	}
	return fmt.Errorf("read body: %w: %w", err, plait.ErrInvalid)
}

// bufferPool lends the memory of bodies. Requests of one sender are alike, so a buffer that
// was large enough once usually is again.
type bufferPool struct{ pool sync.Pool }

var buffers bufferPool

// maxPooled is the size above which a buffer is not kept, so that a rare large request does not
// hold its memory for ever.
const maxPooled = 4 << 20

// get lends a buffer with room for n bytes or more.
func (p *bufferPool) get(n int) *[]byte {
	if b, _ := p.pool.Get().(*[]byte); b != nil {
		if cap(*b) >= n {
			return b
		}
		p.pool.Put(b)
	}
	b := make([]byte, 0, n)
	return &b
}

func (p *bufferPool) put(b *[]byte) {
	if cap(*b) <= maxPooled {
		p.pool.Put(b)
	}
}

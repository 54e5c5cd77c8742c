package ingest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/klauspost/compress/snappy"

	"github.com/plaithq/plait"
)

// body is a request's decompressed body and the memory that it holds.
type body struct {
	bytes  []byte
	limits *Config
	lease  *lease
	free   func() // gives the bytes back for reuse; may be nil
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

// hold takes bytes that are here already.
func (b *body) hold(bytes []byte) error {
	if err := b.lease.grow(requestCost + bodyCost*int64(len(bytes))); err != nil {
		return err
	}
	b.bytes = bytes
	return nil
}

// firstRead is how much memory a body gets before any of it is here. Then it gets as much again as
// has come.
const firstRead = 4 << 10

// arrive fills the body with read, which gets what comes in over a connection and has the time for it
// that the configuration sets. control is the connection's. The errors are of the kinds that answers
// knows.
func (b *body) arrive(ctx context.Context, control deadliner, from io.Reader, read func(io.Reader) error) error {
	if err := b.lease.grow(requestCost); err != nil {
		return err
	}
	end := b.lease.budget.now().Add(b.limits.BodyTimeout)
	if err := b.lease.begin(control, b.limits.StallTimeout, end); err != nil {
		return b.asAnswered(err)
	}
	err := read(&arriving{body: from, lease: b.lease, stall: b.limits.StallTimeout})
	if shed := b.lease.arrived(); shed != nil {
		b.discard()
		return shed
	}
	if err != nil {
		b.discard()
		if err = b.asAnswered(err); errors.Is(err, errBroken) && ctx.Err() != nil {
			return context.Canceled // the sender has gone: nobody reads the answer
		}
	}
	return err
}

// decode reads to the end and undoes a content encoding. size is the length before that if it is
// known, else -1.
func (b *body) decode(raw io.Reader, size int64, encoding string) error {
	switch encoding {
	case "", "identity":
		return b.readAll(raw, size)
	case "snappy":
		// The name stands for two formats: the Collector has sent both of them under it.
		head := bufio.NewReaderSize(raw, firstRead)
		if start, _ := head.Peek(len(snappyMagic)); string(start) != snappyMagic {
			return b.decodeSnappyBlock(head, size)
		}
		raw = head
	}
	open, ok := decompressors[encoding]
	if !ok {
		return plait.Errorf(errUnsupported, "content encoding %.100q: send one of %s, or none", encoding, encodings)
	}
	plain, err := open(raw, b.lease)
	if err != nil {
		return err
	}
	defer plain.Close()
	return b.readAll(plain, -1)
}

// decodeSnappyBlock reads a body that is one block of snappy.
func (b *body) decodeSnappyBlock(raw io.Reader, size int64) error {
	if err := b.readAll(raw, size); err != nil {
		return err
	}
	return b.unsnappy()
}

// readAll reads to the end. Memory is taken from the lease as bytes arrive, so that a sender who
// stalls holds little more than it sent. size is the length if it is known, else -1.
func (b *body) readAll(r io.Reader, size int64) error {
	most := b.limits.MaxBodyBytes + 1 // room to see that it is too long
	if size >= 0 {
		most = size + 1 // room to see the end without growing
	}
	if err := b.grow(min(most, firstRead)); err != nil {
		return err
	}
	for {
		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(min(int64(cap(b.bytes)), most-int64(cap(b.bytes)))); err != nil {
				return err
			}
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if int64(len(b.bytes)) > b.limits.MaxBodyBytes {
			return plait.Errorf(plait.ErrTooLarge, "the body has more than the limit of %d bytes once decompressed", b.limits.MaxBodyBytes)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// unsnappy decompresses a body in snappy's block format, in place.
func (b *body) unsnappy() error {
	n, err := snappy.DecodedLen(b.bytes)
	if err != nil {
		return plait.Errorf(plait.ErrInvalid, "snappy: %w", err)
	}
	if int64(n) > b.limits.MaxBodyBytes {
		return plait.Errorf(plait.ErrTooLarge, "the body has %d bytes once decompressed, the limit is %d", n, b.limits.MaxBodyBytes)
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

// asAnswered says in the words of this package what went wrong with reading a body.
func (b *body) asAnswered(err error) error {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return plait.Errorf(plait.ErrTooLarge, "the body has more than the limit of %d bytes", tooLong.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return plait.Errorf(errSlow, "of the body, %d KiB did not arrive within %s, or not all of it within %s: send it again",
			progressBytes>>10, b.limits.StallTimeout, b.limits.BodyTimeout)
	case isKind(err):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return plait.Errorf(plait.ErrInvalid, "%w: it ends early", errBroken)
	}
	return plait.Errorf(plait.ErrInvalid, "%w: %w", errBroken, err)
}

// errBroken marks a body that broke off.
var errBroken = errors.New("read the body")

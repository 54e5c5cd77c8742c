package ingest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/plaithq/plait"
)

// Frames of zstd and lz4 say at their beginning how much memory their decoder needs, and a body may
// be a chain of them, each with a need of its own. frames walks along them, ahead of the decoder,
// and takes that memory from the lease before the decoder sees the frame.
type frames struct {
	r     *bufio.Reader
	lease *lease
	held  int64
	left  int64 // bytes before the next step
	// step looks at what comes next and returns how many bytes there are until it wants to look
	// again; 0 leaves the rest to the decoder, which says what is wrong with it.
	step func(f *frames) (int64, error)
	part part
	tail int64 // bytes after each block, or after the last
}

// part is what a frame's next bytes are.
type part int

const (
	frameHead part = iota
	blockHead
	beyond // no more looks
)

func (f *frames) Read(p []byte) (int, error) {
	if f.left == 0 && f.part != beyond {
		n, err := f.step(f)
		if err != nil {
			return 0, err
		}
		if f.left = n; n == 0 {
			f.part = beyond
		}
	}
	if f.part != beyond || f.left > 0 {
		p = p[:min(int64(len(p)), f.left)]
	}
	n, err := f.r.Read(p)
	f.left = max(f.left-int64(n), 0)
	return n, err
}

// need takes what a frame's decoder needs, in place of what the frame before needed.
func (f *frames) need(n int64) error {
	if n <= f.held {
		return nil
	}
	if err := f.lease.grow(n - f.held); err != nil {
		return err
	}
	f.held = n
	return nil
}

// peek returns the next n bytes, fewer at the end of the stream.
func (f *frames) peek(n int) ([]byte, error) {
	head, err := f.r.Peek(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head, nil
}

// maxZstdWindow is the largest window that a zstd stream may ask for. RFC 8878 asks decoders to
// support 8 MiB, which is what encoders stay below unless told otherwise.
const maxZstdWindow = 8 << 20

const maxZstdBlock = 128 << 10

// zstdStep walks along frames of zstd (RFC 8878, 3.1).
func zstdStep(f *frames) (int64, error) {
	if f.part == blockHead {
		b, err := f.peek(3)
		if err != nil || len(b) < 3 {
			return 0, err
		}
		head := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		size := int64(3 + head>>3)
		if head>>1&3 == 1 { // one byte, repeated
			size = 4
		}
		if head&1 == 1 { // the last
			f.part, size = frameHead, size+f.tail
		}
		return size, nil
	}
	b, err := f.peek(zstd.HeaderMaxSize)
	if err != nil || len(b) == 0 {
		return 0, err
	}
	var h zstd.Header
	if h.Decode(b) != nil {
		return 0, nil //nolint:nilerr // the decoder says what is wrong
	}
	if h.Skippable {
		return int64(h.HeaderSize) + int64(h.SkippableSize), nil
	}
	if h.WindowSize > maxZstdWindow {
		return 0, plait.Errorf(plait.ErrTooLarge, "zstd window of %d bytes, the limit is %d", h.WindowSize, maxZstdWindow)
	}
	f.part, f.tail = blockHead, 0
	if h.HasCheckSum {
		f.tail = 4
	}
	window := int64(h.WindowSize)
	return int64(h.HeaderSize), f.need(window + 2*min(window, maxZstdBlock))
}

var zstdDecoders = sync.Pool{}

func openZstd(r io.Reader, lease *lease) (io.ReadCloser, error) {
	f := &frames{r: bufio.NewReaderSize(r, 4<<10), lease: lease, step: zstdStep}
	return f.open("zstd", func() (io.Reader, func(), error) {
		if _, err := f.r.Peek(1); err != nil {
			return nil, nil, err
		}
		decoder, _ := zstdDecoders.Get().(*zstd.Decoder)
		if decoder == nil {
			var err error
			// Without goroutines of its own.
			if decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow)); err != nil {
				return nil, nil, err
			}
		}
		reuse := func() {
			// Without this the pool would keep the request's connection alive.
			if err := decoder.Reset(nil); err == nil {
				zstdDecoders.Put(decoder)
			}
		}
		if err := decoder.Reset(f); err != nil {
			return nil, nil, err
		}
		return decoder, reuse, nil
	})
}

// lz4Step walks along frames of lz4 (github.com/lz4/lz4, doc/lz4_Frame_format.md).
func lz4Step(f *frames) (int64, error) {
	const (
		magic, legacy   = 0x184D2204, 0x184C2102
		skippable       = 0x184D2A50 // to …5F
		blockChecksum   = 1 << 4
		contentSize     = 1 << 3
		contentChecksum = 1 << 2
		dictionary      = 1 << 0
	)
	if f.part == blockHead {
		b, err := f.peek(4)
		if err != nil || len(b) < 4 {
			return 0, err
		}
		size := int64(binary.LittleEndian.Uint32(b) &^ (1 << 31))
		if size == 0 { // the end mark
			f.part = frameHead
			return 4 + f.tail>>8, nil
		}
		return 4 + size + f.tail&0xff, nil
	}
	b, err := f.peek(6)
	if err != nil || len(b) < 6 {
		if len(b) >= 4 && binary.LittleEndian.Uint32(b) == legacy {
			err = errLegacyLZ4
		}
		return 0, err
	}
	switch m := binary.LittleEndian.Uint32(b); {
	case m == legacy:
		return 0, errLegacyLZ4
	case m&^0xf == skippable:
		size, err := f.peek(8)
		if err != nil || len(size) < 8 {
			return 0, err
		}
		return 8 + int64(binary.LittleEndian.Uint32(size[4:])), nil
	case m != magic:
		return 0, nil // the decoder says what is wrong
	}
	flags := b[4]
	head := int64(7)
	if flags&contentSize != 0 {
		head += 8
	}
	if flags&dictionary != 0 {
		head += 4
	}
	f.part, f.tail = blockHead, 0
	if flags&contentChecksum != 0 {
		f.tail = 4 << 8
	}
	if flags&blockChecksum != 0 {
		f.tail |= 4
	}
	block := int64(1) << (8 + 2*(b[5]>>4&7)) // 64 KiB to 4 MiB
	return head, f.need(2*max(block, 64<<10) + 128<<10)
}

var errLegacyLZ4 = plait.Errorf(plait.ErrInvalid, "lz4: frames of the legacy format are not taken")

func openLZ4(r io.Reader, lease *lease) (io.ReadCloser, error) {
	f := &frames{r: bufio.NewReaderSize(r, 4<<10), lease: lease, step: lz4Step}
	return f.open("lz4", func() (io.Reader, func(), error) {
		if _, err := f.r.Peek(1); err != nil {
			return nil, nil, err
		}
		reader := lz4.NewReader(f)
		return reader, nil, reader.Apply(lz4.ConcurrencyOption(1))
	})
}

// open is newStream for a format of frames, whose cost is what they have asked for in the end.
func (f *frames) open(format string, open func() (io.Reader, func(), error)) (io.ReadCloser, error) {
	s, err := newStream(format, f.lease, 0, open)
	if err != nil {
		f.lease.shrink(f.held)
		return nil, err
	}
	opened := s.(*stream)
	reuse := opened.reuse
	opened.reuse = func() {
		f.lease.shrink(f.held)
		if reuse != nil {
			reuse()
		}
	}
	return opened, nil
}

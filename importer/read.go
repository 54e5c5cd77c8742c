package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/plaithq/plait/wire/otlp"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/zipkin"
)

const (
	maxMessageBytes   = 64 << 20 // of one export request in a file
	maxZstdWindow     = 128 << 20
	zipkinSpansAtOnce = 2000
)

// payload is one export request out of a file.
type payload struct {
	file   string
	signal string // traces, logs or metrics
	json   bool   // OTLP/JSON, else OTLP protobuf
	body   []byte
}

// errNotTelemetry says that what was read is something else altogether.
var errNotTelemetry = errors.New("no telemetry")

// ErrNoSignal says that a file holds nothing that is known, or else OTLP protobuf whose signal has to be named.
var ErrNoSignal = fmt.Errorf("%w: neither OTLP nor Zipkin JSON, nor an OTLP protobuf export request whose signal can be told", errNotTelemetry)

// firstFieldTag is the first byte of every OTLP export request: field 1, a message.
const firstFieldTag = 1<<3 | protobuf.Bytes

// byteOrderMark is what some editors and shells put before a text. No protobuf message begins so.
const byteOrderMark = "\ufeff"

// readTelemetry reads a file and hands over its requests one by one. count is told how many
// bytes of the file were read.
func readTelemetry(ctx context.Context, from Source, signal string, count *atomic.Int64, each func(payload) error) error {
	f, err := from.open(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := decompress(bufio.NewReaderSize(&countingReader{f, count}, 1<<16))
	if err != nil {
		return fmt.Errorf("%s: %w", from.Name, err)
	}
	in := bufio.NewReaderSize(r, 1<<16)
	if mark, _ := in.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		if _, err := in.Discard(len(mark)); err != nil {
			return fmt.Errorf("%s: %w", from.Name, err)
		}
	}
	first, err := shape(in)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
	case first == '[':
		err = readArray(in, each)
	case first == '{':
		err = readJSON(in, each)
	default:
		err = readProtobuf(in, signal, each)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", from.Name, err)
	}
	return nil
}

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// decompress tells gzip and zstd by their first bytes, whatever the file's name is.
func decompress(r *bufio.Reader) (io.Reader, error) {
	magic, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read: %w", err)
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(r)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderConcurrency(1))
	}
	return r, nil
}

// shape tells what a file holds by how it begins, and leaves everything to be read. White
// space before JSON is no safe sign, since an OTLP protobuf message begins with a line feed
// (0x0a); a brace with a quote after it is.
func shape(r *bufio.Reader) (byte, error) {
	head, err := r.Peek(256)
	if len(head) == 0 {
		return 0, err
	}
	text := bytes.TrimLeft(head, " \t\r\n")
	if len(text) == 0 && errors.Is(err, io.EOF) {
		return 0, io.EOF // a file of empty lines
	}
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		next := bytes.TrimLeft(text[1:], " \t\r\n")
		if len(next) == 0 || bytes.IndexByte([]byte(`"{[]}`), next[0]) >= 0 {
			return text[0], nil
		}
	}
	return 0, nil
}

// readJSON reads export requests that stand one after the other, one a line as a rule.
func readJSON(r *bufio.Reader, each func(payload) error) error {
	objects := jsonObjects{r: r, limit: maxMessageBytes}
	for n := 1; ; n++ {
		raw, err := objects.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var payloads []payload
		if err == nil {
			payloads, err = payloadsOf(quoteWords(raw))
		}
		if err != nil {
			return fmt.Errorf("request %d (before byte %d): %w", n, objects.offset, err)
		}
		for _, p := range payloads {
			if err := each(p); err != nil {
				return err
			}
		}
	}
}

// readArray reads a JSON array of OTLP export requests, of Zipkin spans, or of lists of these, as Zipkin answers a search.
func readArray(r io.Reader, each func(payload) error) error {
	body, err := io.ReadAll(io.LimitReader(r, maxMessageBytes+1))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if len(body) > maxMessageBytes {
		return fmt.Errorf("a JSON array above %d MiB: split it", maxMessageBytes>>20)
	}
	body = joinedLists(quoteWords(body))
	if !isOTLPArray(body) {
		return readZipkin(body, each)
	}
	var requests []json.RawMessage
	if err := json.Unmarshal(body, &requests); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	for n, raw := range requests {
		payloads, err := payloadsOf(raw)
		if err != nil {
			return fmt.Errorf("request %d: %w", n+1, err)
		}
		for _, p := range payloads {
			if err := each(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinedLists makes one list of a list of lists, and leaves everything else as it is.
func joinedLists(body []byte) []byte {
	const blanks = " \t\r\n"
	inner := bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimLeft(body, blanks), []byte("[")), blanks)
	var lists [][]json.RawMessage
	if !bytes.HasPrefix(inner, []byte("[")) || json.Unmarshal(body, &lists) != nil {
		return body
	}
	joined := make([]byte, 0, len(body))
	for _, item := range slices.Concat(lists...) {
		joined = append(append(joined, ','), item...)
	}
	if len(joined) == 0 {
		return []byte("[]")
	}
	joined[0] = '['
	return append(joined, ']')
}

// readZipkin makes OTLP of a JSON array of Zipkin spans.
func readZipkin(body []byte, each func(payload) error) error {
	traces, err := zipkin.DecodeJSON(body, nil)
	if err != nil {
		return err
	}
	for spans := traces.Spans; len(spans) > 0; {
		n := min(len(spans), zipkinSpansAtOnce)
		if err := each(payload{signal: "traces", body: otlp.EncodeTraces(spans[:n])}); err != nil {
			return err
		}
		spans = spans[n:]
	}
	refused := 0
	for _, r := range traces.Refused {
		refused += r.Count
	}
	if refused > 0 {
		return fmt.Errorf("%d Zipkin spans are refused, the first of them: %s", refused, traces.Refused[0].Reason)
	}
	return nil
}

// readProtobuf reads either one export request, or several with a length of four bytes (big
// endian) before each, which is what the Collector's file exporter writes.
func readProtobuf(r *bufio.Reader, signal string, each func(payload) error) error {
	head, err := r.Peek(5)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read: %w", err)
	}
	if len(head) == 5 && head[4] == firstFieldTag && binary.BigEndian.Uint32(head) <= maxMessageBytes {
		return readFramed(r, signal, each)
	}
	body, err := io.ReadAll(io.LimitReader(r, maxMessageBytes+1))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if len(body) > maxMessageBytes {
		return fmt.Errorf("one protobuf message above %d MiB", maxMessageBytes>>20)
	}
	return eachProtobuf(body, signal, each)
}

func readFramed(r io.Reader, signal string, each func(payload) error) error {
	for n := 1; ; n++ {
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
		size := binary.BigEndian.Uint32(length[:])
		if size > maxMessageBytes {
			return fmt.Errorf("message %d has %d bytes, the limit is %d", n, size, maxMessageBytes)
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
		if err := eachProtobuf(body, signal, each); err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
	}
}

func eachProtobuf(body []byte, signal string, each func(payload) error) error {
	if signal == "" {
		var ok bool
		if signal, ok = otlp.SignalOf(body); !ok {
			return ErrNoSignal
		}
	}
	return each(payload{signal: signal, body: body})
}

package ingest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sockets"
)

// OTLP/gRPC (https://opentelemetry.io/docs/specs/otlp/#otlpgrpc), read from HTTP/2 by ourselves
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). A gRPC server takes a message into
// memory whole, and once more decompressed, before anybody is asked: 128 streams of a connection, 16 MiB
// each, are 2 GiB. Here a message goes through the same reader as a body of HTTP, which takes memory from
// the budget as bytes arrive, and what has not been read yet is bounded by HTTP/2's windows.

// grpcHTTP2 bounds what a connection holds besides the requests in the budget: a frame, and a window
// of bytes that nobody has read yet.
var grpcHTTP2 = &http.HTTP2Config{
	MaxConcurrentStreams:          128,
	MaxReadFrameSize:              16 << 10,
	MaxReceiveBufferPerConnection: 128 << 10,
	MaxReceiveBufferPerStream:     128 << 10,
	SendPingTimeout:               30 * time.Second,
	PingTimeout:                   15 * time.Second,
	WriteByteTimeout:              sendTimeout,
}

const (
	mediaGRPC     = "application/grpc"
	grpcEncodings = "gzip,zstd,snappy"
	// grpcHead is the bytes before a message: whether it is compressed, and its length.
	grpcHead = 5
)

// grpcMethod is a method that takes telemetry.
type grpcMethod struct {
	door  string // label of the metrics
	path  string
	proto string // the file of its service
	// take decodes a message and has its records written.
	take func(ctx context.Context, b *body) (outcome, error)
	// partial is the response when records were refused or sampled out. That to full success is the empty message.
	partial func(o *outcome) proto.Message
}

// service is the name of the service that has the method.
func (m *grpcMethod) service() string { return strings.TrimPrefix(path.Dir(m.path), "/") }

// overGRPC are OTLP/gRPC's three methods.
func (d *otlpDoors) overGRPC() []grpcMethod {
	var methods []grpcMethod
	for _, sig := range otlpSignals {
		methods = append(methods, grpcMethod{
			door: "otlp_grpc", path: "/" + sig.service + "/Export", proto: sig.proto,
			take:    func(ctx context.Context, b *body) (outcome, error) { return d.take(ctx, sig, b, false) },
			partial: func(o *outcome) proto.Message { return sig.partial(int64(o.refusedCount+o.sampled), o.told()) },
		})
	}
	return methods
}

// grpcHandler routes the methods.
func (s *Server) grpcHandler(methods []grpcMethod) http.Handler {
	byPath := map[string]*grpcMethod{}
	for i := range methods {
		byPath[methods[i].path] = &methods[i]
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		if media != mediaGRPC && !strings.HasPrefix(media, mediaGRPC+"+") {
			http.Error(w, "this port takes gRPC; OTLP/HTTP has a port of its own", http.StatusUnsupportedMediaType)
			return
		}
		w.Header().Set("Content-Type", mediaGRPC)
		w.Header().Set("Grpc-Accept-Encoding", grpcEncodings)
		m := byPath[r.URL.Path]
		if m == nil {
			s.serveOther(w, r)
			return
		}
		s.intake.take(r.Context(), request{
			door: m.door, sender: sockets.Sender(r.RemoteAddr),
			serve: func(b *body) (outcome, error) { return m.serve(b, w, r) },
			fail:  func(a answer, _ error) error { failGRPC(w, a); return nil },
		})
	})
}

// serve takes one request and answers success.
func (m *grpcMethod) serve(b *body, w http.ResponseWriter, r *http.Request) (o outcome, err error) {
	ctx, cancel, err := grpcDeadline(r)
	if err != nil {
		return o, err
	}
	defer cancel()
	err = b.arrive(r.Context(), http.NewResponseController(w), r.Body, func(raw io.Reader) error {
		return readMessage(b, raw, r.Header.Get("Grpc-Encoding"))
	})
	if err != nil {
		return o, err
	}
	if o, err = m.take(ctx, b); err != nil {
		return o, err
	}
	var answer []byte // full success is the empty message
	if o.partial() {
		if answer, err = proto.Marshal(m.partial(&o)); err != nil {
			return o, fmt.Errorf("encode answer: %w", err)
		}
	}
	return o, succeedGRPC(w, answer)
}

// readMessage reads the one message of a request.
func readMessage(b *body, raw io.Reader, encoding string) error {
	var head [grpcHead]byte
	if _, err := io.ReadFull(raw, head[:]); errors.Is(err, io.EOF) {
		return plait.Errorf(plait.ErrInvalid, "the request has no message")
	} else if err != nil {
		return err
	}
	size := int64(binary.BigEndian.Uint32(head[1:]))
	if size > b.limits.MaxBodyBytes {
		return plait.Errorf(plait.ErrTooLarge, "the message has %d bytes, the limit is %d", size, b.limits.MaxBodyBytes)
	}
	switch {
	case head[0] > 1:
		return plait.Errorf(plait.ErrInvalid, "the message begins with byte %d: want 0, or 1 if it is compressed", head[0])
	case head[0] == 0:
		encoding = ""
	case encoding == "" || encoding == "identity":
		return plait.Errorf(plait.ErrInvalid, "the message is compressed, and grpc-encoding does not say how")
	case decompressors[encoding] == nil:
		return plait.Errorf(errUnsupported, "grpc-encoding %.100q: send one of %s, or none", encoding, grpcEncodings)
	}
	message := &io.LimitedReader{R: raw, N: size}
	if err := b.decode(message, size, encoding); err != nil {
		return err
	}
	return endOfMessage(raw, message)
}

// endOfMessage makes sure that all of a message has been read, and that nothing comes after it.
func endOfMessage(raw io.Reader, message *io.LimitedReader) error {
	// A decompressor may leave the last bytes of its stream.
	if _, err := io.Copy(io.Discard, message); err != nil {
		return err
	}
	var more [1]byte
	switch n, err := raw.Read(more[:]); {
	case message.N > 0:
		return plait.Errorf(plait.ErrInvalid, "the message ends %d bytes early", message.N)
	case n > 0:
		return plait.Errorf(plait.ErrInvalid, "the request has more than one message")
	case err == nil || errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

// grpcDeadline is the request's context, which ends when its sender wants an answer no more.
func grpcDeadline(r *http.Request) (context.Context, context.CancelFunc, error) {
	text := r.Header.Get("Grpc-Timeout")
	if text == "" {
		return r.Context(), func() {}, nil
	}
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': 1}
	unit := units[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if err != nil || unit == 0 || len(text) > 9 {
		return nil, nil, plait.Errorf(plait.ErrInvalid, "grpc-timeout %.20q is not a number with one of the units H, M, S, m, u, n", text)
	}
	const longest = 24 * time.Hour
	timeout := longest
	if n < uint64(longest/unit) {
		timeout = time.Duration(n) * unit
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	return ctx, cancel, nil
}

// succeedGRPC answers with a message.
func succeedGRPC(w http.ResponseWriter, message []byte) error {
	out := make([]byte, grpcHead, grpcHead+len(message))
	binary.BigEndian.PutUint32(out[1:], uint32(len(message)))
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	if _, err := w.Write(append(out, message...)); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// failGRPC answers with a status.
func failGRPC(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(int(a.grpc)))
	h.Set(http.TrailerPrefix+"Grpc-Message", strings.ReplaceAll(url.QueryEscape(a.message), "+", "%20"))
	if details, err := proto.Marshal(a.status()); err == nil && a.retry > 0 {
		h.Set(http.TrailerPrefix+"Grpc-Status-Details-Bin", base64.RawStdEncoding.EncodeToString(details))
	}
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // that fails for a sender that is gone
}

package ingest

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	encproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"github.com/plaithq/plait"
)

// OTLP/gRPC (https://opentelemetry.io/docs/specs/otlp/#otlpgrpc). The services are described by
// hand rather than by generated code for two reasons: the codec can hand out a message's bytes,
// which our own decoder reads at a fraction of the cost of the stock one, and a method described
// as a stream may refuse a request before its message is read.

// receiveCost is what a request takes from the budget while its message arrives: the window that
// HTTP/2 lets a sender fill unasked. A full budget thus refuses requests before they are read.
const receiveCost = 64 << 10

func (s *Server) newGRPC() (*grpc.Server, *health.Server) {
	g := grpc.NewServer(
		grpc.ForceServerCodecV2(rawCodec{encoding.GetCodecV2(encproto.Name)}),
		grpc.MaxRecvMsgSize(int(s.config.MaxBodyBytes)),
		grpc.MaxConcurrentStreams(128),
		grpc.ConnectionTimeout(s.config.HeaderTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 10 * s.config.IdleTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	)
	for _, sig := range otlpSignals {
		g.RegisterService(&grpc.ServiceDesc{
			ServiceName: sig.service,
			HandlerType: (*any)(nil),
			Metadata:    sig.proto,
			Streams: []grpc.StreamDesc{{
				StreamName: "Export",
				Handler:    func(_ any, stream grpc.ServerStream) error { return s.exportGRPC(sig, stream) },
			}},
		}, s)
	}
	h := health.NewServer()
	healthpb.RegisterHealthServer(g, h)
	reflection.Register(g)
	return g, h
}

// exportGRPC is the handler of all three services.
func (s *Server) exportGRPC(sig *otlpSignal, stream grpc.ServerStream) error {
	begin := s.now()
	o, err := s.serveGRPC(sig, stream)
	name, st := o.name(), error(nil)
	if err != nil {
		a := answerTo(err)
		name, st = a.name, status.ErrorProto(a.status())
	}
	s.observe(stream.Context(), "otlp_grpc", name, begin, err)
	return st
}

func (s *Server) serveGRPC(sig *otlpSignal, stream grpc.ServerStream) (o outcome, err error) {
	b := &body{lease: s.budget.lease()}
	defer func() {
		if r := recover(); r != nil {
			err = s.recovered(r)
		}
		if err != nil {
			b.forget() // whoever failed may still hold the bytes
		} else {
			b.release()
		}
	}()
	if err := s.receiveGRPC(b, stream); err != nil {
		return o, err
	}
	s.meters.bytes.WithLabelValues("otlp_grpc").Add(float64(len(b.bytes)))
	if o, err = sig.take(stream.Context(), s.pipeline, b, false); err != nil {
		return o, err
	}
	response := any(emptyMessage{}) // full success is the empty message
	if len(o.reasons) > 0 {
		response = sig.partial(int64(o.refusedCount), o.message())
	}
	if err := stream.SendMsg(response); err != nil {
		return o, fmt.Errorf("answer: %w", err)
	}
	return o, nil
}

// receiveGRPC reads the request's message into b, unless there is no memory for it.
func (s *Server) receiveGRPC(b *body, stream grpc.ServerStream) error {
	if s.draining.Load() {
		return fmt.Errorf("the gateway stops: %w", errDraining)
	}
	if err := b.lease.grow(receiveCost); err != nil {
		return err
	}
	message := rawMessage{body: b}
	if err := stream.RecvMsg(&message); err != nil {
		return fmt.Errorf("%s: %w", status.Convert(err).Message(), receiveKind(err))
	}
	b.lease.shrink(receiveCost)
	return message.err
}

// receiveKind says which kind of failure gRPC's own refusal of a message is.
func receiveKind(err error) error {
	switch status.Code(err) {
	case codes.ResourceExhausted:
		return plait.ErrTooLarge
	case codes.Unimplemented:
		return errUnsupported
	case codes.Canceled:
		return context.Canceled
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	}
	return plait.ErrInvalid // mostly bytes that do not decompress
}

// rawMessage takes a message as its bytes.
type rawMessage struct {
	body *body
	err  error // the lease's, which would be lost on its way through gRPC
}

// emptyMessage is a message without fields, of any type.
type emptyMessage struct{}

// rawCodec does not decode what is received as a rawMessage. All other messages, those of health
// and reflection, are left to the stock codec.
type rawCodec struct{ encoding.CodecV2 }

func (c rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if _, ok := v.(emptyMessage); ok {
		return nil, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal copies a rawMessage out of gRPC's frames into a buffer of ours: gRPC's own pool
// rounds 100 KiB up to a mebibyte.
func (c rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*rawMessage)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	if m.err = m.body.grow(int64(data.Len())); m.err == nil {
		m.body.bytes = m.body.bytes[:data.CopyTo(m.body.bytes[:cap(m.body.bytes)])]
	}
	return nil
}

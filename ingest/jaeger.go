package ingest

import (
	"context"
	"mime"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/jaeger"
)

// jaegerDoor takes Jaeger's spans in Thrift, as its clients send them to a collector, and in protobuf over gRPC.
type jaegerDoor struct{ pipeline *pipeline }

// The media types of Thrift, of which Jaeger's clients use the first.
const (
	mediaThrift        = "application/x-thrift"
	mediaBinaryThrift  = "application/vnd.apache.thrift.binary"
	mediaCompactThrift = "application/vnd.apache.thrift.compact"
)

func (d *jaegerDoor) overHTTP() []door {
	return []door{{name: "jaeger", path: "/api/traces", serve: d.serve}}
}

// overGRPC is the method by which agents, and the Collectors of before, send to a collector.
func (d *jaegerDoor) overGRPC() []grpcMethod {
	return []grpcMethod{{
		door: "jaeger_grpc", path: "/jaeger.api_v2.CollectorService/PostSpans", proto: "collector.proto",
		take: func(ctx context.Context, b *body) (outcome, error) {
			return d.pipeline.takeSpans(ctx, b, jaeger.DecodeProtobuf)
		},
		// The response has no field for what was refused.
		partial: func(*outcome) proto.Message { return &emptypb.Empty{} },
	}}
}

func (d *jaegerDoor) serve(x *exchange) (outcome, error) {
	var decode decodeSpans
	value := x.Request().Header.Get("Content-Type")
	switch media, _, _ := mime.ParseMediaType(value); media {
	case mediaThrift, mediaBinaryThrift:
		decode = jaeger.DecodeThrift
	case mediaCompactThrift:
		decode = jaeger.DecodeCompactThrift
	default:
		return outcome{}, plait.Errorf(errUnsupported, "content type %.64q: send %s or %s", value, mediaThrift, mediaCompactThrift)
	}
	if err := x.read(); err != nil {
		return outcome{}, err
	}
	o, err := d.pipeline.takeSpans(x.Request().Context(), x.body, decode)
	if err != nil {
		return o, err
	}
	return o, x.accepted(&o)
}

package ingest

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plaithq/plait"
)

// The media types of OTLP/HTTP.
const (
	mediaProtobuf = "application/x-protobuf"
	mediaJSON     = "application/json"
)

// overHTTP are OTLP/HTTP's three paths (https://opentelemetry.io/docs/specs/otlp/#otlphttp).
func (d *otlpDoors) overHTTP() []door {
	var doors []door
	for _, sig := range otlpSignals {
		doors = append(doors, door{
			name:  "otlp_http",
			path:  sig.path,
			serve: func(x *exchange) (outcome, error) { return d.serveHTTP(sig, x) },
			fail:  (*exchange).failOTLP,
		})
	}
	return doors
}

func (d *otlpDoors) serveHTTP(sig *otlpSignal, x *exchange) (outcome, error) {
	media := x.mediaType()
	if media == "" {
		return outcome{}, plait.Errorf(errUnsupported, "content type %.64q: send %s or %s", x.Request().Header.Get("Content-Type"), mediaProtobuf, mediaJSON)
	}
	if err := x.read(); err != nil {
		return outcome{}, err
	}
	o, err := d.take(x.Request().Context(), sig, x.body, media == mediaJSON)
	if err != nil {
		return o, err
	}
	return o, x.succeedOTLP(sig, &o, media)
}

// mediaType is the request's media type in OTLP/HTTP's own spelling, empty for any other.
func (x *exchange) mediaType() string {
	switch value := x.Request().Header.Get("Content-Type"); value {
	case mediaProtobuf, mediaJSON:
		return value
	default:
		switch media, _, _ := mime.ParseMediaType(value); media {
		case mediaProtobuf, "application/protobuf":
			return mediaProtobuf
		case mediaJSON:
			return mediaJSON
		}
		return ""
	}
}

// succeedOTLP answers with full or partial success. The answer to full success is the empty
// message.
func (x *exchange) succeedOTLP(sig *otlpSignal, o *outcome, media string) error {
	x.count(o)
	if !o.partial() && media == mediaProtobuf {
		x.Response().Header()["Content-Type"] = protobufHeader
		x.Response().WriteHeader(http.StatusOK)
		return nil
	}
	if !o.partial() {
		return x.Blob(http.StatusOK, mediaJSON, []byte("{}"))
	}
	return x.message(http.StatusOK, media, sig.partial(int64(o.refusedCount+o.sampled), o.told()))
}

var protobufHeader = []string{mediaProtobuf}

// failOTLP answers with google.rpc.Status in the encoding of the request.
func (x *exchange) failOTLP(a answer) error {
	media := x.mediaType()
	if media == "" {
		media = mediaJSON // for the human who is trying things out
	}
	return x.message(a.http, media, a.status())
}

// message writes a message in the given encoding.
func (x *exchange) message(code int, media string, m proto.Message) error {
	encode := proto.Marshal
	if media == mediaJSON {
		encode = protojson.Marshal
	}
	b, err := encode(m)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	x.Response().Header().Set("Content-Length", strconv.Itoa(len(b)))
	return x.Blob(code, media, b)
}

// status is the answer as google.rpc.Status, with RetryInfo when sending again may help.
func (a answer) status() *spb.Status {
	st := &spb.Status{Code: int32(a.grpc), Message: a.message}
	if a.retry > 0 {
		// RetryInfo is a message of two numbers: it always encodes.
		if detail, err := anypb.New(&errdetails.RetryInfo{RetryDelay: durationpb.New(a.retry)}); err == nil {
			st.Details = append(st.Details, detail)
		}
	}
	return st
}

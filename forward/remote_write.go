package forward

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/snappy"

	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/wire/remotewrite"
)

// The names that Prometheus's setting protobuf_message has for the versions of remote write.
const (
	remoteWriteV1 = "prometheus.WriteRequest"
	remoteWriteV2 = "io.prometheus.write.v2.Request"
)

// remoteWrite sends series by Prometheus's remote write, of version 2.0 or 1.0.
type remoteWrite struct {
	*poster
	v1 bool
}

func openRemoteWrite(_ *Config, t *Target, _ outbox.Signal) (exporter, error) {
	v1 := t.ProtobufMessage == remoteWriteV1
	contentType, version := "application/x-protobuf;proto="+remoteWriteV2, "2.0.0"
	if v1 {
		contentType, version = "application/x-protobuf", "0.1.0" // which is how 1.0 is told
	}
	p, err := newPoster(t, remoteWritePath(t), contentType, false)
	if err != nil {
		return nil, err
	}
	p.headers.Set("Content-Encoding", "snappy")
	p.headers.Set("X-Prometheus-Remote-Write-Version", version)
	return remoteWrite{p, v1}, nil
}

// remoteWritePath is the path below url. As in Prometheus, a url with a path is the whole address: Mimir and Thanos have others than Prometheus.
func remoteWritePath(t *Target) string {
	if strings.Trim(t.URL.Path, "/") != "" {
		return ""
	}
	return "/api/v1/write"
}

// validateRemoteWrite refuses what series do not have.
func validateRemoteWrite(t *Target) error {
	if t.Severity != "" {
		return errors.New("severity is of log records, and prometheus_remote_write has none")
	}
	return nil
}

// validateMessage looks at protobuf_message.
func validateMessage(t *Target) error {
	switch {
	case t.ProtobufMessage != "" && t.Protocol != protocolRemoteWrite:
		return fmt.Errorf("protobuf_message is of %s, and %s has none", protocolRemoteWrite, t.Protocol)
	case t.ProtobufMessage != "" && t.ProtobufMessage != remoteWriteV1 && t.ProtobufMessage != remoteWriteV2:
		return fmt.Errorf("protobuf_message: %q is neither %s nor %s", t.ProtobufMessage, remoteWriteV2, remoteWriteV1)
	}
	return nil
}

func (e remoteWrite) encode(c content) ([]byte, error) {
	if e.v1 {
		return remotewrite.EncodeV1(c.known, c.series)
	}
	return remotewrite.EncodeV2(c.known, c.series)
}

func (e remoteWrite) send(ctx context.Context, body []byte) (partial, error) {
	answer, err := e.post(ctx, snappy.Encode(nil, body))
	if err == nil && !e.v1 && !tellsWritten(answer.header) {
		err = &failure{verdict: later, code: codeUnwritten, text: "the target answers with success, but not what it has written, as one that reads version 1.0 of remote write only and finds nothing in the request: " +
			"if it is one, set protobuf_message to " + remoteWriteV1}
	}
	return partial{}, err
}

// codeUnwritten is the code of a success that is none.
const codeUnwritten = "unwritten"

// tellsWritten says whether a target tells how much it has written, as all do that know version 2.0.
func tellsWritten(h http.Header) bool {
	return slices.ContainsFunc([]string{"Samples", "Histograms", "Exemplars"}, func(what string) bool {
		return h.Get("X-Prometheus-Remote-Write-"+what+"-Written") != ""
	})
}

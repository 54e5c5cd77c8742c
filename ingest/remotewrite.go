package ingest

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/remotewrite"
)

// remoteWriteDoor takes Prometheus remote write, both versions on one path
// (https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/).
type remoteWriteDoor struct {
	pipeline *pipeline
	decoder  *remotewrite.Decoder
	memories sync.Pool // of *remotewrite.Memory, into which requests are decoded
}

func newRemoteWriteDoor(p *pipeline) *remoteWriteDoor {
	return &remoteWriteDoor{
		pipeline: p,
		decoder:  remotewrite.NewDecoder(),
		memories: sync.Pool{New: func() any { return new(remotewrite.Memory) }},
	}
}

func (d *remoteWriteDoor) overHTTP() []door {
	return []door{{name: "remote_write", path: "/api/v1/write", serve: d.serve}}
}

// serve answers 204. When something was refused the answer is 400, as the
// protocol has it, and the others are stored all the same: a sender does not repeat a 400.
func (d *remoteWriteDoor) serve(x *exchange) (outcome, error) {
	media := x.Request().Header.Get("Content-Type")
	version, ok := remotewrite.ParseContentType(media)
	if !ok || media == "" { // without one, any page of the web could send it
		return outcome{}, plait.Errorf(errUnsupported, "content type %.100q: send application/x-protobuf, with proto=io.prometheus.write.v2.Request for version 2.0", media)
	}
	if encoding := x.contentEncoding(); encoding != "" && encoding != "snappy" {
		return outcome{}, plait.Errorf(errUnsupported, "content encoding %.100q: remote write is compressed by snappy", encoding)
	}
	if err := x.readSnappy(); err != nil {
		return outcome{}, err
	}
	if err := x.body.lease.grow(remotewrite.Weigh(x.body.bytes, version)); err != nil {
		return outcome{}, err
	}
	memory := d.memories.Get().(*remotewrite.Memory)
	defer func() { memory.Reset(); d.memories.Put(memory) }()
	batch, err := d.decoder.Decode(x.Request().Context(), x.body.bytes, version, memory, x.body.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = d.pipeline.digests.of(metrics, x.body.bytes)
	o, err := d.pipeline.takeMetrics(x.Request().Context(), batch)
	if err != nil {
		return o, err
	}
	if version == remotewrite.V2 {
		x.tellWritten(batch, o)
	}
	if len(o.reasons) > 0 {
		return o, x.String(http.StatusBadRequest, o.message()+"\n")
	}
	return o, x.NoContent(http.StatusNoContent)
}

// tellWritten sets the headers by which version 2.0 counts what was stored.
func (x *exchange) tellWritten(m *plait.Metrics, o outcome) {
	samples, histograms, exemplars := m.Counts()
	left := o.unstored // the decoder left out of m what it refused itself
	samples -= left.Count - left.Histograms
	histograms -= left.Histograms
	exemplars -= left.Exemplars
	header := x.Response().Header()
	header.Set("X-Prometheus-Remote-Write-Samples-Written", strconv.Itoa(samples))
	header.Set("X-Prometheus-Remote-Write-Histograms-Written", strconv.Itoa(histograms))
	header.Set("X-Prometheus-Remote-Write-Exemplars-Written", strconv.Itoa(exemplars))
}

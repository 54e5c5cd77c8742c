package ingest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/datadog"
)

// datadogDoor takes what Datadog's tracers send to their agent.
type datadogDoor struct{ pipeline *pipeline }

const mediaMsgpack = "application/msgpack"

// datadogFormat is a version of the agent's API for traces.
type datadogFormat struct {
	path    string
	msgpack decodeDatadog
	json    decodeDatadog // nil: the agent takes none
	rates   bool          // the answer tells which share of traces to keep
}

type decodeDatadog func(body []byte, sender datadog.Tracer, claim func(bytes int64) error) (*plait.Traces, error)

var datadogFormats = []datadogFormat{
	{path: "/v0.3/traces", msgpack: datadog.Decode, json: datadog.DecodeJSON},
	{path: "/v0.4/traces", msgpack: datadog.Decode, json: datadog.DecodeJSON, rates: true},
	{path: "/v0.5/traces", msgpack: datadog.DecodeIndexed, rates: true},
	{path: "/v0.7/traces", msgpack: datadog.DecodePayload, rates: true},
}

// datadogAside are the paths of an agent's API that tracers ask besides, again and again, and do without where there is none.
var datadogAside = []string{
	"/info", "/v0.6/stats", "/v0.7/config", "/v0.1/pipeline_stats", "/telemetry/", "/evp_proxy/", "/profiling/", "/debugger/", "/symdb/",
	"/tracer_flare/", "/dogstatsd/", "/openlineage/",
}

// asksDatadogAgent says whether a path is one of these. They bring no telemetry that Plait would have to store, so they are no requests that it refused.
func asksDatadogAgent(path string) bool {
	return slices.ContainsFunc(datadogAside, func(aside string) bool {
		return path == aside || strings.HasSuffix(aside, "/") && strings.HasPrefix(path, aside)
	})
}

func (d *datadogDoor) overHTTP() []door {
	var doors []door
	for _, f := range datadogFormats {
		doors = append(doors, door{
			name: "datadog", path: f.path, methods: []string{http.MethodPut, http.MethodPost},
			serve: func(x *exchange) (outcome, error) { return d.serve(x, f) },
		})
	}
	return doors
}

func (d *datadogDoor) serve(x *exchange, f datadogFormat) (outcome, error) {
	decode, err := f.decoder(x.Request().Header.Get("Content-Type"))
	if err != nil {
		return outcome{}, err
	}
	if err := x.read(); err != nil {
		return outcome{}, err
	}
	header := x.Request().Header
	sender := datadog.Tracer{
		Language: header.Get("Datadog-Meta-Lang"), Version: header.Get("Datadog-Meta-Tracer-Version"),
		ContainerID: header.Get("Datadog-Container-Id"), DroppedTraces: droppedTraces(header),
	}
	o, err := d.pipeline.takeSpans(x.Request().Context(), x.body, func(body []byte, claim func(int64) error) (*plait.Traces, error) { return decode(body, sender, claim) })
	if err != nil {
		return o, err
	}
	return o, x.succeedDatadog(&o, f)
}

// droppedTraces says whether a tracer tells that it kept traces to itself.
func droppedTraces(header http.Header) bool {
	n, err := strconv.ParseInt(header.Get("Datadog-Client-Dropped-P0-Traces"), 10, 64)
	return err == nil && n > 0
}

// decoder is that of a content type. Agents take a body of which none is told for JSON. Here it is refused: a page of
// another site may send one without asking.
func (f *datadogFormat) decoder(contentType string) (decodeDatadog, error) {
	send := mediaMsgpack
	media, _, _ := mime.ParseMediaType(contentType)
	switch {
	case media == mediaMsgpack || media == "application/x-msgpack":
		return f.msgpack, nil
	case f.json == nil:
	case media == mediaJSON || media == "text/json":
		return f.json, nil
	default:
		send += " or " + mediaJSON
	}
	return nil, plait.Errorf(errUnsupported, "content type %.64q: send %s", contentType, send)
}

// succeedDatadog answers as an agent that keeps all traces, with a word about what was refused.
func (x *exchange) succeedDatadog(o *outcome, f datadogFormat) error {
	x.count(o)
	answer := struct {
		Rates   map[string]float64 `json:"rate_by_service"`
		Refused string             `json:"refused,omitempty"`
	}{Rates: map[string]float64{"service:,env:": 1}}
	if o.partial() {
		answer.Refused = o.refusals()
	}
	if !f.rates {
		return x.String(http.StatusOK, "OK\n"+answer.Refused)
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return x.Blob(http.StatusOK, mediaJSON, b)
}

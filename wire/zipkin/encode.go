package zipkin

import (
	"encoding/json"
	"net/netip"

	"github.com/plaithq/plait"
)

// spanJSON is a span as it is written: what is absent is left out.
type spanJSON struct {
	TraceID        plait.TraceID     `json:"traceId"`
	ParentID       string            `json:"parentId,omitempty"`
	ID             plait.SpanID      `json:"id"`
	Kind           string            `json:"kind,omitempty"`
	Name           string            `json:"name"`
	Timestamp      int64             `json:"timestamp,omitempty"`
	Duration       int64             `json:"duration,omitempty"`
	LocalEndpoint  *endpointJSON     `json:"localEndpoint,omitempty"`
	RemoteEndpoint *endpointJSON     `json:"remoteEndpoint,omitempty"`
	Annotations    []annotationJSON  `json:"annotations,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	Debug          bool              `json:"debug,omitempty"`
	Shared         bool              `json:"shared,omitempty"`
}

type endpointJSON struct {
	ServiceName string `json:"serviceName,omitempty"`
	IPv4        string `json:"ipv4,omitempty"`
	IPv6        string `json:"ipv6,omitempty"`
	Port        int64  `json:"port,omitempty"`
}

type annotationJSON struct {
	Timestamp int64  `json:"timestamp"`
	Value     string `json:"value"`
}

var kindNames = map[plait.SpanKind]string{
	plait.SpanKindClient: "CLIENT", plait.SpanKindServer: "SERVER", plait.SpanKindProducer: "PRODUCER", plait.SpanKindConsumer: "CONSUMER",
}

// The attributes that DecodeJSON makes of what Zipkin has fields for. They become fields again.
const (
	attributeShared  = "zipkin.shared"
	attributeDebug   = "zipkin.debug"
	attributePeer    = "peer.service"
	attributeAddress = "network.peer.address"
	attributePort    = "network.peer.port"
	attributeHostIP  = "host.ip"
	attributeService = "service.name"
	tagError         = "error"
)

// remoteNames are the attributes that name the other side of a call, the best first, as OpenTelemetry's mapping to
// Zipkin has them.
var remoteNames = []string{attributePeer, "service.peer.name", "server.address", "net.peer.name", "peer.hostname", "peer.address", "db.namespace", "db.name", "messaging.destination.name"}

// EncodeJSON writes spans as a JSON array of v2 spans. Names keep their spelling.
func EncodeJSON(spans []plait.Span) ([]byte, error) {
	type id struct {
		trace plait.TraceID
		span  plait.SpanID
	}
	clients := make(map[id]bool)
	for i := range spans {
		if k := spans[i].Kind; k == plait.SpanKindClient || k == plait.SpanKindProducer {
			clients[id{spans[i].TraceID, spans[i].SpanID}] = true
		}
	}
	list := make([]spanJSON, len(spans))
	for i := range spans {
		s := &spans[i]
		list[i] = encode(s)
		if k := s.Kind; (k == plait.SpanKindServer || k == plait.SpanKindConsumer) && clients[id{s.TraceID, s.SpanID}] {
			list[i].Shared = true
		}
	}
	return json.Marshal(list)
}

func encode(s *plait.Span) spanJSON {
	out := spanJSON{
		TraceID: s.TraceID, ID: s.SpanID, Kind: kindNames[s.Kind], Name: s.Name, Timestamp: max(s.StartNanos/1000, 0),
		LocalEndpoint: &endpointJSON{ServiceName: s.Resource.Service()}, Tags: make(map[string]string),
	}
	if !s.ParentSpanID.IsZero() {
		out.ParentID = s.ParentSpanID.String()
	}
	if took := s.DurationNanos(); took > 0 {
		out.Duration = max(took/1000, 1) // 0 is none
	}
	out.takeResource(s.Resource)
	out.takeAttributes(s)
	out.takeFields(s)
	for _, e := range s.Events {
		out.Annotations = append(out.Annotations, annotationJSON{e.TimeNanos / 1000, eventText(&e)})
	}
	return out
}

// takeResource makes tags of a resource's attributes, but for those that are the local endpoint.
func (z *spanJSON) takeResource(r *plait.Resource) {
	if r == nil {
		return
	}
	for _, a := range r.Attributes {
		switch {
		case a.Key == attributeService:
		case a.Key == attributeHostIP && z.LocalEndpoint.setAddress(a.Value.Text()):
		default:
			z.Tags[a.Key] = a.Value.Text()
		}
	}
}

// takeAttributes makes tags of a span's attributes, but for those that are fields.
func (z *spanJSON) takeAttributes(s *plait.Span) {
	remote := endpointJSON{}
	for _, key := range remoteNames {
		if v, ok := s.Attributes.Get(key); ok && remote.ServiceName == "" {
			remote.ServiceName = v.Text()
		}
	}
	for _, a := range s.Attributes {
		switch {
		case a.Key == attributeShared:
			z.Shared = a.Value.Bool()
		case a.Key == attributeDebug:
			z.Debug = a.Value.Bool()
		case a.Key == attributePeer:
		case a.Key == attributeAddress && remote.setAddress(a.Value.Text()):
		case a.Key == attributePort && a.Value.Kind() == plait.KindInt:
			remote.Port = a.Value.Int()
		case a.Key == tagError && s.Status != plait.StatusError && a.Value.Text() == "false": // the tag alone says that it failed
		default:
			z.Tags[a.Key] = a.Value.Text()
		}
	}
	if remote != (endpointJSON{}) {
		z.RemoteEndpoint = &remote
	}
}

// takeFields makes tags of what OpenTelemetry has fields for, where no attribute says it.
func (z *spanJSON) takeFields(s *plait.Span) {
	add := func(key, value string) {
		if _, said := z.Tags[key]; value != "" && !said {
			z.Tags[key] = value
		}
	}
	switch s.Status {
	case plait.StatusOK:
		add("otel.status_code", "OK")
	case plait.StatusError:
		if _, said := z.Tags[tagError]; !said { // nor is it a failure that came as Zipkin's
			add("otel.status_code", "ERROR")
		}
		add(tagError, s.StatusMessage)
		add(tagError, "true")
	}
	if s.Scope != nil {
		add("otel.scope.name", s.Scope.Name)
		add("otel.scope.version", s.Scope.Version)
	}
}

// setAddress takes a text that is an IP address.
func (e *endpointJSON) setAddress(text string) bool {
	ip, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return false
	case ip.Is4():
		e.IPv4 = text
	default:
		e.IPv6 = text
	}
	return true
}

// eventText is the name of an event, with its attributes as OpenTelemetry writes them for Zipkin: "name": {…}.
func eventText(e *plait.Event) string {
	if len(e.Attributes) == 0 {
		return e.Name
	}
	return string(e.Attributes.AppendJSON(append(plait.StringValue(e.Name).AppendJSON(nil), ": "...)))
}

// Package entry is how a log record looks to LogQL: which of its attributes are labels of its stream, and
// which structured metadata (docs/loki.md has the rules). It says as well by which condition on records the
// store narrows a query. It reads nothing.
package entry

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// LabelsAttribute is the resource attribute that says which others are labels of the stream, by their names
// as labels, with commas between. Loki push leaves it, and the OpenTelemetry Collector knows it as a hint.
const LabelsAttribute = "loki.resource.labels"

// Names of labels that do not come from attributes.
const (
	ServiceLabel = "service_name"
	LevelLabel   = "detected_level"
	TraceLabel   = "trace_id"
	SpanLabel    = "span_id"
)

// DefaultLabels are the resource attributes that are labels, as Loki has them for OTLP.
func DefaultLabels() []string {
	return []string{
		"service.name", "service.namespace", "service.instance.id", "deployment.environment", "deployment.environment.name",
		"cloud.region", "cloud.availability_zone", "container.name",
		"k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name", "k8s.container.name", "k8s.replicaset.name",
		"k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name",
	}
}

// MaxLabels bounds how many attributes may be labels.
const MaxLabels = 64

// Mapping says which resource attributes are labels.
type Mapping struct{ labels map[string]bool }

// NewMapping makes a mapping with these resource attributes, besides service.name, as labels. An error is
// plait.ErrInvalid.
func NewMapping(attributes []string) (*Mapping, error) {
	if len(attributes) > MaxLabels {
		return nil, plait.Errorf(plait.ErrInvalid, "%d attributes as labels of streams are more than %d", len(attributes), MaxLabels)
	}
	m := &Mapping{labels: map[string]bool{ServiceLabel: true}}
	for _, a := range attributes {
		if a == "" {
			return nil, plait.Errorf(plait.ErrInvalid, "an attribute without a name cannot be a label of streams")
		}
		m.labels[Name(a)] = true
	}
	return m, nil
}

// Name is an attribute's key as a label: each character but letters, digits and _ is a _.
func Name(key string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '_'
	}, key)
}

// ofResource is what the records of a resource share.
type ofResource struct {
	stream, metadata []plait.Label
	pushed           bool
}

// maxResources bounds how many resources a Maker remembers.
const maxResources = 1000

// Maker makes entries of records. One goroutine at a time uses it.
type Maker struct {
	mapping   *Mapping
	resources map[*plait.Resource]*ofResource
	entry     pipeline.Entry
	names     map[string]bool // of the labels so far
}

// NewMaker returns a maker.
func (m *Mapping) NewMaker() *Maker {
	return &Maker{mapping: m, resources: map[*plait.Resource]*ofResource{}, names: map[string]bool{}}
}

// Stream is the labels of the stream that a resource's records belong to, in the order of its attributes. The
// list is the maker's.
func (m *Maker) Stream(r *plait.Resource) []plait.Label { return m.of(r).stream }

// Metadata is the structured metadata that all records of a resource have, in the order of its attributes. The list is the maker's.
func (m *Maker) Metadata(r *plait.Resource) []plait.Label { return m.of(r).metadata }

// MetadataBytes is how many bytes the structured metadata takes that all records of a resource have, as Loki
// counts it.
func (m *Maker) MetadataBytes(r *plait.Resource) (n int) {
	for _, l := range m.of(r).metadata {
		n += len(l.Name) + len(l.Value)
	}
	return n + len(LevelLabel) + len("error")
}

func (m *Maker) of(r *plait.Resource) *ofResource {
	known := m.resources[r]
	if known == nil {
		if len(m.resources) >= maxResources {
			clear(m.resources)
		}
		known = m.mapping.ofResource(r)
		m.resources[r] = known
	}
	return known
}

func (m *Mapping) ofResource(r *plait.Resource) *ofResource {
	o := &ofResource{stream: []plait.Label{{Name: ServiceLabel, Value: r.Service()}}}
	labels := m.labels
	if hint, ok := r.Attributes.Get(LabelsAttribute); ok {
		labels, o.pushed = map[string]bool{}, true
		for name := range strings.SplitSeq(hint.Text(), ",") {
			labels[strings.TrimSpace(name)] = true
		}
	}
	names := map[string]bool{ServiceLabel: true, LevelLabel: true, Name(LabelsAttribute): true}
	flatten(r.Attributes, "", maxDepth, func(name, value string) {
		switch {
		case names[name]:
		case labels[name]:
			names[name] = true
			o.stream = append(o.stream, plait.Label{Name: name, Value: value})
		default:
			names[name] = true
			o.metadata = append(o.metadata, plait.Label{Name: name, Value: value})
		}
	})
	return o
}

// Entry is a record as an entry. Its lists are the maker's: they hold until the next one.
func (m *Maker) Entry(r *plait.LogRecord) *pipeline.Entry {
	of := m.of(r.Resource)
	e := &m.entry
	*e = pipeline.Entry{TimeNanos: r.TimeNanos, Line: r.Body.Text(), Stream: of.stream, Metadata: e.Metadata[:0]}
	clear(m.names)
	add := func(name, value string) {
		if value != "" && !m.names[name] {
			m.names[name] = true
			e.Metadata = append(e.Metadata, plait.Label{Name: name, Value: value})
		}
	}
	add(LevelLabel, condition.Level(r))
	if !of.pushed {
		m.addIDs(r, add)
	}
	for _, l := range of.metadata {
		add(l.Name, l.Value)
	}
	if !of.pushed {
		add("severity_text", r.SeverityText)
		if r.Severity != 0 {
			add("severity_number", strconv.Itoa(int(r.Severity)))
		}
	}
	add("event_name", r.EventName)
	if r.Flags != 0 {
		add("flags", strconv.FormatUint(uint64(r.Flags), 10))
	}
	flatten(r.Attributes, "", maxDepth, add)
	if r.Scope != nil {
		add("scope_name", r.Scope.Name)
		add("scope_version", r.Scope.Version)
		flatten(r.Scope.Attributes, "", maxDepth, add)
	}
	return e
}

// addIDs adds the ids, by which records are found, so no attribute is another label of that name. What was
// pushed has them in its metadata where its sender put them there.
func (m *Maker) addIDs(r *plait.LogRecord, add func(name, value string)) {
	if !r.TraceID.IsZero() {
		add(TraceLabel, r.TraceID.String())
	}
	if !r.SpanID.IsZero() {
		add(SpanLabel, r.SpanID.String())
	}
	m.names[TraceLabel], m.names[SpanLabel] = true, true
}

// maxDepth bounds how deep in maps labels are found, as condition.LookupLabel does.
const maxDepth = 16

// flatten hands out attributes as labels. Members of maps have the map's name before theirs; empty values
// are left out.
func flatten(attributes plait.Attributes, prefix string, depth int, use func(name, value string)) {
	for i := range attributes {
		name, v := prefix+Name(attributes[i].Key), attributes[i].Value
		if v.Kind() != plait.KindMap {
			if text := Text(v); text != "" {
				use(name, text)
			}
			continue
		}
		if members, err := canonical.ParseAttributes(v.Str()); err == nil && depth > 0 {
			for j := range members {
				members[j].Key = strings.TrimPrefix(members[j].Key, "$")
			}
			flatten(members, name+"_", depth-1, use)
		}
	}
}

// Text is a value as Loki writes it: doubles without a fraction where they have none, bytes in base64.
func Text(v plait.Value) string {
	switch v.Kind() {
	case plait.KindDouble:
		return strconv.FormatFloat(v.Double(), 'f', -1, 64)
	case plait.KindBytes:
		return base64.StdEncoding.EncodeToString([]byte(v.Str()))
	}
	return v.Text()
}

package forward

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/klauspost/compress/snappy"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/wire/loki"
)

// lokiPush pushes log records as Loki's clients do. Which attributes are labels is what LogQL says of them here (docs/loki.md).
type lokiPush struct {
	*poster
	mapping  *entry.Mapping
	external []plait.Label
}

func openLoki(c *Config, t *Target, _ outbox.Signal) (exporter, error) {
	mapping := c.Mapping
	if mapping == nil {
		var err error
		if mapping, err = entry.NewMapping(entry.DefaultLabels()); err != nil {
			return nil, err
		}
	}
	p, err := newPoster(t, "/loki/api/v1/push", "application/x-protobuf", false)
	if err != nil {
		return nil, err
	}
	return lokiPush{p, mapping, t.externalLabels()}, nil
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// validateLabels looks at external_labels.
func validateLabels(t *Target) error {
	if len(t.ExternalLabels) > 0 && t.Protocol != "loki" {
		return fmt.Errorf("external_labels: %s has no labels", t.Protocol)
	}
	for name, value := range t.ExternalLabels {
		if !labelName.MatchString(name) || value == "" {
			return fmt.Errorf("external_labels: %q with the value %q is no label", name, value)
		}
	}
	return nil
}

func (e lokiPush) encode(c content) ([]byte, error) {
	maker := e.mapping.NewMaker()
	var streams []loki.Stream
	places := map[string]int{}
	for i := range c.logs {
		r := &c.logs[i]
		one := maker.Entry(r)
		labels := e.labels(one.Stream)
		key := streamKey(labels)
		at, known := places[key]
		if !known {
			at = len(streams)
			places[key] = at
			streams = append(streams, loki.Stream{Labels: labels})
		}
		streams[at].Entries = append(streams[at].Entries, loki.Entry{TimeNanos: one.TimeNanos, Line: one.Line, Metadata: ownMetadata(one.Metadata)})
	}
	return loki.Encode(streams), nil
}

// labels are those of a stream with the target's own, which go before.
func (e lokiPush) labels(stream []plait.Label) []plait.Label {
	labels := append([]plait.Label(nil), e.external...)
	for _, l := range stream {
		if plait.Labels(e.external).Get(l.Name) == "" {
			labels = append(labels, l)
		}
	}
	return labels
}

func streamKey(labels []plait.Label) string {
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.Name + "\x00" + l.Value + "\x00")
	}
	return b.String()
}

// ownMetadata is what Loki does not make itself: it tells the level from the severity.
func ownMetadata(metadata []plait.Label) (kept []plait.Label) {
	for _, l := range metadata {
		if l.Name != entry.LevelLabel {
			kept = append(kept, l)
		}
	}
	return kept
}

func (e lokiPush) send(ctx context.Context, body []byte) (partial, error) {
	_, err := e.post(ctx, snappy.Encode(nil, body))
	return partial{}, err
}

package zipkin

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
)

// Zipkin's names are all of lower case, and its clients ask in any: names are compared without case.

const (
	// mapLookback is how far back the lists of remote services look.
	mapLookback = time.Hour
	// mapAge is how old what they are made from may be: it takes a second among a million spans, and Zipkin's page asks
	// whenever somebody chooses a service.
	mapAge = time.Minute
)

// recentLinks are who called whom in the last hour: as many as one service map has.
type recentLinks struct {
	turn  chan struct{} // held by who reads or draws; it guards what follows
	drawn time.Time
	links []tracesearch.Link
}

// get returns the links, and draws them anew where they are too old. Who comes while others draw waits for them.
func (r *recentLinks) get(ctx context.Context, now time.Time, draw func(plait.TimeRange) ([]tracesearch.Link, error)) ([]tracesearch.Link, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if age := now.Sub(r.drawn); age < 0 || age >= mapAge || r.drawn.IsZero() {
		links, err := draw(plait.TimeRange{From: now.Add(-mapLookback), To: now})
		if err != nil {
			return nil, err
		}
		r.drawn, r.links = now, links
	}
	return r.links, nil
}

func (h *handler) services(ctx context.Context, _ url.Values) ([]string, error) {
	return h.Reader.SpanServices(ctx, tracesearch.MaxNames)
}

// servicesNamed are the services whose name is the text without regard to case.
func (h *handler) servicesNamed(ctx context.Context, text string) ([]string, error) {
	all, err := h.Reader.SpanServices(ctx, tracesearch.MaxNames)
	if err != nil {
		return nil, err
	}
	named := []string{text} // it may be one of more services than are listed
	for _, s := range all {
		if s != text && strings.EqualFold(s, text) {
			named = append(named, s)
		}
	}
	return named, nil
}

// operationsOf are the names of the spans of services, each once, in order.
func (h *handler) operationsOf(ctx context.Context, services []string) ([]string, error) {
	var names []string
	for _, service := range services {
		found, err := h.Reader.Operations(ctx, service, tracesearch.MaxNames)
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			names = append(names, o.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// ofService reads the service that a list of names is about.
func (h *handler) ofService(ctx context.Context, q url.Values) ([]string, error) {
	service := q.Get("serviceName")
	if service == "" {
		return nil, plait.Errorf(plait.ErrInvalid, "parameter serviceName is missing")
	}
	return h.servicesNamed(ctx, service)
}

func (h *handler) spanNames(ctx context.Context, q url.Values) ([]string, error) {
	services, err := h.ofService(ctx, q)
	if err != nil {
		return nil, err
	}
	return h.operationsOf(ctx, services)
}

// remoteServices are whom a service called within the last hour.
func (h *handler) remoteServices(ctx context.Context, q url.Values) ([]string, error) {
	services, err := h.ofService(ctx, q)
	if err != nil {
		return nil, err
	}
	links, err := h.recent.get(ctx, h.Now(), func(within plait.TimeRange) ([]tracesearch.Link, error) {
		return tracesearch.Links(ctx, h.Reader, within)
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, l := range links {
		if slices.Contains(services, l.Parent) {
			names = append(names, l.Child)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// maxTags bounds the lists of tags and of their values: Zipkin's page shows them in a menu.
const maxTags = 1_000

// tagKeys are the tags whose values are offered: what OpenTelemetry has fields for, and the attributes that repeat.
func (h *handler) tagKeys(ctx context.Context, _ url.Values) ([]string, error) {
	names, err := h.Reader.AttributeNames(ctx, maxTags)
	if err != nil {
		return nil, err
	}
	keys := slices.Concat([]string{tracesearch.TagError, tracesearch.TagKind, tracesearch.TagStatusCode}, names.Spans, names.Resources)
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys[:min(len(keys), maxTags)], nil
}

// tagValues are the values of one of these.
func (h *handler) tagValues(ctx context.Context, q url.Values) ([]string, error) {
	switch key := q.Get("key"); key {
	case "":
		return nil, plait.Errorf(plait.ErrInvalid, "parameter key is missing")
	case tracesearch.TagError:
		return []string{"true", "false"}, nil
	case tracesearch.TagKind:
		return []string{"client", "consumer", "internal", "producer", "server"}, nil
	case tracesearch.TagStatusCode:
		return []string{"ERROR", "OK"}, nil
	default:
		ofSpans, ofResources, err := h.Reader.AttributeValues(ctx, key, maxTags)
		if err != nil {
			return nil, err
		}
		var texts []string
		for _, v := range slices.Concat(ofSpans, ofResources) {
			texts = append(texts, v.Text())
		}
		slices.Sort(texts)
		texts = slices.Compact(texts)
		return texts[:min(len(texts), maxTags)], nil
	}
}

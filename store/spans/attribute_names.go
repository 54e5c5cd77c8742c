package spans

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/plaithq/plait"
)

// Lists of names are asked for at each key press. They come from the dictionaries in memory, and read no telemetry. A
// dictionary that is too large for memory tells nothing.

// AttributeNames lists the keys of attributes in order, at most limit of each: those of spans that stand in sets, because
// they repeat, and those of resources.
func (s *Reader) AttributeNames(ctx context.Context, limit int) (ofSpans, ofResources []string, err error) {
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list attributes: %w", err)
	}
	ofSpans = slices.Sorted(slices.Values(entries.AttributeSets.Keys(limit)))
	resource := map[string]struct{}{}
	for _, r := range entries.Resources.All() {
		for i := range r.Attributes {
			if len(resource) < limit {
				resource[r.Attributes[i].Key] = struct{}{}
			}
		}
	}
	return ofSpans, slices.Sorted(maps.Keys(resource)), nil
}

// AttributeValues lists the values of an attribute in any order, at most limit of each: those of spans that stand in sets,
// and those of resources.
func (s *Reader) AttributeValues(ctx context.Context, key string, limit int) (ofSpans, ofResources []plait.Value, err error) {
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list values of %s: %w", key, err)
	}
	resource := map[plait.Value]struct{}{}
	for _, r := range entries.Resources.All() {
		if v, ok := r.Attributes.Get(key); ok && len(resource) < limit {
			resource[v] = struct{}{}
		}
	}
	return entries.AttributeSets.Values(key, limit), slices.Collect(maps.Keys(resource)), nil
}

// SpanNames lists the names of spans in order, at most limit of them, without those that spans have for themselves.
func (s *Reader) SpanNames(ctx context.Context, limit int) ([]string, error) {
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil {
		return nil, fmt.Errorf("list names of spans: %w", err)
	}
	names := map[string]struct{}{}
	for _, o := range entries.Operations.All() {
		if o.Name != "" && len(names) < limit {
			names[o.Name] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

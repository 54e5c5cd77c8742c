package spans

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/dictionary"
)

// Lists of names are asked for at each key press. They come from dictionaries, and read no telemetry. A
// dictionary that is too large for memory tells nothing.

// AttributeNames lists the keys of attributes in order, at most limit of each place. A gateway that sees very many keys does
// not list all of them.
func (s *Reader) AttributeNames(ctx context.Context, limit int) (query.AttributeNames, error) {
	listed, err := dictionary.ListKeys(ctx, s.lookup, limit)
	if err != nil {
		return query.AttributeNames{}, err
	}
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil {
		return query.AttributeNames{}, fmt.Errorf("list attributes: %w", err)
	}
	resources, scopes := map[string]struct{}{}, map[string]struct{}{}
	add := func(to map[string]struct{}, attributes plait.Attributes) {
		for i := range attributes {
			if len(to) < limit {
				to[attributes[i].Key] = struct{}{}
			}
		}
	}
	for _, r := range entries.Resources.All() {
		add(resources, r.Attributes)
	}
	for _, scope := range entries.Scopes.All() {
		add(scopes, scope.Attributes)
	}
	return query.AttributeNames{
		Spans: listed[dictionary.SpanKeys], Events: listed[dictionary.EventKeys], Links: listed[dictionary.LinkKeys],
		Resources: slices.Sorted(maps.Keys(resources)), Scopes: slices.Sorted(maps.Keys(scopes)),
	}, nil
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

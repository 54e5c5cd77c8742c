package zipkin

import (
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// annotationQuery is what a text like "error and http.method=GET" asks for: tags with a value, and tags or
// annotations that are there at all.
func annotationQuery(text string) (tags []tracesearch.Tag, present condition.And, err error) {
	terms := strings.Split(text, " and ")
	if len(terms) > maxTerms {
		return nil, nil, plait.Errorf(plait.ErrInvalid, "parameter annotationQuery asks for %d terms, at most %d can be", len(terms), maxTerms)
	}
	for _, term := range terms {
		key, value, valued := strings.Cut(strings.TrimSpace(term), "=")
		switch {
		case key == "" && !valued:
		case key == "":
			return nil, nil, plait.Errorf(plait.ErrInvalid, "parameter annotationQuery: %.64q has no key before its =", term)
		case valued:
			tags = append(tags, tracesearch.Tag{Key: key, Value: value})
		default:
			present = append(present, isPresent(key))
		}
	}
	return tags, present, nil
}

// isPresent asks for spans with a tag, or with an annotation that says the text.
func isPresent(text string) condition.Node {
	stored := condition.Stored(text)
	or := condition.Or{
		condition.Exists(condition.Attribute(condition.SpanAttribute, stored)),
		condition.Exists(condition.Attribute(condition.ResourceAttribute, stored)),
		condition.Leaf{Field: condition.Field{Name: condition.EventName}, Op: condition.OpEqual, Value: condition.String(stored)},
	}
	switch text {
	case tracesearch.TagError:
		return condition.Or{query.Status(plait.StatusError), query.SpanAttribute(text, "true")}
	case tracesearch.TagStatusCode:
		or = append(or, condition.Not{Of: query.Status(plait.StatusUnset)})
	case tracesearch.TagScopeName:
		or = append(or, condition.Exists(condition.Field{Name: condition.ScopeName}))
	case tracesearch.TagScopeVersion:
		or = append(or, condition.Exists(condition.Field{Name: condition.ScopeVersion}))
	}
	return or
}

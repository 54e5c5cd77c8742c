package spans

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// spanFilter is what a search asks of a span, said in ids of dictionaries. Nil restricts
// nothing, an empty list fits nothing.
type spanFilter struct {
	operations []int64
	// inline are operations whose spans have names of their own, to be compared one by one.
	inline      []int64
	name        string // wanted of inline spans
	statuses    []int16
	resources   []int64
	minDuration *int64
	maxDuration *int64
	// attributes hold all. Only the first, the rarest, is asked of Postgres; it and the others
	// are then compared here.
	attributes []dictionary.AttributeCondition
}

// spanMatchSQL is the condition of a spanFilter and a slice of time. The server plans it for
// its arguments, so that what is null folds away and what remains can use the partial indexes on
// errors and slow spans.
const spanMatchSQL = `
    start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + spanConditionsSQL

// spanConditionsSQL is spanMatchSQL without the time.
const spanConditionsSQL = `
    AND ($3::int8[] IS NULL OR operation = ANY ($3) OR operation = ANY ($4) AND extra LIKE $5)
    AND ($6::int2[] IS NULL OR status = ANY ($6))
    AND ($7::int8[] IS NULL OR resource = ANY ($7))
    AND ($8::int8 IS NULL OR duration_ns >= $8)
    AND ($9::int8 IS NULL OR duration_ns <= $9)
    AND ($10::text[] IS NULL OR resource = ANY ($11) OR attribute_set = ANY ($12)
         OR ($14 = '' OR strpos(attributes, $14) > 0) AND (attributes LIKE ANY ($10) OR ` + dictionary.NestingSQL + ` AND attributes LIKE ANY ($13)))`

// arguments are those of spanMatchSQL.
func (f *spanFilter) arguments(from, to int64) []any {
	args := []any{pg.Planned, rowcodec.MicrosTime(from), rowcodec.MicrosTime(to),
		f.operations, f.inline, pg.LikePattern(string(plait.AppendJSONString([]byte(`"name":`), f.name))),
		f.statuses, f.resources, f.minDuration, f.maxDuration}
	if len(f.attributes) == 0 {
		return append(args, []string(nil), []int64(nil), []int64(nil), []string(nil), "")
	}
	first := &f.attributes[0]
	return append(args, first.Patterns, first.Resources, first.Sets, first.Nested, first.Holds)
}

// impossible says that no span can fit.
func (f *spanFilter) impossible() bool {
	return f.operations != nil && len(f.operations)+len(f.inline) == 0 ||
		f.statuses != nil && len(f.statuses) == 0 ||
		f.resources != nil && len(f.resources) == 0
}

// everything says that every span fits.
func (f *spanFilter) everything() bool {
	return f.operations == nil && f.statuses == nil && f.resources == nil &&
		f.minDuration == nil && f.maxDuration == nil && len(f.attributes) == 0
}

// comparesText says that rows have to be compared here, too.
func (f *spanFilter) comparesText() bool { return len(f.inline) > 0 || len(f.attributes) > 0 }

// fits compares what Postgres could only guess at.
func (f *spanFilter) fits(row *storedSpan) (bool, error) {
	if slices.Contains(f.inline, row.operation) {
		if name, err := inlineName(row.extra); err != nil || name != f.name {
			return false, err
		}
	}
	return dictionary.AttributesFit(f.attributes, row.resource, row.attributeSet, row.attributes)
}

// inlineName returns the name that a span has in place of its operation's, or nothing.
func inlineName(extra string) (string, error) {
	if extra == "" {
		return "", nil
	}
	var e struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal([]byte(extra), &e); err != nil {
		return "", fmt.Errorf("read extra: %w", err)
	}
	return e.Name, nil
}

const operationsSQL = `
SELECT id, service, name, kind, scope
FROM plait_store.operation
WHERE ($1::text IS NULL OR service = $1)
  AND ($2::text IS NULL OR name = $2 OR name = '')
  AND ($3::int2 IS NULL OR kind = $3)`

// operationsLike lists the operations with a service, name and kind; nil is any. An operation
// whose spans have names of their own has no name, and is listed for every name.
func (s *Reader) operationsLike(ctx context.Context, service, name *string, kind *plait.SpanKind) (map[int64]dictionary.Operation, error) {
	found := make(map[int64]dictionary.Operation)
	var kindNumber *int16
	if kind != nil {
		n := int16(*kind)
		kindNumber = &n
	}
	err := pg.QueryRows(ctx, s.search, func(v [][]byte) {
		o, _ := dictionary.ScanOperation(v) // which cannot fail: it parses nothing
		found[rowcodec.Int8(v[0])] = o
	}, operationsSQL, pg.Planned, service, name, kindNumber)
	if err != nil {
		return nil, fmt.Errorf("list operations: %w", err)
	}
	return found, nil
}

// restrictOperations makes the filter ask for a service, name and kind.
func (s *Reader) restrictOperations(ctx context.Context, f *spanFilter, service, name string, kind *plait.SpanKind) error {
	if service == "" && name == "" && kind == nil {
		return nil
	}
	operations, err := s.operationsLike(ctx, pg.Optional(dictionary.Clip(rowcodec.CleanText(service))), pg.Optional(dictionary.Clip(rowcodec.CleanText(name))), kind)
	if err != nil {
		return err
	}
	f.name = name
	f.operations = []int64{}
	for id, o := range operations {
		if name != "" && o.Name != name {
			f.inline = append(f.inline, id)
		} else {
			f.operations = append(f.operations, id)
		}
	}
	return nil
}

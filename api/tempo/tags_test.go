package tempo

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

func TestKeysAndValuesAreListedThatNoneOfTheNewestTracesHas(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	rare := shopTrace()
	rare.Spans[0].Attributes = append(rare.Spans[0].Attributes, attr("rare", "here only"))
	if _, err := st.WriteTraces(t.Context(), rare); err != nil {
		t.Fatal(err)
	}
	newer := &plait.Traces{}
	for n := range 10 * tracesForValues {
		s := shopTrace().Spans[1]
		s.TraceID, s.Events, s.Links = plait.TraceID{0: 9, 14: byte(n >> 8), 15: byte(n)}, nil, nil
		s.StartNanos, s.EndNanos = s.StartNanos+int64(time.Second), s.EndNanos+int64(time.Second)
		newer.Spans = append(newer.Spans, s)
	}
	if _, err := st.WriteTraces(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	s := start(t, st)
	var tags tagsJSON
	if a := s.get(t, "/api/v2/search/tags?scope=span"); json.Unmarshal(a.body, &tags) != nil || !slices.Contains(tags.Scopes[0].Tags, "rare") {
		t.Errorf("%s", a.body)
	}
	for _, field := range []string{"span.rare", ".rare"} {
		var found struct{ TagValues []tagValue }
		a := s.get(t, "/api/v2/search/tag/"+field+"/values")
		if err := json.Unmarshal(a.body, &found); err != nil || !slices.Equal(found.TagValues, []tagValue{{typeString, "here only"}}) {
			t.Errorf("%s: %v, %s", field, err, a.body)
		}
	}
}

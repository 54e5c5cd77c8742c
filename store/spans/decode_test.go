package spans

import (
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/search"
)

func TestEventsAndLinksTakeOfAnAnswersRoom(t *testing.T) {
	t.Parallel()
	long := plait.Attributes{{Key: "text", Value: plait.StringValue(strings.Repeat("x", search.MaxBytes/100))}}
	for name, span := range map[string]plait.Span{
		"attributes": {Attributes: long},
		"an event":   {Events: []plait.Event{{Attributes: long}}},
		"a link":     {Links: []plait.Link{{Attributes: long}}},
		"a message":  {StatusMessage: long[0].Value.Str()},
	} {
		span.Resource = &plait.Resource{}
		spans := make([]plait.Span, 300)
		for i := range spans {
			spans[i] = span
		}
		memory := search.NewMemory(t.Context())
		if n := fittingSpans(&memory, spans); n < 90 || n > 100 {
			t.Errorf("%d spans of which each has %s of a hundredth of an answer fit", n, name)
		}
	}
}

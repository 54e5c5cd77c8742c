package evaltest

import (
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/plaithq/plait/query/traceql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestQueriesThatAreDrawnCanBeRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if text := DrawPipeline(t, 3); text != "" {
			if _, err := traceql.Parse(text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
	})
}

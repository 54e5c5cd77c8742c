package outbox_test

import (
	"slices"
	"testing"
	"time"

	"github.com/plaithq/plait/store/outbox"
)

// Rows are numbered in the order of their commits, so an old one may stand behind a young one.
func TestWhatIsStaleEndsBeforeTheFirstYoungRow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := newDatabase(t)
	d.register("a")
	stale := func(after outbox.Place) int64 {
		t.Helper()
		end, err := d.Stale(ctx, outbox.Traces, after, time.Hour)
		d.must(err)
		return end.Position
	}
	if got := stale(outbox.Place{}); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
	for _, name := range []string{"1", "2", "3", "4"} {
		d.write(name)
		d.must(d.Number(ctx, outbox.Traces))
	}
	if got := stale(outbox.Place{}); got != 0 {
		t.Errorf("of young rows: %d", got)
	}
	age := func(positions string) {
		t.Helper()
		_, err := d.pool.Exec(ctx, "UPDATE plait_store.outbox SET made_at = made_at - interval '2 hours' WHERE position IN "+positions)
		d.must(err)
	}
	age("(1, 2, 4)")
	if got := []int64{stale(outbox.Place{}), stale(outbox.Place{Position: 1}), stale(outbox.Place{Position: 2})}; !slices.Equal(got, []int64{2, 2, 2}) {
		t.Errorf("before a young row: %d", got)
	}
	age("(3)")
	if got := stale(outbox.Place{}); got != 4 {
		t.Errorf("of old rows only: %d", got)
	}
}

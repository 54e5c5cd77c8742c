package logs

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/plaithq/plait/store/search"
)

// TestWhatIsFoundHasNoGaps adds rows in any order, more than there is room for: those that are kept are the first of all.
func TestWhatIsFoundHasNoGaps(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 9))
	for _, ascending := range []bool{false, true} {
		for range 20 {
			f := found{wanted: 1000, ascending: ascending, memory: search.NewMemory(t.Context())}
			if !ascending {
				f.from = firstOf(1<<40, false)
			}
			const rows = 400
			body := strings.Repeat("x", 20_000+r.IntN(200_000))
			order := r.Perm(rows)
			if r.IntN(2) == 0 {
				for i := range order { // as a walk does: in runs
					order[i] = i
				}
			}
			for _, i := range order {
				at := int64(1 + i)
				if !ascending {
					at = rows - int64(i)
				}
				row := storedLog{body: body}
				row.micros = at
				f.add(&row)
			}
			f.sort()
			if f.dropped == (len(f.rows) == rows) {
				t.Fatalf("%d rows of %d are kept, dropped %v", len(f.rows), rows, f.dropped)
			}
			for i := range f.rows {
				want := int64(1 + i)
				if !ascending {
					want = rows - int64(i)
				}
				if f.rows[i].micros != want {
					t.Fatalf("row %d of %d is that of %d, want %d", i, len(f.rows), f.rows[i].micros, want)
				}
			}
		}
	}
}

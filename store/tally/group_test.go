package tally_test

import (
	"context"
	"testing"

	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/tally"
)

func TestEachCellIsUsedOnceInItsGroup(t *testing.T) {
	t.Parallel()
	const keys, cells = 70_000, 150_000 // more than wait and more than are remembered
	asked, used := map[int64]int{}, map[int]int64{}
	g := tally.Grouping[counts.LogCell, int64]{
		Key: func(c *counts.LogCell) int64 { return c.Resource }, Clone: func(c *counts.LogCell) counts.LogCell { return *c },
		Find: func(_ context.Context, keys []int64) ([]int, error) {
			groups := make([]int, len(keys))
			for i, key := range keys {
				asked[key]++
				if groups[i] = int(key % 3); groups[i] == 2 {
					groups[i] = tally.Outside
				}
			}
			return groups, nil
		},
		Use: func(group int, c *counts.LogCell) error {
			used[group] += c.Count
			return nil
		},
	}
	for i := range cells {
		c := counts.LogCell{LogKey: counts.LogKey{Resource: int64(i % keys)}, Count: 1}
		if err := g.Add(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[int]int64{}
	for i := range cells {
		if of := i % keys % 3; of < 2 {
			want[of]++
		}
	}
	if len(used) != 2 || used[0] != want[0] || used[1] != want[1] || len(asked) != keys {
		t.Errorf("cells are used %v, want %v; %d keys are asked for", used, want, len(asked))
	}
	for key, times := range asked {
		if times > 3 {
			t.Fatalf("key %d is asked for %d times", key, times)
		}
	}
}

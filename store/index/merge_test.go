package index

import "testing"

func TestAMergeTakesNoMoreHeadsThanItHasMemoryFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rows, bytes, want int }{
		{mergedRows, 1, 1}, {mergedRows / 2, 1, 2}, {1, mergedBytes, 1}, {1, 1, 10}, {mergedRows * 2, 1, 1},
	} {
		heads := make([]headInfo, 10)
		for i := range heads {
			heads[i] = headInfo{rows: c.rows, bytes: c.bytes}
		}
		if got := someHeads(heads); got != c.want {
			t.Errorf("of heads of %d rows and %d bytes a merge takes %d, want %d", c.rows, c.bytes, got, c.want)
		}
	}
}

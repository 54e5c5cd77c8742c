package terms

import (
	"context"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testHasher = NewHasher([32]byte{1, 2, 3})

// memory is a Source that counts.
type memory struct {
	bodies       map[int64][]byte
	reads, bytes int
}

func (m *memory) Read(_ context.Context, ranges []Range) ([][]byte, error) {
	m.reads++
	parts := make([][]byte, len(ranges))
	for i, r := range ranges {
		body := m.bodies[r.Segment]
		begin := min(max(r.At, 0), len(body))
		parts[i] = body[begin:min(begin+max(r.Size, 0), len(body))]
		m.bytes += len(parts[i])
	}
	return parts, nil
}

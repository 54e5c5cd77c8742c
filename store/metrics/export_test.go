package metrics

import "github.com/prometheus/prometheus/storage"

// CompactionLock is the lock of whoever compacts, for tests that hold it.
const CompactionLock = compactionLock

// OpenBytes is what a querier has read and keeps.
func OpenBytes(q storage.Querier) (bytes int) {
	for _, r := range q.(*querier).spent.readings {
		bytes += r.bytes
	}
	return bytes
}

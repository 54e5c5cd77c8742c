package metrics

// CompactionLock is the lock of whoever compacts, for tests that hold it.
const CompactionLock = compactionLock

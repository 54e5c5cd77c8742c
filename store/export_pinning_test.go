package store

// SetMaxPinned changes the bound of pinned traces.
func (s *Store) SetMaxPinned(n int) { s.maxPinned = n }

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/plaithq/plait/duration"
)

// moment is a time as a user writes it: how long ago ("15m", "1d", "2w", "now-1h"), "now", or
// RFC 3339.
type moment struct{ at time.Time }

// momentHelp says in a flag's help how a moment is written.
const momentHelp = "15m, 1d or 2w ago, or an RFC 3339 time such as 2026-11-21T10:00:00Z"

// UnmarshalText reads any of the spellings; those relative to now are meant from this call on.
func (m *moment) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "now" {
		m.at = time.Now()
		return nil
	}
	if ago, err := duration.Parse(strings.TrimPrefix(s, "now-")); err == nil {
		if ago < 0 {
			return fmt.Errorf("%q lies in the future", s)
		}
		m.at = time.Now().Add(-ago)
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("%q is neither a time ago such as 15m, 1d or 2w nor an RFC 3339 time such as 2026-11-21T10:00:00Z", s)
	}
	m.at = at
	return nil
}

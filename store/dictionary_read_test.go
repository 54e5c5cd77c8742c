package store

import (
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

func TestCachesOfDictionariesHoldBytesNotEntries(t *testing.T) {
	t.Parallel()
	readers := newEntryReaders(nil)
	long := strings.Repeat("x", 100_000)
	attributes := plait.Attributes{text("key", long)}
	for id := range int64(1000) {
		readers.resources.keep(id, &plait.Resource{Attributes: attributes})
		readers.scopes.keep(id, &plait.Scope{Name: long, Attributes: attributes})
		readers.operations.keep(id, storedOperation{name: long})
		readers.logClasses.keep(id, storedLogClass{eventName: long})
		readers.attributeSets.keep(id, attributes)
	}
	for what, c := range map[string]struct{ held, limit int }{
		"resources":      {readers.resources.cache.Len() * len(long), cachedResourceBytes},
		"scopes":         {readers.scopes.cache.Len() * 2 * len(long), cachedScopeBytes},
		"operations":     {readers.operations.cache.Len() * len(long), cachedOperationBytes},
		"log classes":    {readers.logClasses.cache.Len() * len(long), cachedLogClassBytes},
		"attribute sets": {readers.attributeSets.cache.Len() * len(long), cachedAttributeSetBytes},
	} {
		if c.held > c.limit || c.held == 0 {
			t.Errorf("the cache of %s holds %d bytes, want some, and at most %d", what, c.held, c.limit)
		}
	}
	if _, ok := readers.resources.cached(999); !ok {
		t.Error("the newest entry is gone")
	}
}

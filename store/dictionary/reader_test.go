package dictionary

import (
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest/shop"
)

func TestCachesOfDictionariesHoldBytesNotEntries(t *testing.T) {
	t.Parallel()
	readers := newEntryReaders(nil)
	long := strings.Repeat("x", 100_000)
	attributes := plait.Attributes{shop.Text("key", long)}
	for id := range int64(1000) {
		readers.Resources.keep(id, &plait.Resource{Attributes: attributes})
		readers.Scopes.keep(id, &plait.Scope{Name: long, Attributes: attributes})
		readers.Operations.keep(id, Operation{Name: long})
		readers.LogClasses.keep(id, LogClass{EventName: long})
		readers.AttributeSets.keep(id, attributes)
	}
	for what, c := range map[string]struct{ held, limit int }{
		"resources":      {readers.Resources.cache.Len() * len(long), cachedResourceBytes},
		"scopes":         {readers.Scopes.cache.Len() * 2 * len(long), cachedScopeBytes},
		"operations":     {readers.Operations.cache.Len() * len(long), cachedOperationBytes},
		"log classes":    {readers.LogClasses.cache.Len() * len(long), cachedLogClassBytes},
		"attribute sets": {readers.AttributeSets.cache.Len() * len(long), cachedAttributeSetBytes},
	} {
		if c.held > c.limit || c.held == 0 {
			t.Errorf("the cache of %s holds %d bytes, want some, and at most %d", what, c.held, c.limit)
		}
	}
	if _, ok := readers.Resources.cached(999); !ok {
		t.Error("the newest entry is gone")
	}
}

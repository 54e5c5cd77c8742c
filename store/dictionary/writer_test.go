package dictionary

import (
	"strings"
	"testing"
)

// A commit in haste relies on it: nobody reads what an upsert tells.
func TestEveryUpsertCanFailWhereItWouldTellOfAnotherContent(t *testing.T) {
	for name, upsert := range map[string]string{
		"resource": upsertResourcesSQL, "scope": upsertScopesSQL, "operation": UpsertOperationsSQL,
		"log_class": UpsertLogClassesSQL, "attribute_set": UpsertAttributeSetsSQL,
	} {
		if n := strings.Count(upsert, tellDifferentSQL); n != 1 {
			t.Errorf("the upsert of %s tells %d times", name, n)
		}
	}
}

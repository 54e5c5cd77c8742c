package dictionary

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/storetest/shop"
	"github.com/plaithq/plait/store/terms"
)

// chooserTest counts what a chooser does with records.
type chooserTest struct {
	*SetChooser
	t       *testing.T
	records int
	rest    int // bytes that stayed in rows
	sets    int
}

func newChooserTest(t *testing.T) *chooserTest {
	sets := NewWriter(NewInstruments(prometheus.NewRegistry()), make(Key, contentKeyBytes), "attribute_set", UpsertAttributeSetsSQL, KnownAttributeSets)
	sets.begin(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	return &chooserTest{SetChooser: NewSetChooser(sets, func() {}, terms.NewHasher([32]byte{}), NewKeys(), OfSpans), t: t}
}

// record splits a record, and checks that nothing of it was lost.
func (c *chooserTest) record(family int64, attributes plait.Attributes) {
	c.t.Helper()
	rest, id := c.Split(c.Family(family), attributes, nil, nil)
	both := map[string]any{}
	if id != 0 {
		p, pending := c.SetChooser.sets.pending[c.SetChooser.sets.taken[id]]
		if pending {
			c.sets++
			if err := json.Unmarshal([]byte(p.Texts[0]), &both); err != nil {
				c.t.Fatalf("set %s: %v", p.Texts[0], err)
			}
			inSet := len(both)
			if len(rest) > 0 {
				if err := json.Unmarshal(rest, &both); err != nil {
					c.t.Fatalf("rest %s: %v", rest, err)
				}
			}
			if want := len(attributes.Unique()); len(both) != want || inSet == 0 {
				c.t.Fatalf("%s and %s are %d attributes, want %d", p.Texts[0], rest, len(both), want)
			}
			c.SetChooser.sets.committed()
		}
	}
	c.records++
	c.rest += len(rest)
}

func (c *chooserTest) setsPerThousand() float64 { return 1000 * float64(c.sets) / float64(c.records) }

func TestSetsOfAShopHoldMostAttributesAndAreRare(t *testing.T) {
	c := newChooserTest(t)
	g := shop.NewGenerator(1, time.Unix(1_700_000_000, 0))
	whole := 0
	for range 500 {
		for _, s := range g.Traces(500).Spans {
			whole += len(rowcodec.AppendAttributes(nil, s.Attributes))
			c.record(int64(len(s.Resource.Service()))<<32|int64(s.Kind)<<16|int64(len(s.Name)), s.Attributes)
		}
	}
	t.Logf("%d records, %.1f new sets per thousand, %d of %d bytes left in rows", c.records, c.setsPerThousand(), c.rest/c.records, whole/c.records)
	if c.setsPerThousand() > 10 {
		t.Errorf("%.1f new sets per thousand records, want at most 10", c.setsPerThousand())
	}
	if 2*c.rest > whole {
		t.Errorf("%d bytes of %d left in rows, want less than half", c.rest, whole)
	}
}

func TestHostileValuesGetNoSets(t *testing.T) {
	c := newChooserTest(t)
	for i := range 100_000 {
		var attributes plait.Attributes
		for k := range 10 {
			attributes = append(attributes, shop.Text(fmt.Sprint("key", k), fmt.Sprint(i, k)))
		}
		c.record(1, attributes)
	}
	if c.sets != 0 {
		t.Errorf("%d sets, want none", c.sets)
	}
}

func TestHostileKeysAndFamiliesKeepMemoryBounded(t *testing.T) {
	c := newChooserTest(t)
	for i := range 200_000 {
		c.Begin()
		c.record(int64(i), plait.Attributes{shop.Text(fmt.Sprint("key", i), "value"), shop.Text("same", "value")})
		c.record(-1, plait.Attributes{shop.Text(fmt.Sprint("key", i), "value"), shop.Text("same", "value")})
	}
	held := 0
	for _, f := range c.families {
		held += familyBytes
		for i := range f.slots {
			held += slotBytes + 3*len(f.slots[i].key)
		}
	}
	if held != c.bytes || held > familyBudget+2*(familyBytes+2*(slotBytes+3*maxSetKey)) {
		t.Errorf("families of %d bytes are counted as %d, want at most %d", held, c.bytes, familyBudget)
	}
	if n := len(c.Family(-1).slots); n > maxFamilyKeys {
		t.Errorf("%d keys watched, want at most %d", n, maxFamilyKeys)
	}
	if c.sampled > sampleBudget+2*maxFamilyKeys*stages[2].rows || c.sampled < 0 {
		t.Errorf("%d hashes kept, want at most %d", c.sampled, sampleBudget)
	}
}

func TestAFamilyThatTurnsHostileLosesItsSetAndWinsItBack(t *testing.T) {
	c := newChooserTest(t)
	calm := func(i int) plait.Attributes {
		return plait.Attributes{shop.Text("route", fmt.Sprint("/r/", i%7)), shop.Text("status", fmt.Sprint(i%5)), shop.Text("id", fmt.Sprint(i))}
	}
	hostile := func(i int) plait.Attributes {
		return plait.Attributes{shop.Text("route", fmt.Sprint("/r/", i)), shop.Text("status", fmt.Sprint(i)), shop.Text("id", fmt.Sprint(i))}
	}
	for i := range 30_000 {
		c.record(1, calm(i))
	}
	if got := c.sets; got < 35 || got > 35+7+5+1 {
		t.Errorf("%d sets for 35 combinations", got)
	}
	before := c.sets
	for i := range 500_000 {
		c.record(1, hostile(i))
	}
	if got := c.sets - before; got > 2000 {
		t.Errorf("%d sets of 500,000 hostile records", got)
	}
	if c.Family(1).members != 0 {
		t.Error("a hostile family still has a set")
	}
	for i := range 700_000 {
		c.record(1, calm(i))
	}
	if c.Family(1).members == 0 {
		t.Error("a family that has calmed down has no set")
	}
}

func TestAKeyThatDriftsStaysInTheSet(t *testing.T) {
	c := newChooserTest(t)
	for i := range 200_000 { // a new version every 5,000 records
		c.record(1, plait.Attributes{shop.Text("version", fmt.Sprint("v", i/5000)), shop.Number("status", 200+i%3), shop.Number("id", i)})
	}
	if c.rest/c.records > len(`{"id":199999}`) {
		t.Errorf("%d bytes left in rows", c.rest/c.records)
	}
	if c.sets > 40*3*2 {
		t.Errorf("%d sets for 120 combinations", c.sets)
	}
}

func TestKeysThatTogetherExplodeAreNotTakenTogether(t *testing.T) {
	c := newChooserTest(t)
	next := uint64(1)
	random := func(n uint64) string {
		next = next*6364136223846793005 + 1442695040888963407
		return fmt.Sprint(next >> 33 % n)
	}
	for range 100_000 { // 16 values each, a million combinations
		var attributes plait.Attributes
		for k := range 5 {
			attributes = append(attributes, shop.Text(fmt.Sprint("key", k), random(16)))
		}
		c.record(1, attributes)
	}
	if c.setsPerThousand() > 20 {
		t.Errorf("%.1f new sets per thousand records", c.setsPerThousand())
	}
	if c.Family(1).members == 0 {
		t.Error("no key at all is in the set")
	}
}

func TestRepeatedKeysKeepTheirLastValue(t *testing.T) {
	c := newChooserTest(t)
	for range 1000 {
		c.record(1, plait.Attributes{shop.Text("a", "1"), shop.Text("b", "2"), shop.Text("a", "3")})
	}
	var many plait.Attributes
	for i := range 100 {
		many = append(many, shop.Text(fmt.Sprint("k", i%60), strings.Repeat("v", i)))
	}
	for range 1000 {
		c.record(2, many)
	}
	rest, _ := c.Split(c.Family(2), many, nil, nil)
	if strings.Count(string(rest), `"k59":`) != 1 {
		t.Errorf("rest %s", rest)
	}
}

func TestAContentWhoseIDStandsForAnotherGetsTheNext(t *testing.T) {
	d := NewWriter(NewInstruments(prometheus.NewRegistry()), make(Key, contentKeyBytes), "scope", upsertScopesSQL, 10)
	d.begin(time.Now())
	first := d.Add(Canonical("one"), Entry{})
	d.skip(first) // as the database told
	d.begin(time.Now())
	if _, state := d.Find(Canonical("one")); state != EntryAbsent {
		t.Errorf("state %v of an Entry that was not written", state)
	}
	second := d.Add(Canonical("one"), Entry{})
	if second == first {
		t.Error("the content has the id of another one again")
	}
	d.committed()
	if id, state := d.Find(Canonical("one")); state != EntryPresent || id != second {
		t.Errorf("id %d, state %v, want %d, present", id, state, second)
	}
}

func TestContentIDsDifferBetweenDatabasesAndDictionaries(t *testing.T) {
	key, other := make(Key, contentKeyBytes), make(Key, contentKeyBytes)
	other[31] = 1
	seen := map[int64]string{}
	for what, ids := range map[string]contentIDs{
		"resource": newContentIDs(key, "resource"), "scope": newContentIDs(key, "scope"), "another database": newContentIDs(other, "resource"),
	} {
		for n := range skipped(3) {
			id := ids.of(Canonical("content"), n)
			if before, ok := seen[id]; ok {
				t.Errorf("%s and %s give the same content the same id", what, before)
			}
			seen[id] = what
		}
	}
	a, b := newContentIDs(key, "resource"), newContentIDs(key, "resource")
	if a.of(Canonical("content"), 0) != b.of(Canonical("content"), 0) {
		t.Error("two gateways give one content two ids")
	}
}

func TestLongKeysAreNotWatched(t *testing.T) {
	c := newChooserTest(t)
	for i := range 100 {
		c.record(1, plait.Attributes{shop.Text(strings.Repeat("k", maxSetKey+1), "value"), shop.Text("same", fmt.Sprint(i%2))})
	}
	if n := len(c.Family(1).slots); n != 1 {
		t.Errorf("%d keys watched, want the short one alone", n)
	}
}

func TestAGroupOfHostileKeysKeepsMemoryBounded(t *testing.T) {
	c := newChooserTest(t)
	c.Begin()
	for i := range 100_000 {
		c.record(int64(i/maxFamilyKeys), plait.Attributes{shop.Text(fmt.Sprintf("%0200d", i), "value")})
	}
	families := 100_000 / maxFamilyKeys * familyBytes
	if c.bytes > familyBudget+families+2*maxSetKey*3 {
		t.Errorf("%d bytes of families in one group, want at most %d for keys", c.bytes, familyBudget)
	}
}

func TestAllowanceIsABurstAndATrickle(t *testing.T) {
	a, now := NewAllowance(3, 2), time.Unix(0, 0)
	taken := func() (n int) {
		for a.Take("shop", now) {
			n++
		}
		return n
	}
	for i, want := range []int{3, 2, 2} {
		if got := taken(); got != want {
			t.Errorf("hour %d: %d taken, want %d", i, got, want)
		}
		now = now.Add(time.Hour)
	}
	now = now.Add(1000 * time.Hour)
	if got := taken(); got != 3 {
		t.Errorf("%d taken after a long rest, want the burst of 3", got)
	}
}

package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// letters spells a number in letters.
func letters(i int) string {
	return strings.Map(func(r rune) rune { return r + 'g' - '0' }, fmt.Sprint(i))
}

func TestBodiesThatVaryInWordsHaveAPattern(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, other, conn := storetest.Open(t, url), storetest.Open(t, url), connect(t, url)
	now := time.Now().Truncate(time.Minute)
	const each = 3000
	for g, gateway := range []*store.Store{s, other} {
		logs := &plait.Logs{}
		for i := range each {
			body := "user " + letters(i) + " logged in from " + letters(i*7+g) + " today"
			logs.Records = append(logs.Records, record(plait.TraceID{}, 0, "login", body, now, time.Duration(i%30)*time.Minute))
			logs.Records = append(logs.Records, record(plait.TraceID{}, 0, "shop", "order "+fmt.Sprint(i)+" paid", now, 0))
		}
		if _, err := gateway.WriteLogs(t.Context(), logs); err != nil {
			t.Fatal(err)
		}
	}
	of := func(service string, step time.Duration) []query.LogPattern {
		found, err := s.LogPatterns(t.Context(), query.LogPatterns{
			Range: plait.TimeRange{From: now.Add(-29*time.Minute - time.Second), To: now.Add(time.Second)}, Step: step,
			Of: func(r *plait.Resource) bool { return r.Service() == service },
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range found {
			if age := time.Since(found[i].FirstSeen); age < -time.Minute || age > 10*time.Minute {
				t.Errorf("%q was first seen at %s", found[i].Pattern, found[i].FirstSeen)
			}
			found[i].FirstSeen = time.Time{}
		}
		return found
	}
	want := []query.LogPattern{{Service: "shop", Pattern: "order <_> paid", Level: "info", Count: 2 * each, Steps: []query.PatternStep{{Start: now.UTC(), Count: 2 * each}}}}
	if diff := gocmp.Diff(want, of("shop", time.Minute)); diff != "" {
		t.Error(diff)
	}
	found := of("login", 10*time.Minute)
	if len(found) == 0 || found[0].Pattern != "user <_> logged in from <_> today" || found[0].Count < 2*each-10 {
		t.Errorf("%.500v", found)
	} else if steps := found[0].Steps; len(steps) < 3 || len(steps) > 4 || steps[0].Start.UnixNano()%int64(10*time.Minute) != 0 {
		t.Errorf("%+v", steps)
	}
	// A record with a pattern is found by its words.
	for _, word := range []string{letters(2999), "logged"} {
		records, _, err := s.Logs(t.Context(), query.Logs{Condition: query.LogLine("login", word), Page: query.Page{Limit: 1}})
		if err != nil || len(records) != 1 {
			t.Errorf("%s: %d records, %v", word, len(records), err)
		}
	}
	if n := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.log_class WHERE pattern <> ''`); n == 0 || n > 20 {
		t.Errorf("%d classes have a pattern", n)
	}
}

func TestAPatternOfAnEarlierVersionWasSeenAtNoKnownTime(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	if _, err := s.WriteLogs(t.Context(), &plait.Logs{Records: []plait.LogRecord{record(plait.TraceID{}, 0, "shop", "order paid", now, 0), record(plait.TraceID{}, 0, "shop", "", now, 0)}}); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, `UPDATE plait_store.log_class SET first_seen = '-infinity'`)
	found, err := s.LogPatterns(t.Context(), query.LogPatterns{Range: plait.TimeRange{From: now, To: now.Add(time.Second)}})
	if err != nil || len(found) != 2 || !found[0].FirstSeen.IsZero() {
		t.Errorf("%+v, %v", found, err)
	}
}

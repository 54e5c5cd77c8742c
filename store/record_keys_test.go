package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/migrations"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func labelField(label string) condition.Field {
	return condition.Field{Name: condition.LogAttribute, Key: label, Lookup: condition.LookupLabel}
}

// withAttributes writes records each of which has one attribute, after many that have none.
func withAttributes(t *testing.T, s *store.Store, now time.Time, attributes plait.Attributes) {
	t.Helper()
	var records []plait.LogRecord
	for i := range 200 {
		records = append(records, record(plait.TraceID{1, byte(i)}, 1, "web", "said", now, time.Minute))
	}
	for i := range attributes {
		r := record(plait.TraceID{2, byte(i >> 8), byte(i)}, 1, "web", "said", now, time.Minute)
		r.Attributes = attributes[i : i+1]
		records = append(records, r)
	}
	writeLogs(t, s, records...)
}

// findLabels fails where a label does not find the one record that has it.
func findLabels(t *testing.T, s *store.Store, now time.Time, text string, labels ...string) {
	t.Helper()
	for _, label := range labels {
		found, _, err := s.Logs(t.Context(), query.Logs{Condition: equal(labelField(label), condition.Text(text)), Range: plait.TimeRange{From: now.Add(-time.Hour), To: now}})
		if err != nil || len(found) != 1 {
			t.Errorf("%d records have %.40s, error %v", len(found), label, err)
		}
	}
}

func TestRecordsAreFoundByTheLabelsThatTheirKeysReadAs(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := storetest.New(t, storetest.Now(func() time.Time { return now }))
	long := strings.Repeat("é", 400) + "long"
	withAttributes(t, s, now, plait.Attributes{
		strAttribute("user.id", "x"), strAttribute("user-name", "x"), strAttribute("nul\x00key", "x"), strAttribute("é.accent", "x"), strAttribute("_own", "x"), strAttribute(long, "x"),
		{Key: "a", Value: plait.MapValue(`{"b":{"c.d":"x"}}`)}, {Key: "", Value: plait.MapValue(`{"inner":"x"}`)}, {Key: "a.e", Value: plait.MapValue(`{"f":"x"}`)},
	})
	findLabels(t, s, now, "x", "user_id", "user_name", "nul_key", "__accent", "_own", strings.Repeat("_", 400)+"long", "a_b_c_d", "_inner", "a_e_f")
}

func TestRecordsAreFoundWhereMoreKeysCameThanAreListed(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]plait.Value{"of texts": plait.StringValue("x"), "of maps": plait.MapValue(`{"id":"x"}`)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			s := storetest.New(t, storetest.Now(func() time.Time { return now }))
			var attributes plait.Attributes
			for i := range 2500 {
				attributes = append(attributes, plait.Attribute{Key: fmt.Sprintf("key.%d", i), Value: value})
			}
			withAttributes(t, s, now, attributes)
			inner := ""
			if value.Kind() == plait.KindMap {
				inner = "_id"
			}
			findLabels(t, s, now, "x", "key_0"+inner, "key_2499"+inner)
		})
	}
}

func TestKeysOfRecordsOfBeforeAreNotTakenForAll(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	now := time.Now()
	s := storetest.Open(t, url, storetest.Now(func() time.Time { return now }))
	withAttributes(t, s, now, plait.Attributes{strAttribute("user.id", "x")})
	s.Close()
	conn := connect(t, url)
	for _, file := range []string{"000019_log_keys.down.sql", "000019_log_keys.up.sql"} {
		statement, err := migrations.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), string(statement)); err != nil {
			t.Fatal(err)
		}
	}
	findLabels(t, storetest.Open(t, url), now, "x", "user_id")
}

package loki

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
)

type patternsAnswer struct{ Data []pattern }

// logins writes an hour's records of a service, of which 2,500 differ in words.
func logins(t *testing.T, s *server) {
	t.Helper()
	of := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "login")}}
	var records []plait.LogRecord
	for i := range 5000 {
		body, severity := fmt.Sprintf("payment %x refused after %d ms", i*7919, i), plait.SeverityNumber(17)
		if i%2 == 0 {
			body, severity = fmt.Sprintf("user %s logged in from the web", name(i)), 9
		}
		records = append(records, plait.LogRecord{TimeNanos: base.Add(-time.Duration(i%60) * time.Minute).UnixNano(), Resource: of, Body: plait.StringValue(body), Severity: severity})
	}
	for at := range 5 {
		s.write(t, records[at*1000:at*1000+1000]...)
	}
}

// name is a word of letters.
func name(i int) string {
	var b strings.Builder
	for range 4 {
		b.WriteByte("bdfgklmnprstvz"[i%14])
		b.WriteByte("aeiou"[i%5])
		i /= 14
	}
	return b.String()
}

func TestPatternsAreCountedOverHours(t *testing.T) {
	t.Parallel()
	s := start(t)
	logins(t, s)
	within := []string{"start", fmt.Sprint(base.Add(-59 * time.Minute).Unix()), "end", fmt.Sprint(base.Add(time.Minute).Unix())}
	found := answered[patternsAnswer](t, s, "patterns", `{service_name="login"}`, append(within, "step", "600")...).Data
	if len(found) != 2 {
		t.Fatalf("%+v", found)
	}
	want := []pattern{{Pattern: "payment <_> refused after <_> ms", Level: "error"}, {Pattern: "user <_> logged in from the web", Level: "info"}}
	for i := range found {
		total := int64(0)
		for _, sample := range found[i].Samples {
			total += sample[1]
			if sample[0]%600 != 0 || sample[1] > 450 {
				t.Errorf("%s: sample %v", found[i].Pattern, sample)
			}
		}
		if total < 2490 || total > 2500 || len(found[i].Samples) < 6 {
			t.Errorf("%s has %d lines in %d steps", found[i].Pattern, total, len(found[i].Samples))
		}
		found[i].Samples = nil
		params := append([]string{"limit", "5000"}, within...)
		if lines := s.lines(t, fmt.Sprintf("{service_name=\"login\"} |> `%s`", found[i].Pattern), params...); len(lines) != 2500 {
			t.Errorf("%s fits %d lines", found[i].Pattern, len(lines))
		}
	}
	if diff := gocmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func TestPatternsAreThoseOfAQuery(t *testing.T) {
	t.Parallel()
	s := start(t)
	shop(t, s)
	for query, want := range map[string]string{
		`{service_name="cart"}`:                                      `[{"pattern":"payment refused","level":"error","samples":[[1795255320,1]]},{"pattern":"{\"order\":\"<_>\",\"took\":\"<_>\"}","level":"info","samples":[[1795255260,1]]}]`,
		`{k8s_pod_name="p-1"} | detected_level="error"`:              `[{"pattern":"payment refused","level":"error","samples":[[1795255320,1]]}]`,
		`{service_name=~".+"} |= "card"`:                             `[{"pattern":"card declined","level":"warn","samples":[[1795255380,1]]}]`,
		`{service_name="nobody"}`:                                    `[]`,
		`{service_name="pay"} | drop __error__ | detected_level=~""`: `[]`,
	} {
		answer := answered[struct{ Data json.RawMessage }](t, s, "patterns", query, "step", "60")
		if string(answer.Data) != want {
			t.Errorf("%s: %s, want %s", query, answer.Data, want)
		}
	}
}

package api

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// beforeFault is how long before the time that is noted a fault may have begun (see the recording's own page).
const beforeFault = time.Minute

// firstSpikes are how many spikes are looked at.
const firstSpikes = 5

// A fault is found by what is usual in the baseline of its day. Where the spans and records of the faulty service are no
// different, as behind a network that is slow or an exception that nobody logs, its callers are what rises.
func TestSpikesNameTheFaultyService(t *testing.T) {
	t.Parallel()
	days := map[string][]recordedCase{}
	for _, c := range recording(t) {
		day := filepath.Dir(c.folder)
		days[day] = append(days[day], c)
	}
	faulty, named := 0, []string{}
	for day, cases := range days {
		g := recordedGateway(t, cases)
		for _, c := range cases {
			name := filepath.Base(day) + "/" + filepath.Base(c.folder)
			said := firstSpikesOf(t, g, c)
			if c.Fault == nil {
				if len(said) > 0 {
					t.Errorf("%s: a healthy window has spikes: %s", name, strings.Join(said, "; "))
				}
				continue
			}
			t.Logf("%s, %s of %s: %s", name, c.Fault.Type, c.Fault.Service, strings.Join(said, "; "))
			faulty++
			if slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, " of "+c.Fault.Service+" ") }) {
				named = append(named, name)
			}
		}
	}
	if t.Logf("the faulty service is named in %s", strings.Join(named, ", ")); 2*len(named) <= faulty && faulty > 0 {
		t.Errorf("the faulty service is named in %d of %d cases only", len(named), faulty)
	}
}

// firstSpikesOf tells the spikes of a case that are furthest from their usual.
func firstSpikesOf(t *testing.T, g *gateway, c recordedCase) (said []string) {
	t.Helper()
	from, to := time.Unix(0, c.Start), time.Unix(0, c.End)
	if c.Fault != nil {
		from = injected(t, c).Add(-beforeFault)
	}
	answer := answerOf[spikesAnswer](t, g, root+"/spikes?"+url.Values{
		"start": {from.UTC().Format(time.RFC3339Nano)}, "end": {to.UTC().Format(time.RFC3339Nano)}, "limit": {strconv.Itoa(firstSpikes)},
	}.Encode())
	slices.SortFunc(answer.Spikes, func(a, b spike) int { return a.Rank - b.Rank })
	for _, s := range answer.Spikes {
		said = append(said, fmt.Sprintf("%s of %s %s", s.Kind, s.Service, s.Name))
	}
	return said
}

// injected is when the fault was injected.
func injected(t *testing.T, c recordedCase) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05Z", c.Fault.At)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

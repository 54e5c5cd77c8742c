package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/recent"
)

// seriesBytes bounds the label sets in memory, some 600 bytes each.
const seriesBytes = 96 << 20

// seriesCache remembers label sets by id. It is not written when it is read, which happens once for
// every sample.
type seriesCache struct {
	mu      sync.RWMutex
	entries *recent.Map[int64, *seriesEntry]
}

// seriesEntry is a label set in the form that PromQL wants.
type seriesEntry struct {
	labels   labels.Labels
	lastUsed int32 // day on which the dictionary says so
	// shared is the first label of a set that was found equal. Decoders that remember names
	// hand out the same slice again and again.
	shared atomic.Pointer[plait.Label]
}

// bytes is what an entry keeps in memory: its labels, and those that it shares with a decoder.
func (e *seriesEntry) bytes() int {
	const own, label = int(unsafe.Sizeof(seriesEntry{})), int(unsafe.Sizeof(plait.Label{}))
	return own + 2*int(e.labels.ByteSize()) + label*e.labels.Len()
}

func newSeriesCache() *seriesCache {
	return &seriesCache{entries: recent.New(seriesBytes, func(_ int64, e *seriesEntry) int { return e.bytes() })}
}

// reading calls use with a function that looks entries up, nil for those that are not here.
// Entries do not change.
func (c *seriesCache) reading(use func(get func(int64) *seriesEntry)) {
	renewed := map[int64]*seriesEntry{}
	c.mu.RLock()
	use(func(id int64) *seriesEntry {
		e, young, ok := c.entries.Peek(id)
		if ok && !young {
			renewed[id] = e
		}
		return e
	})
	c.mu.RUnlock()
	for id, e := range renewed {
		c.add(id, e)
	}
}

func (c *seriesCache) add(id int64, e *seriesEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Put(id, e)
}

const (
	millisPerDay = 86_400_000
	nameLabel    = plait.NameLabel
)

// today is the day in UTC, counted from 1970-01-01.
func (db *DB) today() int32 { return int32(db.now().UnixMilli() / millisPerDay) }

func dayTime(day int32) time.Time { return time.UnixMilli(int64(day) * millisPerDay).UTC() }

func sameLabels(a plait.Labels, b labels.Labels) bool {
	i, same := 0, true
	b.Range(func(l labels.Label) {
		same = same && i < len(a) && a[i].Name == l.Name && a[i].Value == l.Value
		i++
	})
	return same && i == len(a)
}

// promLabels copies a label set.
func promLabels(ls plait.Labels) labels.Labels {
	b := labels.NewScratchBuilder(len(ls))
	for _, l := range ls {
		b.Add(l.Name, l.Value)
	}
	b.Sort()
	return b.Labels()
}

// plaitLabels is the inverse of promLabels.
func plaitLabels(ls labels.Labels) plait.Labels {
	out := make(plait.Labels, 0, ls.Len())
	ls.Range(func(l labels.Label) { out = append(out, plait.Label{Name: l.Name, Value: l.Value}) })
	return out
}

// labelsJSON writes all labels but the name as one JSON object.
func labelsJSON(ls plait.Labels) string {
	b := make([]byte, 0, 256)
	b = append(b, '{')
	for _, l := range ls {
		if l.Name == nameLabel {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = plait.AppendJSONString(b, l.Name)
		b = append(b, ':')
		b = plait.AppendJSONString(b, l.Value)
	}
	return string(append(b, '}'))
}

// Four statements, and no conditions that are switched off by parameters: those would hide
// the indexes from a plan that is made once.
const (
	seriesOfMetricsSQL = `SELECT id FROM plait_store.series WHERE metric = ANY ($1::text[])`

	seriesOfMetricsWithLabelsSQL = `SELECT id FROM plait_store.series WHERE metric = ANY ($1::text[]) AND labels @> $2::jsonb`

	seriesWithLabelsSQL = `SELECT id FROM plait_store.series WHERE labels @> $1::jsonb`

	allSeriesSQL = `SELECT id FROM plait_store.series`

	readSeriesSQL = `SELECT id, metric, labels::text, last_used FROM plait_store.series WHERE id = ANY ($1::int8[])`
)

// series in memory that a selector chose.
type selected struct {
	ids    []int64
	labels []labels.Labels
}

// selectSeries finds the series that match, in any order. What indexes can do is done by the
// database, regular expressions and negations here, with Prometheus's own code.
func (db *DB) selectSeries(ctx context.Context, matchers []*labels.Matcher, spent *spending) (selected, error) {
	ids, err := db.candidates(ctx, matchers)
	if err != nil {
		return selected{}, err
	}
	return db.matching(ctx, ids, matchers, spent)
}

// candidates returns the series that the database finds: all that match, and others.
func (db *DB) candidates(ctx context.Context, matchers []*labels.Matcher) ([]int64, error) {
	sql, args := seriesStatement(matchers)
	rows, err := db.config.Read.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("select series: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("select series: %w", err)
	}
	return ids, nil
}

func seriesStatement(matchers []*labels.Matcher) (string, []any) {
	var metrics []string
	equal := map[string]string{}
	for _, m := range matchers {
		switch {
		case m.Name == nameLabel && m.Type == labels.MatchEqual && m.Value != "":
			metrics = []string{m.Value}
		case m.Name == nameLabel && m.Type == labels.MatchRegexp && metrics == nil && !m.Matches(""):
			metrics = m.SetMatches()
		case m.Name != nameLabel && m.Type == labels.MatchEqual && m.Value != "" && storable(m.Name) && storable(m.Value):
			equal[m.Name] = m.Value
		}
	}
	if len(equal) == 0 {
		if len(metrics) == 0 {
			return allSeriesSQL, nil
		}
		return seriesOfMetricsSQL, []any{metrics}
	}
	text, err := json.Marshal(equal)
	if err != nil {
		panic(err) // a map of strings has no other form
	}
	if len(metrics) == 0 {
		return seriesWithLabelsSQL, []any{string(text)}
	}
	return seriesOfMetricsWithLabelsSQL, []any{metrics, string(text)}
}

// storable says whether jsonb can hold the text; what it cannot hold matches no stored series.
func storable(s string) bool { return strings.ToValidUTF8(s, "") == s && !strings.Contains(s, "\x00") }

// matchBlock is how many series have their labels in memory to be matched: of 16 KiB at most.
const matchBlock = 1000

// matching keeps the ids whose labels match.
func (db *DB) matching(ctx context.Context, ids []int64, matchers []*labels.Matcher, spent *spending) (out selected, err error) {
	for block := range slices.Chunk(ids, matchBlock) {
		found, err := db.labelsOf(ctx, block)
		if err != nil {
			return selected{}, err
		}
		for i, id := range block {
			if found[i].IsEmpty() || !matchesAll(found[i], matchers) {
				continue
			}
			if err := spent.choose(selectedBytes + int(found[i].ByteSize())); err != nil {
				return selected{}, err
			}
			out.ids = append(out.ids, id)
			out.labels = append(out.labels, found[i])
		}
	}
	return out, nil
}

func matchesAll(ls labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

// labelsOf returns the label sets of ids, empty for those that are gone.
func (db *DB) labelsOf(ctx context.Context, ids []int64) ([]labels.Labels, error) {
	found := make([]labels.Labels, len(ids))
	missing := map[int64][]int{}
	db.series.reading(func(get func(int64) *seriesEntry) {
		for i, id := range ids {
			if e := get(id); e != nil {
				found[i] = e.labels
			} else {
				missing[id] = append(missing[id], i)
			}
		}
	})
	if len(missing) == 0 {
		return found, nil
	}
	wanted := make([]int64, 0, len(missing))
	for id := range missing {
		wanted = append(wanted, id)
	}
	rows, err := db.config.Read.Query(ctx, readSeriesSQL, wanted)
	if err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	var id int64
	var metric, text string
	var lastUsed time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &metric, &text, &lastUsed}, func() error {
		ls, err := parseLabels(metric, text)
		if err != nil {
			return fmt.Errorf("series %d: %w", id, err)
		}
		for _, i := range missing[id] {
			found[i] = ls
		}
		db.series.add(id, &seriesEntry{labels: ls, lastUsed: int32(lastUsed.UnixMilli() / millisPerDay)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	return found, nil
}

func parseLabels(metric, text string) (labels.Labels, error) {
	var all map[string]string
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return labels.EmptyLabels(), err
	}
	b := labels.NewScratchBuilder(len(all) + 1)
	b.Add(nameLabel, metric)
	for name, value := range all {
		b.Add(name, value)
	}
	b.Sort()
	return b.Labels(), nil
}

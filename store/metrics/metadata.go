package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/pgerror"
)

// metadataCache remembers what the database has been told today, so that a family's type and
// help, which come with every sample, are written once.
type metadataCache struct {
	mu    sync.Mutex
	day   int32
	known *recent.Map[string, plait.MetricMetadata]
}

const (
	metadataBytes = 8 << 20 // of the cache, some 40,000 families as a rule
	maxHelpBytes  = 4 << 10 // of a help text, a type or a unit
)

func newMetadataCache() *metadataCache {
	return &metadataCache{known: recent.New(metadataBytes, func(_ string, m plait.MetricMetadata) int { return textBytes(m) })}
}

// textBytes is what the texts of metadata hold.
func textBytes(m plait.MetricMetadata) int {
	return len(m.Metric) + len(m.Type) + len(m.Help) + len(m.Unit)
}

// unknown returns copies of what is new or has changed.
func (c *metadataCache) unknown(all []plait.MetricMetadata, today int32) []plait.MetricMetadata {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.day != today {
		c.known.Clear()
		c.day = today
	}
	var fresh []plait.MetricMetadata
	for _, m := range all {
		if old, ok := c.known.Get(m.Metric); ok && old == clipped(m) {
			continue
		}
		if len(m.Metric) > maxIndexedName {
			continue // its series are refused with the reason
		}
		fresh = append(fresh, cloneMetadata(clipped(m)))
	}
	return fresh
}

func (c *metadataCache) remember(told []plait.MetricMetadata, today int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.day != today {
		return
	}
	for _, m := range told {
		c.known.Put(m.Metric, m)
	}
}

// Describe tells what is known of families of metrics: what the batches bring, and what came before today. It belongs to one goroutine.
func (db *DB) Describe(batches []*Batch) plait.Describe {
	fresh := map[string]plait.MetricMetadata{}
	for _, b := range batches {
		for _, m := range b.metadata {
			fresh[m.Metric] = m
		}
	}
	return func(metric string) (plait.MetricMetadata, bool) {
		if m, ok := fresh[metric]; ok {
			return m, true
		}
		return db.metadata.get(metric)
	}
}

func (c *metadataCache) get(metric string) (plait.MetricMetadata, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known.Get(metric)
}

func clipped(m plait.MetricMetadata) plait.MetricMetadata {
	clip := func(s string) string {
		if len(s) <= maxHelpBytes {
			return s
		}
		end := maxHelpBytes
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		return s[:end]
	}
	m.Help, m.Unit, m.Type = clip(m.Help), clip(m.Unit), plait.MetricType(clip(string(m.Type)))
	return m
}

func cloneMetadata(m plait.MetricMetadata) plait.MetricMetadata {
	clean := func(s string) string {
		return strings.ReplaceAll(strings.ToValidUTF8(strings.Clone(s), "\ufffd"), "\x00", "\ufffd")
	}
	return plait.MetricMetadata{Metric: clean(m.Metric), Type: plait.MetricType(clean(string(m.Type))), Help: clean(m.Help), Unit: clean(m.Unit)}
}

// What says nothing does not replace what says something.
const writeMetadataSQL = `
INSERT INTO plait_store.metric_metadata AS m (metric, type, help, unit, last_used)
SELECT metric, type, help, unit, $5
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS u(metric, type, help, unit)
ORDER BY metric
ON CONFLICT (metric) DO UPDATE SET
    type = CASE WHEN excluded.type IN ('', 'unknown') THEN m.type ELSE excluded.type END,
    help = coalesce(nullif(excluded.help, ''), m.help),
    unit = coalesce(nullif(excluded.unit, ''), m.unit),
    last_used = excluded.last_used`

func writeMetadata(ctx context.Context, conn *pgx.Conn, told []plait.MetricMetadata, today time.Time) error {
	if len(told) == 0 {
		return nil
	}
	told = slices.Clone(told)
	slices.SortStableFunc(told, func(a, b plait.MetricMetadata) int { return cmp.Compare(a.Metric, b.Metric) })
	told = slices.CompactFunc(told, func(a, b plait.MetricMetadata) bool { return a.Metric == b.Metric })
	var columns [4][]string
	for _, m := range told {
		for i, v := range []string{m.Metric, string(m.Type), m.Help, m.Unit} {
			columns[i] = append(columns[i], v)
		}
	}
	if _, err := conn.Exec(ctx, writeMetadataSQL, columns[0], columns[1], columns[2], columns[3], today); err != nil {
		return fmt.Errorf("write metadata of metrics: %w", err)
	}
	return nil
}

const (
	metadataSQL = `
SELECT metric, type, help, unit
FROM plait_store.metric_metadata
WHERE $1 = '' OR metric = $1
ORDER BY metric
LIMIT $2`

	metricTypeSQL = `SELECT type FROM plait_store.metric_metadata WHERE metric = $1`
)

// maxMetadataAnswer bounds the texts of an answer in bytes.
const maxMetadataAnswer = 8 << 20

// Metadata returns what is known of a metric family, or of all when metric is empty, in order of
// their names: at most limit of them, of 8 MiB together. It is whole unless the latter left some out.
func (db *DB) Metadata(ctx context.Context, metric string, limit int) (all []plait.MetricMetadata, whole bool, err error) {
	ctx, cancel := context.WithCancel(ctx) // where it ends early, nobody reads the rest
	defer cancel()
	rows, err := db.config.Read.Query(ctx, metadataSQL, metric, limit)
	if err != nil {
		return nil, false, fmt.Errorf("read metadata of metrics: %w", pgerror.Read(err))
	}
	defer rows.Close()
	bytes := 0
	for rows.Next() {
		m, err := pgx.RowToStructByPos[plait.MetricMetadata](rows)
		if err != nil {
			return nil, false, fmt.Errorf("read metadata of metrics: %w", pgerror.Read(err))
		}
		if bytes += textBytes(m); bytes > maxMetadataAnswer {
			cancel()
			return all, false, nil
		}
		all = append(all, m)
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("read metadata of metrics: %w", pgerror.Read(err))
	}
	return all, true, nil
}

// MetricType returns the type of a metric family, plait.MetricUnknown when nobody told.
func (db *DB) MetricType(ctx context.Context, metric string) (plait.MetricType, error) {
	var t plait.MetricType
	err := db.config.Read.QueryRow(ctx, metricTypeSQL, metric).Scan(&t)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && t == "" {
		return plait.MetricUnknown, nil
	}
	if err != nil {
		return "", fmt.Errorf("read the type of %s: %w", metric, pgerror.Read(err))
	}
	return t, nil
}

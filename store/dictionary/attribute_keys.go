package dictionary

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

// KeyPlace says where the attributes with a key stand.
type KeyPlace int16

// The places, as the table has them.
const (
	SpanKeys KeyPlace = iota + 1
	EventKeys
	LinkKeys
	LogKeys
	LogMapKeys // those of log records that have had a map as their value
)

// KeyPlaces are where a SetChooser takes note of keys. Those of maps are noted twice, unless Maps is 0.
type KeyPlaces struct{ Keys, Maps KeyPlace }

// The places of attributes that have sets.
var (
	OfSpans = KeyPlaces{Keys: SpanKeys}
	OfLogs  = KeyPlaces{Keys: LogKeys, Maps: LogMapKeys}
)

// unlisted stands among the keys of log records for others that are not listed. It is the key of no attribute that is.
const unlisted = ""

// Of each place a gateway may bring so many new keys at once, and so many more an hour. Telemetry has some hundred; one that
// has an id in its keys would fill every list.
const (
	keysBurst   = 2000
	keysPerHour = 200

	// knownKeysBytes bounds the keys that are remembered as written.
	knownKeysBytes = 1 << 20
)

const upsertKeysSQL = `
INSERT INTO plait_store.attribute_key AS k (place, key, last_used)
SELECT place, key, $3::date
FROM unnest($1::int2[], $2::text[]) AS g (place, key)
ORDER BY place, key
ON CONFLICT (place, key) DO UPDATE SET last_used = excluded.last_used WHERE k.last_used < excluded.last_used`

// Keys tells the database which keys attributes have. It belongs to one committer and has no lock.
type Keys struct {
	now     time.Time
	today   partition.Day
	round   uint32 // in which each key has to be seen again: a new one begins with the day, and when a commit fails
	known   *recent.Map[placedKey, partition.Day]
	pending map[placedKey]struct{}
	allowed *Allowance
}

type placedKey struct {
	place KeyPlace
	key   string
}

func (k placedKey) compare(other placedKey) int {
	return cmp.Or(cmp.Compare(k.place, other.place), cmp.Compare(k.key, other.key))
}

// NewKeys makes one that knows nothing yet.
func NewKeys() *Keys {
	return &Keys{
		known:   recent.New(knownKeysBytes, func(k placedKey, _ partition.Day) int { return len(k.key) }),
		pending: make(map[placedKey]struct{}),
		allowed: NewAllowance(keysBurst, keysPerHour),
	}
}

// Begin starts a group.
func (k *Keys) Begin(now time.Time) {
	if day := partition.DayOf(now); day != k.today {
		k.today = day
		k.round++
	}
	k.now = now
	clear(k.pending)
}

// See takes note of a key. Of log records it is told where one is not listed.
func (k *Keys) See(place KeyPlace, key string) {
	if key == "" || len(key) > MaxIndexedText {
		return
	}
	seen := placedKey{place, rowcodec.CleanText(key)}
	day, known := k.known.Get(seen)
	if known && day >= k.today {
		return
	}
	if _, ok := k.pending[seen]; ok {
		return
	}
	if !known && !k.allowed.Take(places[place], k.now) {
		if place == LogKeys || place == LogMapKeys {
			k.tellUnlisted(place)
		}
		return
	}
	seen.key = strings.Clone(seen.key)
	k.pending[seen] = struct{}{}
}

func (k *Keys) tellUnlisted(place KeyPlace) {
	told := placedKey{place, unlisted}
	if day, known := k.known.Get(told); !known || day < k.today {
		k.pending[told] = struct{}{}
	}
}

// places are the sources of an allowance.
var places = map[KeyPlace]string{SpanKeys: "span", EventKeys: "event", LinkKeys: "link", LogKeys: "log", LogMapKeys: "log map"}

// Queue adds the statement that writes down what the database does not know.
func (k *Keys) Queue(batch *pgx.Batch) {
	if len(k.pending) == 0 {
		return
	}
	sorted := make([]placedKey, 0, len(k.pending))
	for seen := range k.pending {
		sorted = append(sorted, seen)
	}
	slices.SortFunc(sorted, placedKey.compare) // as in Writer.queue
	numbers, keys := make([]int16, len(sorted)), make([]string, len(sorted))
	for i, seen := range sorted {
		numbers[i], keys[i] = int16(seen.place), seen.key
	}
	batch.Queue(upsertKeysSQL, numbers, keys, k.today.Time())
}

// Ended tells whether what was queued is in the database.
func (k *Keys) Ended(committed bool) {
	if !committed {
		k.round++
	} else {
		for seen := range k.pending {
			k.known.Put(seen, k.today)
		}
	}
	clear(k.pending)
}

const listKeysSQL = `
SELECT p.place, k.key
FROM unnest($1::int2[]) AS p (place)
CROSS JOIN LATERAL (SELECT key FROM plait_store.attribute_key a WHERE a.place = p.place ORDER BY key LIMIT $2) k`

// ListKeys lists the keys of attributes of spans, events and links by place, in order, at most limit of each.
func ListKeys(ctx context.Context, pool *pgxpool.Pool, limit int) (map[KeyPlace][]string, error) {
	of := map[KeyPlace][]string{}
	err := pg.QueryRows(ctx, pool, func(v [][]byte) {
		place := KeyPlace(rowcodec.Int2(v[0]))
		of[place] = append(of[place], string(v[1]))
	}, listKeysSQL, []int16{int16(SpanKeys), int16(EventKeys), int16(LinkKeys)}, limit)
	if err != nil {
		return nil, fmt.Errorf("list keys of attributes: %w", err)
	}
	return of, nil
}

package dictionary

import (
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/rowcodec"
)

// seenEvery is how far plait.services may lag: a service that sends all the time is written
// down once in this time by each gateway and signal, which costs no commit of its own.
const seenEvery = 5 * time.Second

// sightingsBytes bounds what is remembered of services, some 150 bytes each.
const sightingsBytes = 1 << 20

const upsertServicesSQL = `
INSERT INTO plait_store.service AS s (service, first_seen, last_seen, last_used)
SELECT service, first_seen, last_seen, $4::date
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS g (service, first_seen, last_seen)
ORDER BY service
ON CONFLICT (service) DO UPDATE
SET first_seen = least(s.first_seen, excluded.first_seen),
	last_seen = greatest(s.last_seen, excluded.last_seen),
	last_used = greatest(s.last_used, excluded.last_used)
WHERE s.first_seen > excluded.first_seen OR s.last_seen < excluded.last_seen OR s.last_used < excluded.last_used`

// A sighting is when a service was seen, by the time stamps of its records, none of them later
// than their arrival.
type sighting struct {
	first, last int64         // nanoseconds since the Unix epoch
	day         partition.Day // of the arrival
}

// Include extends a sighting to a record's time.
func (s *sighting) Include(nanos int64) {
	s.first, s.last = min(s.first, nanos), max(s.last, nanos)
}

// sightings tells the database when services were seen. It belongs to one committer.
type sightings struct {
	known *recent.Map[string, sighting] // what the database has been told
	group map[string]*sighting          // what the current group saw
	now   time.Time
}

func newSightings() sightings {
	return sightings{known: recent.New(sightingsBytes, func(service string, _ sighting) int { return len(service) }), group: make(map[string]*sighting)}
}

func (s *sightings) begin(now time.Time) {
	s.now = now
	clear(s.group)
}

// of returns the group's sighting of a service, to be extended by its records.
func (s *sightings) of(service string) *sighting {
	service = rowcodec.CleanText(service)
	if seen := s.group[service]; seen != nil {
		return seen
	}
	seen := &sighting{first: s.now.UnixNano(), last: -1 << 63, day: partition.DayOf(s.now)}
	s.group[strings.Clone(service)] = seen
	return seen
}

// Queue adds the statement that writes down what the database does not know.
func (s *sightings) Queue(batch *pgx.Batch) {
	names := make([]string, 0, len(s.group))
	for name, seen := range s.group {
		seen.last = max(min(seen.last, s.now.UnixNano()), seen.first)
		told, ok := s.known.Get(name)
		if ok && told.day == seen.day && seen.first > told.first-int64(seenEvery) && seen.last < told.last+int64(seenEvery) {
			delete(s.group, name)
			continue
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names) // as in Writer.queue
	first, last := make([]time.Time, len(names)), make([]time.Time, len(names))
	for i, name := range names {
		first[i], last[i] = time.Unix(0, s.group[name].first), time.Unix(0, s.group[name].last)
	}
	batch.Queue(upsertServicesSQL, names, first, last, partition.DayOf(s.now).Time())
}

// Committed tells that what was queued is in the database.
func (s *sightings) Committed() {
	for name, seen := range s.group {
		told, ok := s.known.Get(name)
		if ok {
			seen.first, seen.last = min(seen.first, told.first), max(seen.last, told.last)
		}
		s.known.Put(name, *seen)
	}
	clear(s.group)
}

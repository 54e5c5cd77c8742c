package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/tally"
)

// A record at a full microsecond counts as a little earlier, so that it is in the step that ends there. Classes,
// attribute sets and attributes that make no difference are one.
const groupedLogsSQL = `
SELECT resource, severity, class, attribute_set, attributes, step, sum(stands_for)::int8
FROM (
    SELECT resource, severity, ` + tally.StandsForSQL + ` AS stands_for,
           CASE WHEN class = ANY ($4) THEN class ELSE 0 END AS class,
           CASE WHEN attribute_set = ANY ($5) THEN attribute_set ELSE 0 END AS attribute_set,
           CASE WHEN attributes LIKE ANY ($6) THEN attributes ELSE '' END AS attributes,
           date_bin($7, CASE WHEN sub_ns = 0 THEN time - interval '1 microsecond' ELSE time END, $8) AS step
    FROM plait_store.log
    WHERE time >= $1 AND time <= $2 AND (time > $1 OR sub_ns > 0) AND (time < $2 OR sub_ns = 0)
      AND ($3::int8[] IS NULL OR resource = ANY ($3))
      AND ` + search.ShelvesSQL + `
) l
GROUP BY 1, 2, 3, 4, 5, 6
LIMIT $9`

// maxLogGroups bounds an answer, of some 200 bytes each.
const maxLogGroups = 100_000

// errManyGroups ends a count whose groups are more.
var errManyGroups = errors.New("too many groups")

// LogGroups counts log records by step and by what tells labels apart, in the order of steps: whole quarters of minutes by
// what is counted of these, where that tells the attributes, and others by rows. It is not ok where there are so many
// groups, or so large dictionaries, that rows have to be read one by one.
func (s *Reader) LogGroups(ctx context.Context, q query.LogGroups) (groups []query.LogGroup, ok bool, err error) {
	g, err := s.newGroupCounter(ctx, q)
	if err == nil && g != nil {
		err = g.count(ctx)
	}
	if errors.Is(err, errManyGroups) || g == nil && err == nil {
		return nil, false, nil
	}
	if err == nil {
		groups, err = g.groups(ctx)
	}
	if err != nil {
		return nil, false, fmt.Errorf("count log records: %w", err)
	}
	return groups, true, nil
}

// logGroup is what some records of a step have in common, as rows and counts tell it.
type logGroup struct {
	step                  int64
	resource, class, set  int64
	severity              int16
	attributes, attribute string // JSON of a row's attributes, or the value of the one that counts tell
}

// groupCounter counts records in groups.
type groupCounter struct {
	store     *Reader
	asked     query.LogGroups
	steps     tally.Steps
	entries   *dictionary.Entries
	resources []int64          // nil: any
	meant     map[int64]bool   // the same
	sets      []int64          // that have an attribute that is asked for
	telling   map[int64]bool   // by class
	kinds     map[int64]kind   // by resource
	first     map[string]int64 // the first resource of those that are alike
	sums      map[logGroup]int64
}

// kind is what is known of a resource.
type kind struct {
	like    int64 // the resource that stands for it
	outside bool
}

// newGroupCounter prepares a question. It is nil where the dictionaries are too large to tell groups apart.
func (s *Reader) newGroupCounter(ctx context.Context, q query.LogGroups) (*groupCounter, error) {
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil || !entries.LogClasses.Whole() || !entries.AttributeSets.Whole() || !entries.Scopes.Whole() {
		return nil, err
	}
	g := &groupCounter{store: s, asked: q, entries: entries, telling: map[int64]bool{}, kinds: map[int64]kind{}, first: map[string]int64{}, sums: map[logGroup]int64{},
		steps: tally.Steps{From: q.After / 1000, To: q.UpTo / 1000, Length: q.Step / 1000}}
	if g.resources, err = resourcesOf(entries, q.Condition); err != nil {
		return nil, err
	}
	if g.resources != nil {
		g.meant = map[int64]bool{}
		for _, id := range g.resources {
			g.meant[id] = true
		}
	}
	g.sets = entries.AttributeSets.Fitting(g.isAsked, func(plait.Attribute) bool { return true })
	return g, nil
}

func (g *groupCounter) isAsked(key string) bool { return slices.Contains(g.asked.Attributes, key) }

// count counts by the quarter of a minute, and once more by rows where the counts do not tell what is asked for.
func (g *groupCounter) count(ctx context.Context) error {
	if err := g.store.counted.LogsUpTo(ctx, g.steps, g.addCell, g.addRows); err != nil {
		return err
	}
	told, err := g.told(ctx)
	if err != nil || told {
		return err
	}
	clear(g.sums)
	return pg.ReadPlanned(ctx, g.store.search, "SELECT", func(tx pgx.Tx) error {
		return g.addRows(ctx, tx, tally.Piece{From: g.steps.From, To: g.steps.To})
	})
}

// told says whether no record has an attribute that is asked for and that its counts do not tell. It is asked once the records are
// counted: the keys of their attributes were committed before them.
func (g *groupCounter) told(ctx context.Context) (bool, error) {
	isUntold := func(key string) bool { return key != tally.LevelAttribute && g.isAsked(key) }
	if !slices.ContainsFunc(g.asked.Attributes, isUntold) {
		return true, nil
	}
	keys, err := dictionary.ReadRecordKeys(ctx, g.store.lookup)
	return err == nil && keys.Whole && !slices.ContainsFunc(keys.Keys, isUntold), err
}

func (g *groupCounter) addCell(c *counts.QuarterCell) error {
	group := logGroup{step: c.Quarter, resource: c.Resource, severity: c.Severity}
	if c.Class != 0 && g.tells(c.Class) {
		group.class = c.Class
	}
	if c.Level != "" && g.isAsked(tally.LevelAttribute) {
		group.attribute = c.Level
	}
	return g.add(group, c.Count)
}

func (g *groupCounter) add(group logGroup, n int64) error {
	of := g.kindOf(group.resource)
	if of.outside {
		return nil
	}
	if group.resource = of.like; !g.asked.Severity {
		group.severity = 0
	}
	if g.sums[group] += n; len(g.sums) > maxLogGroups {
		return errManyGroups
	}
	return nil
}

// kindOf finds the resource that stands for one. What is not in the catalog yet stands for itself.
func (g *groupCounter) kindOf(id int64) kind {
	of, known := g.kinds[id]
	if known {
		return of
	}
	of.like, of.outside = id, g.meant != nil && !g.meant[id]
	if r, found := g.entries.Resources.Get(id); found && !of.outside {
		text := g.asked.Like(r)
		if first, met := g.first[text]; met {
			of.like = first
		} else {
			g.first[text] = id
		}
	}
	g.kinds[id] = of
	return of
}

// addRows counts the rows of a piece of time.
func (g *groupCounter) addRows(ctx context.Context, tx pgx.Tx, p tally.Piece) error {
	if _, err := tx.Exec(ctx, tally.HashedSQL); err != nil {
		return err
	}
	classes := []int64{}
	for id := range g.entries.LogClasses.All() {
		if g.tells(id) {
			classes = append(classes, id)
		}
	}
	length := time.Duration(min(g.steps.Length, g.steps.To-g.steps.From)) * time.Microsecond
	found, err := tx.Query(ctx, groupedLogsSQL, pg.Planned, rowcodec.MicrosTime(p.From), rowcodec.MicrosTime(p.To), g.resources,
		classes, g.sets, likeKeys(g.asked.Attributes), length, rowcodec.MicrosTime(g.steps.From), maxLogGroups+1)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		v := found.RawValues()
		err := g.add(logGroup{
			resource: rowcodec.Int8(v[0]), severity: rowcodec.Int2(v[1]), class: rowcodec.Int8(v[2]), set: rowcodec.Int8(v[3]), attributes: string(v[4]),
			step: (rowcodec.TimeMicros(v[5]) - g.steps.From) / g.steps.Length,
		}, rowcodec.Int8(v[6]))
		if err != nil {
			return err
		}
	}
	return found.Err()
}

// groups are what was counted, as records.
func (g *groupCounter) groups(ctx context.Context) ([]query.LogGroup, error) {
	var rows []storedLog
	var groups []query.LogGroup
	for group, n := range g.sums {
		row := storedLog{resource: group.resource, severity: group.severity, class: group.class, attributeSet: group.set, attributes: group.attributes}
		if group.attribute != "" {
			row.attributes = `{"` + tally.LevelAttribute + `":` + group.attribute + `}`
		}
		rows = append(rows, row)
		groups = append(groups, query.LogGroup{Step: int(group.step), Count: n})
	}
	of, err := g.store.logEntries(ctx, rows, everything)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if err := of.decode(&groups[i].Record, &rows[i], &everything); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(groups, func(a, b query.LogGroup) int { return cmp.Compare(a.Step, b.Step) })
	return groups, nil
}

// tells says whether a class makes a difference: by its scope's attributes, or because its level is not that of the severity.
// One that is not in the catalog yet may.
func (g *groupCounter) tells(id int64) bool {
	tells, known := g.telling[id]
	if !known {
		c, found := g.entries.LogClasses.Get(id)
		tells = !found || g.classTells(c)
		g.telling[id] = tells
	}
	return tells
}

func (g *groupCounter) classTells(c dictionary.LogClass) bool {
	scope, _ := g.entries.Scopes.Get(c.Scope)
	asked := scope != nil && slices.ContainsFunc(scope.Attributes, func(a plait.Attribute) bool { return g.isAsked(a.Key) })
	return asked || condition.Level(&plait.LogRecord{SeverityText: c.SeverityText}) != condition.LevelUnknown
}

// likeKeys are patterns for the JSON of attributes that has one of some keys.
func likeKeys(keys []string) []string {
	patterns := []string{}
	for _, key := range keys {
		quoted := string(plait.AppendJSONKey(nil, key))
		patterns = append(patterns, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(quoted)+":%")
	}
	return patterns
}

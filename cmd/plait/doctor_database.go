package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/localpg"
	"github.com/plaithq/plait/store/outbox"
)

// examineDatabase looks at the database of the settings: that of a URL, or the private one of a running gateway.
func (d *doctor) examineDatabase(ctx context.Context, c config) {
	ctx, cancel := context.WithTimeout(ctx, doctorWaits)
	defer cancel()
	address := c.DatabaseURL
	if address == "" {
		d.examineDisk(c.DataDir)
		var err error
		if address, err = localpg.RunningURL(ctx, c.DataDir); err != nil || address == "" {
			d.tell(wrong, fmt.Sprintf("No private Postgres runs below %s.", c.DataDir), "Start plait serve, or say with --data-dir or --database-url where the database is.")
			return
		}
	}
	e, err := store.Examine(ctx, address)
	if err != nil {
		d.tell(wrong, fmt.Sprintf("The database cannot be used: %v.", err), "See that it runs, and that --database-url names it.")
		return
	}
	d.tell(fine, fmt.Sprintf("The database answers: Postgres %s, %s.", e.ServerVersion, mebibytes(e.Bytes)), "")
	d.examineSchema(e)
	d.examineClock(e)
	d.examineSettings(e)
	d.examineForwarding(e.Forwarding)
}

// examineForwarding looks at each target. One that lags for longer is doubtful, and one that takes nothing is wrong.
func (d *doctor) examineForwarding(targets []outbox.Status) {
	const late = 10 * time.Minute
	for _, t := range targets {
		what := fmt.Sprintf("%s for the target %s", t.Signal, t.Target)
		last := ""
		if t.Failure != "" {
			last = fmt.Sprintf(" It last said: %s.", strings.TrimSuffix(t.Failure, "."))
		}
		if t.GivenUp > 0 {
			last = fmt.Sprintf(" %d were given up, since more waited than its max_bytes, or for longer than its max_age.", t.GivenUp) + last
		}
		switch {
		case t.Failing > 0:
			d.tell(wrong, fmt.Sprintf("%d %s wait: it has taken nothing for %v.%s", t.Waiting, what, t.Failing.Round(time.Second), last),
				"See that it runs, and that its url and credentials are right; what is committed waits for it for as long as it is kept, up to its max_bytes.")
		case !t.Held && t.Unseen > time.Minute:
			d.tell(doubtful, fmt.Sprintf("No gateway has sent %s for %v.", what, t.Unseen.Round(time.Second)),
				"Start a gateway that has the target in its settings, or forget the target (docs/forwarding.md).")
		case t.Lag > late:
			d.tell(doubtful, fmt.Sprintf("%d %s wait, the oldest for %v.", t.Waiting, what, t.Lag.Round(time.Second)), "The target takes less than comes in: send it less, or give it more room.")
		case t.Refused+t.Expired+t.GivenUp > 0:
			d.tell(doubtful, fmt.Sprintf("%d %s were sent, %d it refused, %d were too old before it took them.%s", t.Sent, what, t.Refused, t.Expired, last),
				"What was set aside stands in plait_store.forward_refusal with the reason.")
		default:
			d.tell(fine, fmt.Sprintf("%d %s were sent, %d wait.", t.Sent, what, t.Waiting), "")
		}
	}
}

func (d *doctor) examineSchema(e *store.Examination) {
	switch {
	case e.Dirty:
		d.tell(wrong, fmt.Sprintf("Schema version %d was left half done.", e.SchemaVersion), "Restore a backup, or repair it by hand and set plait_store.schema_migrations.dirty to false.")
	case e.SchemaVersion == 0:
		d.tell(wrong, "The database has no schema of Plait.", "Start plait serve, or run plait migrate up.")
	case e.SchemaVersion < e.NewestSchema:
		d.tell(wrong, fmt.Sprintf("The schema has version %d, this program brings %d.", e.SchemaVersion, e.NewestSchema), "Start plait serve of this version, or run plait migrate up.")
	case e.SchemaVersion > e.NewestSchema:
		d.tell(wrong, fmt.Sprintf("The schema has version %d, this program knows %d.", e.SchemaVersion, e.NewestSchema), "Use the version of Plait that made it.")
	default:
		d.tell(fine, fmt.Sprintf("The schema is up to date: version %d.", e.SchemaVersion), "")
	}
}

// clocksDiffer is by how much the clocks may be apart: partitions and retention go by the database's.
const clocksDiffer = 5 * time.Second

func (d *doctor) examineClock(e *store.Examination) {
	if e.Ahead.Abs() < clocksDiffer {
		d.tell(fine, "The database's clock and this machine's agree.", "")
		return
	}
	word := "ahead of"
	if e.Ahead < 0 {
		word = "behind"
	}
	d.tell(wrong, fmt.Sprintf("The database's clock is %v %s this machine's.", e.Ahead.Abs().Round(time.Millisecond), word),
		"Let both take their time by NTP: retention goes by the database's clock.")
}

// onSettings have to be on, with what happens else.
var onSettings = []struct {
	name      string
	v         verdict
	otherwise string
}{
	{"autovacuum", doubtful, "tables grow, and plans are made for tables as they once were"},
	{"track_counts", doubtful, "autovacuum does not know what to do"},
	{"fsync", wrong, "what was acknowledged is lost when the machine stops"},
	{"full_page_writes", wrong, "the database may be damaged when the machine stops"},
}

const (
	leastConnections = 30  // of one gateway: 4 + 8 + 8, upkeep, and some for others
	leastLocks       = 128 // a question over many days opens a partition with its indexes for each
)

func (d *doctor) examineSettings(e *store.Examination) {
	before := d.found[doubtful] + d.found[wrong]
	for _, s := range onSettings {
		if e.Settings[s.name] != "on" {
			d.tell(s.v, fmt.Sprintf("The database has %s = %s: %s.", s.name, e.Settings[s.name], s.otherwise), fmt.Sprintf("ALTER SYSTEM SET %s = on, and reload.", s.name))
		}
	}
	if e.Settings["synchronous_commit"] == "off" {
		d.tell(doubtful, "The database has synchronous_commit = off; Plait turns it on for what it acknowledges.", "ALTER SYSTEM RESET synchronous_commit.")
	}
	for name, least := range map[string]int{"max_connections": leastConnections, "max_locks_per_transaction": leastLocks} {
		if n, err := strconv.Atoi(e.Settings[name]); err == nil && n < least {
			d.tell(doubtful, fmt.Sprintf("The database has %s = %d, which is less than %d.", name, n, least), fmt.Sprintf("ALTER SYSTEM SET %s = %d, and start it anew.", name, least))
		}
	}
	if d.found[doubtful]+d.found[wrong] == before {
		d.tell(fine, "The database's settings suit Plait.", "")
	}
}

// Less free space than this is told, and less than that is wrong.
const (
	littleDisk = 5 << 30
	noDisk     = 512 << 20
)

func mebibytes(bytes int64) string {
	if bytes >= 10<<30 {
		return fmt.Sprintf("%d GiB", bytes>>30)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// examineDisk looks at the space that the private Postgres has left.
func (d *doctor) examineDisk(dir string) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return // it is told below that nothing runs there
	}
	free := int64(s.Bavail) * int64(s.Bsize) //nolint:unconvert // their types differ from one system to another
	says := fmt.Sprintf("%s are free for %s.", mebibytes(free), dir)
	const mend = "Make room, or keep telemetry for less time: --retention-traces, --retention-logs, --retention-metrics."
	switch {
	case free < noDisk:
		d.tell(wrong, "Only "+says, mend)
	case free < littleDisk:
		d.tell(doubtful, "Only "+says, mend)
	default:
		d.tell(fine, says, "")
	}
}

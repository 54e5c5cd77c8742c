package metrics

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/plaithq/plait"
)

// The horizon and the rows come from one snapshot. xid8 has no direct cast to int8.
const readHeadSQL = `
SELECT n.horizon::text::int8, coalesce(h.id, 0), coalesce(h.xact, '0')::text::int8,
       h.series, h.times, h.starts, h.values, h.histograms
FROM (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) AS horizon) n
LEFT JOIN plait_store.sample_head h ON h.xact >= $1::text::xid8 AND h.id <> ALL ($2::int8[])`

// syncHead reads the rows that other gateways have committed. What was acknowledged before the
// call is in the head after it. Where there is more than the head has room for, as after a start, what
// was read is rewritten as chunks before the rest is read.
func (db *DB) syncHead(ctx context.Context) error {
	db.head.syncing.Lock()
	defer db.head.syncing.Unlock()
	for {
		complete, err := db.readHead(ctx)
		if err != nil {
			return fmt.Errorf("read samples of other gateways: %w", err)
		}
		if complete {
			return nil
		}
		if err := db.compactHead(ctx, true); err != nil {
			return err
		}
		if err := db.awaitRoom(ctx); err != nil { // of another gateway that compacts
			return err
		}
	}
}

// readHead takes unknown rows into the head, and says whether it had room for all of them.
func (db *DB) readHead(ctx context.Context) (complete bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from := db.head.look()
	left, _ := db.head.left()
	rows, err := db.config.Read.Query(ctx, readHeadSQL, strconv.FormatInt(from.horizon, 10), from.known)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var horizon int64
	found := newMemTable(time.Time{}) // tells what they will take
	var fresh []*headRow
	for found.bytes < left || len(fresh) == 0 && left > 0 {
		if !rows.Next() {
			complete = true
			break
		}
		r := &headRow{}
		raw := rows.RawValues()
		if horizon, err = readInt8(raw[0]); err != nil {
			return false, err
		}
		if err := r.decode(raw[1:]); err != nil {
			return false, err
		}
		if r.id != 0 {
			found.add(r)
			fresh = append(fresh, r)
		}
	}
	if !complete {
		horizon = from.horizon // all from there on has to be looked at again
		cancel()               // nobody reads the rest
	} else if err := rows.Err(); err != nil {
		return false, err
	}
	if db.head.looked(db.now(), from, horizon, fresh) {
		db.wakeCompaction()
	}
	return complete, nil
}

// maxRoomWait is how long a request waits for room in the head before its sender is told to come back.
const maxRoomWait = 5 * time.Second

// awaitRoom waits until the head has room. The error wraps plait.ErrOverloaded when it got none in time.
func (db *DB) awaitRoom(ctx context.Context) error {
	if left, _ := db.head.left(); left > 0 {
		return nil // as nearly always
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxRoomWait, plait.ErrOverloaded)
	defer cancel()
	for {
		left, dropped := db.head.left()
		if left > 0 {
			return nil
		}
		db.wakeCompaction()
		select {
		case <-dropped:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), plait.ErrOverloaded) {
				return plait.Errorf(plait.ErrOverloaded, "samples come in faster than they are rewritten as chunks")
			}
			return fmt.Errorf("wait for memory for samples: %w", ctx.Err())
		}
	}
}

func (r *headRow) decode(raw [][]byte) (err error) {
	if r.id, err = readInt8(raw[0]); err != nil || r.id == 0 {
		return err
	}
	if r.xact, err = readInt8(raw[1]); err != nil {
		return err
	}
	if r.series, err = readInt8s(raw[2]); err != nil {
		return err
	}
	if r.times, err = readInt8s(raw[3]); err != nil {
		return err
	}
	if r.starts, err = readInt8s(raw[4]); err != nil {
		return err
	}
	if r.values, err = readFloat8s(raw[5]); err != nil {
		return err
	}
	if r.histograms, err = readByteas(raw[6]); err != nil {
		return err
	}
	n := len(r.series)
	if len(r.times) != n || len(r.starts) != 0 && len(r.starts) != n || len(r.values) != n && len(r.histograms) != n {
		return fmt.Errorf("sample_head row %d has arrays of different lengths", r.id)
	}
	return nil
}

func (db *DB) wakeCompaction() {
	select {
	case db.full <- struct{}{}:
	default:
	}
}

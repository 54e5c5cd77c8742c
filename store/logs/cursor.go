package logs

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"

	"github.com/plaithq/plait"
)

// logCursor says where a page ended: at a position, after so many of its records that fit.
type logCursor struct {
	logPosition
	skip int
}

// maxSkip bounds what a cursor can make a search read again. Of records of one position, those beyond it are
// passed together.
const maxSkip = 50_000

// after returns the cursor behind some rows that fit, in order, the last of which are of one position.
func after(rows []storedLog, ascending bool) logCursor {
	last := rows[len(rows)-1].logPosition
	c := logCursor{logPosition: last, skip: atEnd(rows, last)}
	if c.skip > maxSkip {
		return logCursor{logPosition: last.passed(ascending)}
	}
	return c
}

// atEnd counts the rows of a position at the end of some in order.
func atEnd(rows []storedLog, at logPosition) (n int) {
	for n < len(rows) && rows[len(rows)-1-n].logPosition == at {
		n++
	}
	return n
}

// String returns the cursor in base64url.
func (c *logCursor) String() string {
	b := binary.BigEndian.AppendUint32(c.appendTo(nil), uint32(c.skip))
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseLogCursor(text string) (logCursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != logPositionSize+4 {
		return logCursor{}, plait.Errorf(plait.ErrInvalid, "cursor %q is not one that a log search returned", text)
	}
	skip := binary.BigEndian.Uint32(b[logPositionSize:])
	if skip > maxSkip {
		return logCursor{}, plait.Errorf(plait.ErrInvalid, "cursor %q is not one that a log search returned", text)
	}
	return logCursor{readLogPosition(b), int(skip)}, nil
}

// firstOf is the position before all records of a microsecond and of what comes after it.
func firstOf(micros int64, ascending bool) logPosition {
	if ascending {
		return logPosition{micros: micros, spanID: math.MinInt64, content: math.MinInt64}
	}
	p := logPosition{micros: micros, sub: math.MaxInt16, spanID: math.MaxInt64, content: math.MaxInt64}
	copy(p.traceID[:], slices.Repeat([]byte{0xff}, len(p.traceID)))
	return p
}

// passed is the position behind all rows of one.
func (p logPosition) passed(ascending bool) logPosition {
	if ascending {
		p.content++
	} else {
		p.content--
	}
	return p
}

// compare orders positions in time.
func (p *logPosition) compare(other *logPosition) int {
	return cmp.Or(
		cmp.Compare(p.micros, other.micros),
		cmp.Compare(p.sub, other.sub),
		bytes.Compare(p.traceID[:], other.traceID[:]),
		cmp.Compare(p.spanID, other.spanID),
		cmp.Compare(p.content, other.content))
}

// compare orders rows as the statements do: those of one position differ in nothing else, or in one of these.
func (r *storedLog) compare(other *storedLog) int {
	if order := r.logPosition.compare(&other.logPosition); order != 0 {
		return order
	}
	return cmp.Or(
		cmp.Compare(r.severity, other.severity),
		cmp.Compare(r.class, other.class),
		cmp.Compare(r.resource, other.resource),
		cmp.Compare(r.observedAfter, other.observedAfter),
		cmp.Compare(r.flags, other.flags),
		cmp.Compare(r.extra, other.extra))
}

package api

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate"
)

// afterSeries is a place in a trace's list of metrics, which is made anew for every page: behind the last
// series of the page before. What arrives between two pages moves that series, so it is found again by its
// query. If it has gone, its index is used. Users see an opaque text.
type afterSeries struct {
	index int    // of the first series that was not listed
	query uint64 // digest of the one before
}

// String is the cursor that UnmarshalText reads.
func (a afterSeries) String() string {
	b := binary.BigEndian.AppendUint64(nil, a.query)
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(b, uint64(a.index)))
}

// UnmarshalText reads a cursor.
func (a *afterSeries) UnmarshalText(text []byte) error {
	raw, err := base64.RawURLEncoding.DecodeString(string(text))
	if err != nil || len(raw) <= 8 {
		return noCursor(text)
	}
	n, used := binary.Uvarint(raw[8:])
	if used != len(raw)-8 || n > 1<<31 {
		return noCursor(text)
	}
	*a = afterSeries{index: int(n), query: binary.BigEndian.Uint64(raw)}
	return nil
}

func noCursor(text []byte) error {
	return plait.Errorf(plait.ErrInvalid, "%q is no cursor of an earlier answer", text)
}

// page cuts a page out of a list, and returns the cursor of the next page, empty at the end.
func (a afterSeries) page(all []correlate.TraceMetric, limit int) ([]correlate.TraceMetric, string) {
	from := min(a.index, len(all))
	isLast := func(m correlate.TraceMetric) bool { return digestOf(m.Query) == a.query }
	if from > 0 && !isLast(all[from-1]) { // something arrived
		if last := slices.IndexFunc(all, isLast); last >= 0 {
			from = last + 1
		}
	}
	to := min(from+limit, len(all))
	if to == len(all) {
		return all[from:], ""
	}
	return all[from:to], afterSeries{to, digestOf(all[to-1].Query)}.String()
}

func digestOf(query string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(query))
	return h.Sum64()
}

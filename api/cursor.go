package api

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/plaithq/plait"
)

// offset is a place in a list that is read whole for every page, as a trace's logs are. Users see
// an opaque text.
type offset int

// String is the cursor that UnmarshalText reads.
func (o offset) String() string {
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(nil, uint64(o)))
}

// UnmarshalText reads a cursor.
func (o *offset) UnmarshalText(text []byte) error {
	raw, err := base64.RawURLEncoding.DecodeString(string(text))
	n, used := binary.Uvarint(raw)
	if err != nil || used <= 0 || used != len(raw) || n > 1<<31 {
		return fmt.Errorf("%q is no cursor of an earlier answer: %w", text, plait.ErrInvalid)
	}
	*o = offset(n)
	return nil
}

// stretch is a part of a list.
type stretch struct{ from, to int }

// page cuts a page out of a list of n, and returns the cursor of the next page, empty at the end.
func (o offset) page(n, limit int) (stretch, string) {
	from := min(int(o), n)
	to := min(from+limit, n)
	if to == n {
		return stretch{from, to}, ""
	}
	return stretch{from, to}, offset(to).String()
}

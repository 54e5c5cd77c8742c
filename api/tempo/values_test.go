package tempo

import (
	"strconv"
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

func TestAListOfValuesHasABound(t *testing.T) {
	t.Parallel()
	long := newValueList()
	for i := range 2 * maxValueBytes / 1000 {
		for range 2 { // each counts once
			long.add(plait.StringValue(strconv.Itoa(i) + strings.Repeat("x", 1000)))
		}
	}
	if n := len(long.values); !long.full || long.bytes > maxValueBytes || n < maxValueBytes/1100 {
		t.Errorf("%d values of %d bytes are kept, full is %v", n, long.bytes, long.full)
	}
	many := newValueList()
	for i := range 2 * mostNames {
		many.add(plait.IntValue(int64(i)))
	}
	if !many.full || len(many.values) != mostNames {
		t.Errorf("%d values are kept", len(many.values))
	}
	few := newValueList()
	for _, v := range []plait.Value{plait.StringValue("5"), plait.IntValue(5), plait.StringValue(""), {}, plait.StringValue("5")} {
		few.add(v)
	}
	if few.full || len(few.values) != 2 {
		t.Errorf("%v are kept", few.values)
	}
}

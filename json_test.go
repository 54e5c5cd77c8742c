package plait_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
)

var equalAttributes = cmp.Comparer(func(a, b plait.Value) bool { return a == b })

func TestTheLastOfRepeatedKeysIsKept(t *testing.T) {
	t.Parallel()
	long := make(plait.Attributes, 0, 202)
	for i := range 201 {
		long = append(long, plait.Attribute{Key: strings.Repeat("k", i%200+1), Value: plait.IntValue(int64(i))})
	}
	tests := []struct {
		name string
		in   plait.Attributes
		want plait.Attributes
	}{
		{"none", nil, nil},
		{"all different", plait.Attributes{{Key: "a"}, {Key: "b"}}, plait.Attributes{{Key: "a"}, {Key: "b"}}},
		{"one twice", plait.Attributes{{Key: "a", Value: plait.IntValue(1)}, {Key: "b"}, {Key: "a", Value: plait.IntValue(2)}},
			plait.Attributes{{Key: "b"}, {Key: "a", Value: plait.IntValue(2)}}},
		{"many", long, long[1:]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.in.Unique(), equalAttributes); diff != "" {
				t.Errorf("Unique (-want +got):\n%s", diff)
			}
			if got, want := string(tt.in.Unique().AppendJSON(nil)), string(tt.want.AppendJSON(nil)); got != want {
				t.Errorf("AppendJSON = %s, want %s", got, want)
			}
		})
	}
}

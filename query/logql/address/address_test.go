package address_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/query/logql/address"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAddressesAreFoundInLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		set, line string
		want      bool
	}{
		{"10.0.0.0/8", "from 10.1.2.3 port 5", true},
		{"10.0.0.0/8", "from 110.1.2.3 port 5", false},
		{"10.0.0.0/8", "upstream=10.0.0.7:8081", true},
		{"10.0.0.0/8", "it was 10.0.0.7.", true},
		{"10.0.0.1-10.0.0.9", "10.0.0.10", false},
		{"10.0.0.1-10.0.0.9", "[10.0.0.9]", true},
		{"::1", "failed login for eve from ::1", true},
		{"::1", "2001:db8::1", false},
		{"2001:db8::/32", "2001:db8:0:1::5 ana", true},
		{"10.0.0.7", "::ffff:10.0.0.7", true},
		{"10.0.0.7", "", false},
	} {
		s, ok := address.Parse(tt.set)
		if !ok || s.In(tt.line) != tt.want {
			t.Errorf("ip(%q) in %q: %v %v", tt.set, tt.line, ok, !tt.want)
		}
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"", "999.1.1.1/8", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "10.0.0.0/33", "a", "-", "fe80::1%eth0"} {
		if _, ok := address.Parse(set); ok {
			t.Errorf("%q is a set", set)
		}
	}
}

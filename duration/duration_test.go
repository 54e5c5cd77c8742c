package duration_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/plaithq/plait/duration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDurationsOfPrometheusAndOfGoAreRead(t *testing.T) {
	t.Parallel()
	const day, week, year = duration.Day, duration.Week, duration.Year
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "250ms": 250 * time.Millisecond, "1h30m": 90 * time.Minute, "1.5s": 1500 * time.Millisecond, ".5s": 500 * time.Millisecond,
		"250us": 250 * time.Microsecond, "250µs": 250 * time.Microsecond, "3ns": 3, "36h": 36 * time.Hour, "90m": 90 * time.Minute,
		"7d": 7 * day, "2w": 2 * week, "1y": year, "1d12h": 36 * time.Hour, "1w1d1m": week + day + time.Minute, "1y2w3d4h5m6s7ms": year + 2*week + 3*day + 4*time.Hour + 5*time.Minute + 6*time.Second + 7*time.Millisecond,
		"0.5d": 12 * time.Hour, "1.5w": 252 * time.Hour, "0.1d": 8640 * time.Second, "0.7d": 60480 * time.Second, "1d1.5h": 25*time.Hour + 30*time.Minute, "0.5d0.5s": 12*time.Hour + 500*time.Millisecond,
		"-90m": -90 * time.Minute, "-7d": -week, "-1d12h": -36 * time.Hour, "-0": 0, "+5m": 5 * time.Minute, "36500d": duration.Longest, "-100y": -duration.Longest,
	} {
		if got, err := duration.Parse(text); err != nil || got != want {
			t.Errorf("%s is %s and %v, want %s", text, got, err, want)
		}
	}
}

func TestWhatIsNoDurationIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "-", "+", "7", "7x", "d", ".d", "1.2.3d", "1d2w", "1d1d", "1d-5h", "1d+5h", "--5d", "-+5d", "-5d-", "1h1d", "1e2d", "0x10d", "NaNd", "Infd", "1_0d", "1 d", " 7d", "7D", "1d5", "P7D", "7 days", "fast", "٣d",
	} {
		if got, err := duration.Parse(text); err == nil || !strings.Contains(err.Error(), "is no duration such as 250ms") {
			t.Errorf("%q is %s and %v, want that it is no duration", text, got, err)
		}
	}
}

func TestDurationsAboveTheLongestAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"36501d", "101y", "-101y", "100y1ns", "100d1000000h", "9223372036s9223372036s", "300y", "2540400h", "100000000000000000000d", "1" + strings.Repeat("0", 400) + "d", "99y99w99y", "99y5000w", "60y60y", "0.5y100y", "100y0.5d290y",
	} {
		if got, err := duration.Parse(text); err == nil {
			t.Errorf("%s is %s, want an error", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"1y2w3d4h5m6s7ms", "-1h30m", "1.5s", "0.5d", "1d12h", "0", "99999999999d", "1µs", "290y290y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := duration.Parse(text)
		for name, reference := range map[string]func(string) (time.Duration, error){"time": time.ParseDuration, "Prometheus": prometheus} {
			want, refused := reference(text)
			if refused == nil && want.Abs() <= duration.Longest && (err != nil || got != want) {
				t.Errorf("%q is %s and %v, by the reading of %s %s", text, got, err, name, want)
			}
		}
		if err != nil {
			return
		}
		if got.Abs() > duration.Longest {
			t.Errorf("%q is %s, above the longest", text, got)
		}
		written, _ := duration.Duration(got).MarshalText()
		var again duration.Duration
		if err := again.UnmarshalText(written); err != nil || time.Duration(again) != got {
			t.Errorf("%q is %s, written as %s, which is %s and %v", text, got, written, again, err)
		}
	})
}

func prometheus(text string) (time.Duration, error) {
	d, err := model.ParseDuration(text)
	if d < 0 {
		err = errors.New("out of range")
	}
	return time.Duration(d), err
}

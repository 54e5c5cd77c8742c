package quantity_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/query/logql/quantity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDurationsHaveNumbersWithUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"5s": 5 * time.Second, "1h30m": 90 * time.Minute, "1d": 24 * time.Hour, "1w": 168 * time.Hour, "250ms": 250 * time.Millisecond,
		"1.5h": 90 * time.Minute, "-5s": -5 * time.Second, "1m0s": time.Minute, "171µs": 171 * time.Microsecond, "0": 0, "9007199254740993ns": 9007199254740993,
		"+2us": 2 * time.Microsecond,
	} {
		if got, ok := quantity.Duration(text); !ok || got != want {
			t.Errorf("%s: %v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "5", "s", "5lightyears", "1.2.3s", "-", "5s ", "300y", "99999999999999999999s", "1h-5m", ".s", "5 s"} {
		if got, ok := quantity.Duration(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestSizesHaveUnitsOf1000AndOf1024(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"512B": 512, "10KB": 10_000, "10kb": 10_000, "1.5MiB": 1.5 * (1 << 20), "49K": 49_000, "1 GB": 1e9, "7": 7, "2mib": 2 << 20, "1,024": 1024, "0.5kB": 500,
	} {
		if got, ok := quantity.Bytes(text); !ok || got != want {
			t.Errorf("%s: %v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "KB", "5lightyears", "-5KB", "1..5KB", "5 K B"} {
		if got, ok := quantity.Bytes(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestFormattedDurationsReadTheSame(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{0: "0s", 90 * time.Minute: "1h30m", 1500 * time.Millisecond: "1s500ms", -time.Nanosecond: "-1ns", 1<<63 - 2000: ""} {
		text := quantity.FormatDuration(d)
		if got, ok := quantity.Duration(text); !ok || got != d || want != "" && text != want {
			t.Errorf("%d is %s, which reads %v %v", d, text, got, ok)
		}
	}
}

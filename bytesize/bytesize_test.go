package bytesize

import "testing"

func TestSizesAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{"0": 0, "500000": 500_000, "1B": 1, "2 kB": 2000, "64MiB": 64 << 20, "1GiB": 1 << 30, "1536KiB": 1536 << 10, "3GB": 3e9} {
		var got, again Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %d, want %d: %v", text, got, want, err)
		}
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != want {
			t.Errorf("%s is written as %s, which is %d: %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "many", "-1", "1.5GiB", "GiB", "9223372036854775807KiB", "1TiB"} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}

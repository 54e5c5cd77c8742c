package health

import (
	"fmt"
	"strings"
	"time"
)

// counted writes a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// mostNamed bounds the names in a sentence.
const mostNamed = 5

// named writes names as a list.
func named(names []string) string {
	if more := len(names) - mostNamed; more > 0 {
		return strings.Join(names[:mostNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
func day(t time.Time) string   { return t.UTC().Format("2006-01-02") }

func inDays(d time.Duration) string {
	const oneDay = 24 * time.Hour
	if d%oneDay == 0 {
		return counted(int(d/oneDay), "day")
	}
	return d.String()
}

// percent writes a share.
func percent(part, all int64) string {
	if all == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.3g %%", 100*float64(part)/float64(all))
}

package tracecontext

import (
	"strings"
	"testing"
)

func TestColoursAreTakenOut(t *testing.T) {
	t.Parallel()
	for colours, want := range map[string]string{
		"":                           "",
		"plain [main]":               "plain [main]",
		"\x1b[1;36ma\x1b[0m=b\x1b[K": "a=b",
		`\u001b[3ma\u001B[0m=b`:      "a=b",
		`\x1b[3ma\033[0m=#033[1mb`:   "a=b",
		"\x1b[":                      "\x1b[",
		"\x1b[31":                    "\x1b[31",
		"\x1b[31;":                   "\x1b[31;",
		"\x1b[2Jx":                   "\x1b[2Jx",
		"u001b[31m":                  "u001b[31m",
		strings.Repeat("\x1b[31m", 1000) + "[end]": "[end]",
	} {
		if got := withoutColours(colours); got != want {
			t.Errorf("%q became %q, want %q", colours, got, want)
		}
	}
}

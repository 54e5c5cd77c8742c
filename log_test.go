package plait

import "testing"

func TestSeveritiesByName(t *testing.T) {
	for text, want := range map[string]string{
		"ERROR": "ERROR", "error": "ERROR", "Err": "ERROR", "SEVERE": "ERROR", "alert": "ERROR",
		"Warning": "WARN", "WARN": "WARN", "notice": "INFO", "Information": "INFO", "informational": "INFO",
		"debug": "DEBUG", "Verbose": "TRACE", "CRITICAL": "FATAL", "panic": "FATAL",
		"": "", "errors": "", "17": "", "\u017fevere": "", "informationally": "",
	} {
		if got := ParseSeverity(text).String(); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if allocations := testing.AllocsPerRun(10, func() { ParseSeverity("Informational") }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

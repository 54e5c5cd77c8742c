package plait

import (
	"fmt"
	"testing"
)

func TestSeveritiesByName(t *testing.T) {
	for text, want := range map[string]SeverityNumber{
		"": 0, "errors": 0, "17": 0, "\u017fevere": 0, "informationally": 0, "off": 0, "DEFAULT": 0, "NOTSET": 0, "all": 0,
		"high": 0, "level": 0, "severity": 0, "no error": 0, "+2": 0, "INFO9": 0, "x.y": 0, ".": 0,

		// OpenTelemetry
		"TRACE": 1, "TRACE2": 2, "Trace4": 4, "DEBUG": 5, "debug3": 7, "INFO": 9, "INFO4": 12, "WARN": 13, "WARN2": 14,
		"error": 17, "ERROR3": 19, "FATAL": 21, "fatal4": 24, "SEVERITY_NUMBER_INFO2": 10, "SEVERITY_NUMBER_ERROR": 17,
		// syslog, nginx, Erlang, PSR-3, Google Cloud
		"emerg": 21, "Emergency": 21, "ALERT": 19, "crit": 18, "err": 17, "Warning": 13, "notice": 10, "Informational": 9,
		"LOG_ERR": 17, "LOG_NOTICE": 10, "LogSeverity.EMERGENCY": 21,
		// java.util.logging
		"FINEST": 1, "FINER": 5, "FINE": 6, "CONFIG": 7, "SEVERE": 17, "Level.FINE": 6,
		// .NET, Serilog, Windows, Android
		"Information": 9, "dbug": 5, "trce": 1, "fail": 17, "LogLevel.Warning": 13, "CRITICAL": 21, "Verbose": 1, "VRB": 1,
		"FTL": 21, "Success Audit": 9, "FailureAudit": 13, "V": 1, "D": 5, "i": 9, "W": 13, "E": 17, "F": 21,
		// zap, slog, logrus
		"DPANIC": 18, "panic": 19, "INFO+2": 11, "DEBUG-4": 1, "WARN+1": 14, "ERROR+4": 21, "ERROR+40": 24, "DEBUG-20": 1,
		// Postgres, MySQL, Apache, others
		"LOG": 9, "DETAIL": 9, "DEBUG2": 6, "DEBUG5": 5, "Note": 9, "trace8": 1, "silly": 1, "exception": 17,
		// as they stand in lines
		"[error]": 17, "<warn>": 13, " info ": 9, ":info": 9, "INFO:": 9, "|DEBUG|": 5, "level=warn": 0, "\"info\"": 9,
	} {
		if got := ParseSeverity(text); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
	if allocations := testing.AllocsPerRun(10, func() { ParseSeverity("SEVERITY_NUMBER_INFO2") }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestSeveritiesHaveTheNamesOfTheirRanges(t *testing.T) {
	for number, want := range []string{"", "TRACE", "TRACE", "TRACE", "TRACE", "DEBUG", "DEBUG", "DEBUG", "DEBUG", "INFO"} {
		if got := SeverityNumber(number).String(); got != want {
			t.Errorf("%d is %q, want %q", number, got, want)
		}
	}
	for _, outside := range []SeverityNumber{25, 255} {
		if got := fmt.Sprint(outside); got != "" {
			t.Errorf("%d is %q, want nothing", uint8(outside), got)
		}
	}
}

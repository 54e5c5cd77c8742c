package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"
)

type doctorCommand struct {
	config `prefix:""`

	Since moment `help:"Look at the telemetry from then on: ${moment}. An hour ago when absent." placeholder:"TIME"`
}

// verdict is how bad something is.
type verdict int

const (
	fine verdict = iota
	doubtful
	wrong
)

// doctor prints what it finds, and counts what is wrong.
type doctor struct {
	std   console
	paint painter
	found [3]int
}

// tell prints one thing that was looked at, and what to do about it.
func (d *doctor) tell(v verdict, says, mend string) {
	d.found[v]++
	mark := [...]string{fine: "✓", doubtful: d.paint.yellow("!"), wrong: d.paint.red("✕")}[v]
	fmt.Fprintf(d.std.out, "%s %s\n", mark, plain(says))
	if mend != "" && v != fine {
		fmt.Fprintf(d.std.out, "    %s\n", plain(mend))
	}
}

// doctorWaits is how long one look may take.
const doctorWaits = 10 * time.Second

// Run looks at the database, the gateway and what came in, with the settings that plait serve has. It is an error when
// something is wrong; what is doubtful and what senders could do better is not.
func (c *doctorCommand) Run(ctx context.Context, std console) error {
	d := &doctor{std: std, paint: newPainter(std.out)}
	d.examineDatabase(ctx, c.config)
	d.examineDoors(ctx, c.config)
	if api, ok := d.examineGateway(ctx, c.config); ok {
		d.examineLimits(ctx, api)
		d.examineTelemetry(ctx, api, c.Since)
	}
	if n := d.found[wrong]; n > 0 {
		return fmt.Errorf("%d things are wrong, %d doubtful", n, d.found[doubtful])
	}
	return nil
}

// reachable is where a listener of this machine is reached: a wildcard by loopback.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}

// examineDoors looks whether telemetry is taken.
func (d *doctor) examineDoors(ctx context.Context, c config) {
	ctx, cancel := context.WithTimeout(ctx, doctorWaits)
	defer cancel()
	for _, door := range c.listeners() {
		if door.addr == "" || door.flag == "api-addr" { // the API is asked by itself
			continue
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", reachable(door.addr))
		if err != nil {
			d.tell(wrong, fmt.Sprintf("Nobody takes %s at %s.", door.what, door.addr), "Start plait serve, or say with --"+door.flag+" where it listens.")
			continue
		}
		conn.Close()
		d.tell(fine, fmt.Sprintf("%s is taken at %s.", door.what, door.addr), "")
	}
}

// examineGateway looks whether a gateway answers, and what it says of itself.
func (d *doctor) examineGateway(ctx context.Context, c config) (apiClient, bool) {
	ctx, cancel := context.WithTimeout(ctx, doctorWaits)
	defer cancel()
	api := apiClient{API: baseURL("http://" + reachable(c.APIAddr))}
	var about struct {
		Version   string `json:"version"`
		Retention struct {
			TracesNS  int64 `json:"traces_ns"`
			LogsNS    int64 `json:"logs_ns"`
			MetricsNS int64 `json:"metrics_ns"`
		} `json:"retention"`
	}
	if err := api.fetch(ctx, "/api/v1/about", nil, &about); err != nil {
		d.tell(wrong, fmt.Sprintf("No gateway answers at %s: %v.", c.APIAddr, err), "Start plait serve, or say with --api-addr where it answers.")
		return api, false
	}
	if about.Version == version {
		d.tell(fine, fmt.Sprintf("The gateway at %s answers; its version is %s.", c.APIAddr, about.Version), "")
	} else {
		d.tell(doubtful, fmt.Sprintf("The gateway at %s is of version %s, this program of %s.", c.APIAddr, about.Version, version), "Start the gateway anew.")
	}
	retention := about.Retention
	if kept := time.Duration(min(retention.TracesNS, retention.LogsNS)); retention.MetricsNS < int64(kept) {
		d.tell(doubtful, "Samples and exemplars are kept for less time than spans or log records.", "Raise --retention-metrics: dashboards lead from metrics to traces.")
	} else {
		d.tell(fine, fmt.Sprintf("Spans are kept for %s, log records for %s, samples for %s.", days(retention.TracesNS), days(retention.LogsNS), days(retention.MetricsNS)), "")
	}
	return api, true
}

func days(nanos int64) string {
	const day = 24 * time.Hour
	if d := time.Duration(nanos); d%day != 0 {
		return d.String()
	}
	return fmt.Sprintf("%d days", time.Duration(nanos)/day)
}

// limitsTold bounds the limits of which the doctor tells.
const limitsTold = 10

// examineLimits looks whether the gateway's rate limits left something out in the last day.
func (d *doctor) examineLimits(ctx context.Context, api apiClient) {
	ctx, cancel := context.WithTimeout(ctx, doctorWaits)
	defer cancel()
	var intake struct {
		Limited []struct {
			Signal  string `json:"signal"`
			Service string `json:"service"`
			End     string `json:"end"`
			Came    int64  `json:"came"`
			Sampled int64  `json:"sampled"`
		} `json:"limited"`
	}
	if err := api.fetch(ctx, "/api/v1/intake", nil, &intake); err != nil {
		d.tell(wrong, fmt.Sprintf("What came in cannot be looked at: %v.", err), "")
		return
	}
	type limit struct{ signal, service string }
	told := map[limit]bool{}
	for _, l := range intake.Limited { // the newest first
		of := limit{l.Signal, l.Service}
		if told[of] || len(told) == limitsTold {
			continue
		}
		told[of] = true
		what, setting := "spans", "--max-spans-per-second"
		if l.Signal == "logs" {
			what, setting = "log records", "--max-records-per-second"
		}
		if l.Service != "" {
			what, setting = what+" of "+l.Service, "what --limits says of it"
		}
		d.tell(doubtful, fmt.Sprintf("Until %s %d of %d %s were sampled out by a rate limit.", l.End, l.Sampled, l.Came, what),
			"Raise "+setting+", or let senders sample, if more is to be stored.")
	}
}

// examineTelemetry prints what is to mend in what came in.
func (d *doctor) examineTelemetry(ctx context.Context, api apiClient, since moment) {
	query := url.Values{}
	set(query, map[string]string{"start": rfc3339(since.at)})
	var report struct {
		Totals struct {
			LogRecords  int64 `json:"log_records"`
			WithTraceID int64 `json:"with_trace_id"`
			IDsFound    int64 `json:"ids_found"`
			Spans       int64 `json:"spans"`
			Orphans     int64 `json:"orphan_spans"`
		} `json:"totals"`
		Services []struct {
			Service  string `json:"service"`
			Findings []struct {
				Says string `json:"says"`
				Mend string `json:"mend"`
			} `json:"findings"`
		} `json:"services"`
	}
	if err := api.fetch(ctx, "/api/v1/correlation", query, &report); err != nil {
		d.tell(wrong, fmt.Sprintf("The telemetry cannot be looked at: %v.", err), "")
		return
	}
	t := report.Totals
	if t.LogRecords+t.Spans == 0 {
		d.tell(doubtful, "Neither spans nor log records came in this time.", "Point a sender at the gateway: OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318.")
		return
	}
	d.tell(fine, fmt.Sprintf("%d spans, %d of which wait for a parent; %d log records, %d with a trace id, of which %d lead to a trace.",
		t.Spans, t.Orphans, t.LogRecords, t.WithTraceID, t.IDsFound), "")
	for _, s := range report.Services {
		for _, f := range s.Findings {
			d.tell(doubtful, s.Service+": "+f.Says, f.Mend)
		}
	}
}

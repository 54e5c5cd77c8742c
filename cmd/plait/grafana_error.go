package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/plaithq/plait"
)

// grafanaError is a refusal of Grafana's.
type grafanaError struct {
	status  int
	message string // Grafana's own words
	advice  string // what to do, or empty
	kind    error  // of the root package, or nil
}

// Error says what Grafana said and what to do.
func (e *grafanaError) Error() string {
	text := fmt.Sprintf("Grafana answered %d %s", e.status, http.StatusText(e.status))
	if e.message != "" {
		text += ": " + e.message
	}
	if e.advice != "" {
		text += ". " + e.advice
	}
	return text
}

// Unwrap returns the kind of error.
func (e *grafanaError) Unwrap() error { return e.kind }

// refusal reads an answer that is none of success.
func refusal(resp *http.Response, answer []byte) error {
	e := &grafanaError{status: resp.StatusCode}
	var told struct{ Message string }
	isGrafana := json.Unmarshal(answer, &told) == nil && told.Message != ""
	e.message = told.Message
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		e.advice = "It is at " + resp.Header.Get("Location") + ": give its address as it is with --grafana"
	case http.StatusUnauthorized:
		e.kind, e.advice = plait.ErrUnauthorized, "Give a service account's token with --token or PLAIT_GRAFANA_TOKEN (Grafana: Administration, Users and access, Service accounts)"
	case http.StatusForbidden:
		e.kind, e.advice = plait.ErrUnauthorized, "The token needs the role Editor for dashboards and Admin for data sources; what a file has provisioned cannot be changed at all"
	case http.StatusNotFound:
		if isGrafana {
			e.kind = plait.ErrNotFound
		} else {
			e.advice = "There is no Grafana at this address: --grafana has to have the path that Grafana is served under, if there is one"
		}
	case http.StatusConflict:
		e.advice = "Something of that name is there already: rename or remove it in Grafana"
	case http.StatusPreconditionFailed:
		e.advice = "Something of that name or uid is there that may not be replaced: rename or remove it in Grafana, or choose another folder with --folder"
	case http.StatusBadRequest:
		if strings.Contains(e.message, "provisioned") {
			e.advice = "This Grafana reads the dashboard from a file: change the file (plait dashboards export), or take it out of the provisioning"
		}
	}
	return e
}

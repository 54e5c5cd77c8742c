package prometheus

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/plaithq/plait"
)

// metadataHandler answers /api/v1/metadata, which Prometheus answers from its scrape targets,
// from what was pushed.
type metadataHandler struct{ storage Storage }

// maxMetadata is what Grafana asks for.
const maxMetadata = 40_000

// metadataEntry is spelled as Prometheus spells it.
type metadataEntry struct {
	Type plait.MetricType `json:"type"`
	Help string           `json:"help"`
	Unit string           `json:"unit"`
}

// envelope is around every answer of Prometheus's API.
type envelope struct {
	Status    string `json:"status"`
	Data      any    `json:"data,omitempty"`
	ErrorType string `json:"errorType,omitempty"`
	Error     string `json:"error,omitempty"`

	Warnings []string `json:"warnings,omitempty"`
}

// ServeHTTP answers with at most limit families; a family has one entry.
func (h *metadataHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	limit := maxMetadata
	if s := r.FormValue("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			answer(w, http.StatusBadRequest, envelope{Status: "error", ErrorType: "bad_data", Error: "limit must be a number"})
			return
		}
		if n >= 0 { // Prometheus takes a negative limit for none
			limit = min(n, maxMetadata)
		}
	}
	families, whole, err := h.storage.Metadata(r.Context(), r.FormValue("metric"), limit)
	if err != nil {
		answer(w, http.StatusServiceUnavailable, envelope{Status: "error", ErrorType: "unavailable", Error: err.Error()})
		return
	}
	data := make(map[string][]metadataEntry, len(families))
	for _, f := range families {
		data[f.Metric] = []metadataEntry{{Type: f.Type, Help: f.Help, Unit: f.Unit}}
	}
	body := envelope{Status: "success", Data: data}
	if !whole {
		body.Warnings = []string{"there is more metadata than an answer holds: ask for one metric"}
	}
	answer(w, http.StatusOK, body)
}

func answer(w http.ResponseWriter, status int, body envelope) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone needs no answer
}

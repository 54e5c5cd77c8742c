package prometheus

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/promsel"
)

const (
	// maxForm bounds the parameters of a request in bytes, in its body.
	maxForm = 256 << 10
	// maxSelectors bounds the repetitions of match[].
	maxSelectors = 100
)

// smallQueries refuses expressions that would take Prometheus's parser too long: its work has no
// time limit.
func smallQueries(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "application/x-www-form-urlencoded" || media == "multipart/form-data" {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		}
		if err := checkForm(r); err != nil {
			badData(w, plait.Message(err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkForm reads a request's parameters and checks those that are PromQL.
func checkForm(r *http.Request) error {
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(formMemory)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return plait.Errorf(plait.ErrInvalid, "the parameters have more than %d bytes", tooLarge.Limit)
	case err != nil && !errors.Is(err, http.ErrNotMultipart):
		return nil // found again by whoever reads a parameter
	}
	if n := len(r.Form["match[]"]); n > maxSelectors {
		return plait.Errorf(plait.ErrInvalid, "match[] is given %d times, the limit is %d", n, maxSelectors)
	}
	for _, name := range []string{"query", "match[]"} {
		for _, expression := range r.Form[name] {
			if err := promsel.Check(expression); err != nil {
				return plait.Errorf(plait.ErrInvalid, "invalid parameter %q: %w", name, err)
			}
		}
	}
	return nil
}

// badData answers as Prometheus does to parameters that are wrong.
func badData(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	// A client that is gone needs no answer.
	_ = json.NewEncoder(w).Encode(map[string]string{"status": "error", "errorType": "bad_data", "error": message})
}

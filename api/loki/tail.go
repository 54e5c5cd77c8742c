package loki

import (
	"net/http"
)

func (h *handler) tail(w http.ResponseWriter, r *http.Request) {
	http.Error(w, "not yet", http.StatusNotImplemented)
}

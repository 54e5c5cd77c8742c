package facetest_test

import (
	"io"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/api/facetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(int) { http.DefaultClient.CloseIdleConnections() }))
}

func TestAFaceIsAskedOverASocket(t *testing.T) {
	t.Parallel()
	url := facetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, `"`+r.Method+r.URL.Path+r.Header.Get("A")+`"`)
	}))
	for method, a := range map[string]facetest.Answer{
		"GET": facetest.Get(t, url+"/b", "A", "c"), "PUT": facetest.Ask(t.Context(), t, http.MethodPut, url+"/b", "A", "c"),
	} {
		if want := `"` + method + `/bc"`; a.Status != http.StatusTeapot || a.Kind() != "application/json" || string(a.Body) != want {
			t.Errorf("answer %d %s %s, want %s", a.Status, a.Kind(), a.Body, want)
		}
	}
}

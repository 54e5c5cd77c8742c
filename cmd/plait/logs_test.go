package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A gateway that looks for seldom records answers with an empty page and a cursor when its time
// for one answer is over.
func TestSearchGoesOnAfterAnEmptyPage(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"":     `{"logs":[],"next_cursor":"more"}`,
		"more": `{"logs":[{"id":"1"}],"next_cursor":"last"}`,
		"last": `{"logs":[{"id":"2"}]}`,
	}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, pages[r.URL.Query().Get("cursor")])
	}))
	defer gateway.Close()
	c := logsCommand{apiClient: apiClient{API: baseURL(gateway.URL)}}
	found, err := c.search(t.Context(), time.Time{}, 10)
	if err != nil || len(found) != 2 || found[0].ID != "1" || found[1].ID != "2" {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err = c.search(t.Context(), time.Time{}, 1); err != nil || len(found) != 1 {
		t.Errorf("with a limit: %+v, %v", found, err)
	}
}

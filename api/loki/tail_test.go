package loki

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/plaithq/plait"
)

// follow opens a tail.
func (s *server) follow(t *testing.T, query string, header http.Header) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	socket, resp, err := websocket.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1)+root+"tail?query="+url.QueryEscape(query), &websocket.DialOptions{HTTPHeader: header})
	if resp != nil && resp.Body != nil && err != nil {
		resp.Body.Close()
	}
	return socket, resp, err
}

// told reads a frame, and returns its lines.
func told(t *testing.T, socket *websocket.Conn) (all []string) {
	t.Helper()
	_, body, err := socket.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Streams []struct {
			Stream map[string]string
			Values [][]string
		}
		Dropped []any `json:"dropped_entries"`
	}
	if err := json.Unmarshal(body, &f); err != nil || f.Dropped == nil {
		t.Fatalf("%v in %s", err, body)
	}
	for _, s := range f.Streams {
		for _, v := range s.Values {
			all = append(all, v[1])
		}
	}
	return all
}

func TestATailTellsTheNewestLinesAndWhatComes(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *Config) { c.Now = time.Now })
	cart := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "cart")}}
	record := func(body string) plait.LogRecord {
		return plait.LogRecord{TimeNanos: time.Now().UnixNano(), Resource: cart, Body: plait.StringValue(body)}
	}
	s.write(t, record("one paid"), record("two paid"), record("refused"))
	socket, _, err := s.follow(t, `{service_name="cart"} |= "paid"`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(told(t, socket), ","); got != "one paid,two paid" {
		t.Errorf("at first %s", got)
	}
	s.write(t, record("refused"), record("three paid"))
	if got := strings.Join(told(t, socket), ","); got != "three paid" {
		t.Errorf("then %s", got)
	}
	if err := socket.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

func TestTailsEndWithTheGateway(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	s := start(t, func(c *Config) { c.Ended = ended })
	socket, _, err := s.follow(t, `{service_name="cart"}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	close(ended)
	if _, _, err := socket.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Error(err)
	}
}

func TestTailsThatAreWrongAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for query, status := range map[string]int{`{`: 400, `rate({a="b"}[1m])`: 400, ``: 400} {
		if _, resp, err := s.follow(t, query, nil); err == nil || resp.StatusCode != status {
			t.Errorf("%q: %v", query, err)
		}
	}
	if _, resp, err := s.follow(t, `{a="b"}`, http.Header{"Origin": {"https://elsewhere.example"}}); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site: %v", err)
	}
}

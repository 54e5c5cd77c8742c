package forward

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/plaithq/plait/store/outbox"
)

// A proxy resets streams while what stands behind it is away. That is no answer, however long it lasts.
func TestACutStreamOfGRPCIsNoRefusal(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	server.Config.Protocols = &protocols
	server.Start()
	t.Cleanup(server.Close)
	target := targetAt(t, "a", "otlp_grpc", server.Listener.Addr().String())
	target.Signals = []string{"traces"}
	g.start(target)
	g.write(spans("a", 3)...)
	s := g.until("a", func(s outbox.Status) bool {
		var sum time.Duration
		for _, d := range g.waited() {
			sum += d
		}
		return sum > patientFor+5*time.Minute || s.Refused > 0
	})
	if s.Waiting != 3 || s.Refused != 0 || s.Failing == 0 {
		t.Errorf("%+v, set aside: %q", s, g.refusals("a"))
	}
}

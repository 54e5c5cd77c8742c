package ingest

import (
	"net"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestXRaysSDKsSendDatagrams(t *testing.T) {
	t.Parallel()
	var g *gate
	ts := start(t, withGate(&g), func(c *Config, _ *Deps) { c.XRayAddr = "127.0.0.1:0" })
	conn, err := net.Dial("udp", ts.datagrams.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const head = `{"format":"json","version":1}` + "\n"
	send := func(datagram string) {
		if _, err := conn.Write([]byte(datagram)); err != nil {
			t.Fatal(err)
		}
	}
	send("hello")
	for len(ts.Intake()) == 0 { // until it is counted
		runtime.Gosched()
	}
	send(head + xraySegment(1))
	<-g.waiting
	close(g.open)
	if err := ts.stop(); err != nil { // what was taken is led to its end
		t.Fatal(err)
	}
	if diff := cmp.Diff(xrayDoors()[0].want, ts.outline(t, testTraceID(1))); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	for _, r := range ts.Intake() {
		if r.Door == "xray_udp" && (r.Requests != 2 || r.Stored != 2 || r.Refused != 1 || r.LastRefusal.Answer != "invalid") {
			t.Errorf("what is told of the datagrams: %+v, %+v", r, r.LastRefusal)
		}
	}
}

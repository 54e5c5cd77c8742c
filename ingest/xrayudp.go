package ingest

import (
	"context"
	"net"

	"github.com/plaithq/plait/sockets"
	"github.com/plaithq/plait/wire/xray"
)

// maxDatagrams bounds the datagrams that wait for their commit: 64 KiB each at most, and what they decode to is in the budget.
const maxDatagrams = 64

// datagrams is the way in for what X-Ray's SDKs send to a daemon. UDP has no answers: what cannot be taken is counted
// and lost.
func (d *xrayDoor) datagrams(c Config, in *intake) *sockets.Datagrams {
	return sockets.NewDatagrams(sockets.DatagramConfig{
		Name: "X-Ray's datagrams", Addr: c.XRayAddr, MaxAtOnce: maxDatagrams, ShutdownGrace: c.ShutdownGrace,
		Handle: func(ctx context.Context, sender net.Addr, datagram []byte) {
			in.take(ctx, request{
				door: "xray_udp", sender: sockets.Sender(sender.String()),
				serve: func(b *body) (outcome, error) {
					if err := b.hold(datagram); err != nil {
						return outcome{}, err
					}
					return d.pipeline.takeSpans(ctx, b, xray.DecodeDatagram)
				},
				fail: func(answer, error) error { return nil }, // nobody waits for it
			})
		},
	})
}

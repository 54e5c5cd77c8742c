package spanmetrics_test

import (
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

func TestBoundsAreWrittenAsOpenMetricsDoes(t *testing.T) {
	t.Parallel()
	for bound, want := range map[float64]string{0.002: "0.002", 5: "5.0", 1e21: "1e+21"} {
		if got := spanmetrics.BucketLabel(bound); got != want {
			t.Errorf("%g: got %s, want %s", bound, got, want)
		}
	}
	if b := spanmetrics.LatencyBuckets(); len(b) != 14 || spanmetrics.BucketLabel(b[13]) != "16.384" {
		t.Errorf("the buckets are %v", b)
	}
}

func TestAttributesNameWhomAClientCalls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind             plait.SpanKind
		attributes       map[string]plait.Value
		peer, connection string
	}{
		"nothing":     {kind: plait.SpanKindClient},
		"an address":  {plait.SpanKindClient, map[string]plait.Value{"server.address": plait.StringValue("api.example.com")}, "api.example.com", ""},
		"no text":     {plait.SpanKindClient, map[string]plait.Value{"db.name": plait.IntValue(1), "db.system": plait.StringValue("")}, "", ""},
		"a database":  {plait.SpanKindClient, map[string]plait.Value{"db.system": plait.StringValue("mysql"), "db.name": plait.StringValue("orders")}, "orders", "database"},
		"its own":     {plait.SpanKindClient, map[string]plait.Value{"db.system": plait.StringValue("mysql"), "peer.service": plait.StringValue("store")}, "store", "database"},
		"a queue":     {plait.SpanKindProducer, map[string]plait.Value{"messaging.system": plait.StringValue("kafka")}, "kafka", "messaging_system"},
		"another key": {plait.SpanKindClient, map[string]plait.Value{"http.host": plait.StringValue("shop")}, "", ""},
	} {
		var attributes plait.Attributes
		for key, value := range test.attributes {
			attributes = append(attributes, plait.Attribute{Key: key, Value: value})
		}
		if peer, connection := spanmetrics.PeerOf(test.kind, attributes); peer != test.peer || connection.String() != test.connection {
			t.Errorf("%s: %q by %q, want %q by %q", name, peer, connection, test.peer, test.connection)
		}
	}
}

package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/sync/errgroup"
)

// checkout turns a cart into an order.
type checkout struct {
	*service
	orders metric.Int64Counter
	value  metric.Float64Histogram
}

func openCheckout(s *service) error {
	meter := s.telemetry.metrics.Meter("shop/checkout")
	orders, err := meter.Int64Counter("shop.orders", metric.WithDescription("Orders by outcome."))
	if err != nil {
		return fmt.Errorf("make counter of orders: %w", err)
	}
	value, err := meter.Float64Histogram("shop.order.value", metric.WithUnit("EUR"), metric.WithDescription("Value of orders placed."),
		metric.WithExplicitBucketBoundaries(10, 25, 50, 100, 200, 400))
	if err != nil {
		return fmt.Errorf("make histogram of order values: %w", err)
	}
	c := &checkout{service: s, orders: orders, value: value}
	s.handle("POST /orders/{cart}", c.order)
	return nil
}

func (c *checkout) order(r *http.Request) (any, error) {
	ctx, cart, network := r.Context(), r.PathValue("cart"), r.URL.Query().Get("network")
	id := fmt.Sprintf("o-%06d", rand.IntN(1_000_000))
	annotate(ctx, attribute.String("order.id", id), attribute.String("card.network", network))
	cents, err := c.place(ctx, cart, id, network)
	outcome := "placed"
	if err != nil {
		outcome = "abandoned"
		c.log.ErrorContext(ctx, fmt.Sprintf("order %s abandoned: %v", id, err), "order.id", id, "cart.id", cart)
	} else {
		c.log.InfoContext(ctx, "order placed", "order.id", id, "cart.id", cart, "order.cents", cents)
		c.value.Record(ctx, float64(cents)/100)
	}
	c.orders.Add(ctx, 1, metric.WithAttributes(attribute.String("outcome", outcome)))
	return map[string]any{"order": id, "cents": cents}, err
}

// place reserves the goods and asks for a shipping quote side by side, then takes the money.
func (c *checkout) place(ctx context.Context, cart, id, network string) (cents int, err error) {
	var items []int
	if err := c.post(ctx, "cart", "/carts/"+url.PathEscape(cart)+"/take", &items); err != nil {
		return 0, err
	}
	var quote struct{ Cents int }
	group, sideCtx := errgroup.WithContext(ctx)
	for _, i := range items {
		cents += products[i].Cents
		group.Go(func() error { return c.post(sideCtx, "inventory", fmt.Sprintf("/stock/%d/reserve", i), nil) })
	}
	group.Go(func() error { return c.get(sideCtx, "shipping", fmt.Sprintf("/quotes?items=%d", len(items)), &quote) })
	if err := group.Wait(); err != nil {
		return 0, err
	}
	cents += quote.Cents
	return cents, c.post(ctx, "payment", fmt.Sprintf("/payments/%s?cents=%d&network=%s", id, cents, url.QueryEscape(network)), nil)
}

// openShipping quotes prices. It is one of the old ones: see legacy.go.
func openShipping(s *service) {
	lines := s.lineLogger("shipping.log")
	s.handle("GET /quotes", func(r *http.Request) (any, error) {
		carrier := one([]string{"rapid", "steady", "barge"})
		annotate(r.Context(), attribute.String("carrier", carrier))
		takes := about(14 * time.Millisecond)
		if err := wait(r.Context(), takes); err != nil {
			return nil, err
		}
		lines.text(r.Context(), log.SeverityInfo, "quoted %s items with carrier %s", r.URL.Query().Get("items"), carrier)
		if carrier == "barge" {
			lines.text(r.Context(), log.SeverityWarn, "carrier barge answered in %d ms, its price may be old", takes.Milliseconds())
		}
		return map[string]int{"cents": 390 + rand.IntN(5)*100}, nil
	})
}

// attempts is how often payment asks the bank.
const attempts = 3

// openPayment charges cards through the bank.
func openPayment(s *service) {
	s.handle("POST /payments/{order}", func(r *http.Request) (any, error) {
		ctx, order := r.Context(), r.PathValue("order")
		query := url.Values{"cents": r.URL.Query()["cents"], "network": r.URL.Query()["network"]}
		network := query.Get("network")
		annotate(ctx, attribute.String("order.id", order), attribute.String("card.network", network))
		var err error
		for attempt := range attempts {
			if err = s.post(ctx, "bank", "/authorisations?"+query.Encode(), nil); err == nil {
				s.log.InfoContext(ctx, "payment authorised", "order.id", order, "card.network", network)
				return map[string]string{"payment": "authorised"}, nil
			}
			s.log.WarnContext(ctx, fmt.Sprintf("authorisation attempt %d of %d failed: %v", attempt+1, attempts, err),
				"order.id", order, "card.network", network)
			if waitErr := wait(ctx, about(120*time.Millisecond<<attempt)); waitErr != nil {
				return nil, waitErr
			}
		}
		s.log.ErrorContext(ctx, fmt.Sprintf("payment for order %s failed after %d attempts", order, attempts),
			"order.id", order, "card.network", network)
		return nil, fmt.Errorf("authorise payment: %w", err)
	})
}

// bank is the other old one, run by somebody else.
type bank struct {
	*service
	lines  *lineLogger
	faults *faults
}

func openBank(s *service, f *faults) *bank {
	b := &bank{service: s, lines: s.lineLogger("authorisation.json"), faults: f}
	s.handle("POST /authorisations", b.authorise)
	return b
}

func (b *bank) authorise(r *http.Request) (any, error) {
	ctx, network := r.Context(), r.URL.Query().Get("network")
	annotate(ctx, attribute.String("card.network", network))
	if err := wait(ctx, about(45*time.Millisecond)); err != nil {
		return nil, err
	}
	members := map[string]any{"network": network, "cents": r.URL.Query().Get("cents")}
	if b.faults.bankRefuses.Load() && network == refusedNetwork {
		if err := wait(ctx, about(400*time.Millisecond)); err != nil {
			return nil, err
		}
		b.lines.json(ctx, log.SeverityError, "key server session for network "+network+" is locked, authorisation refused", members)
		return nil, b.fail(http.StatusServiceUnavailable, "key server session is locked")
	}
	b.lines.json(ctx, log.SeverityInfo, "authorised", members)
	return map[string]bool{"authorised": true}, nil
}

// refusingFault is the key server that locks itself.
func (b *bank) refusingFault() fault {
	return fault{
		name: "failing payment", active: &b.faults.bankRefuses,
		begins: func(context.Context) {
			b.lines.ship(log.SeverityWarn, `{"level":"WARN","message":"key server locked session of network `+refusedNetwork+` after certificate rollover"}`)
		},
		heals: func(context.Context) {
			b.lines.ship(log.SeverityInfo, `{"level":"INFO","message":"key server session of network `+refusedNetwork+` is open again"}`)
		},
	}
}

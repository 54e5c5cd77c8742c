package demo

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	// userCount is how many shoppers there are; few of them come often.
	userCount = 400
	// pagesPerVisit is how many pages a visit asks for on average.
	pagesPerVisit = 6.4
	// maxVisits bounds how many shoppers are in the shop at once, should it get slow.
	maxVisits = 100
	thinkTime = 600 * time.Millisecond
)

// crowd is the people who visit.
type crowd struct {
	storefront string // base URL
	client     *http.Client
}

// visit lets shoppers come at random times, rate pages a second in sum, until the context ends
// and all have left.
func (c *crowd) visit(ctx context.Context, rate float64) {
	gap := time.Duration(pagesPerVisit / rate * float64(time.Second))
	room := make(chan struct{}, maxVisits)
	var visits sync.WaitGroup
	defer visits.Wait()
	for wait(ctx, time.Duration(rand.ExpFloat64()*float64(gap))) == nil {
		select {
		case room <- struct{}{}:
			visits.Go(func() {
				defer func() { <-room }()
				c.shop(ctx)
			})
		default: // full: this one walks on
		}
	}
}

// shopper is one visit.
type shopper struct {
	*crowd
	user, cart, region, network string
}

// shop is a visit: look around, look at things, and half of the time buy.
func (c *crowd) shop(ctx context.Context) {
	n := skewed(userCount)
	s := shopper{
		crowd:   c,
		user:    fmt.Sprintf("u-%03d", n),
		cart:    fmt.Sprintf("c-%06d", rand.IntN(1_000_000)),
		region:  regions[n%len(regions)],
		network: networks[n%7%len(networks)],
	}
	s.ask(ctx, http.MethodGet, "/home")
	for range 1 + rand.IntN(5) {
		product := skewed(productCount)
		if s.think(ctx) != nil {
			return
		}
		s.ask(ctx, http.MethodGet, fmt.Sprintf("/products/%d", product))
		if rand.IntN(5) < 2 {
			s.ask(ctx, http.MethodPost, fmt.Sprintf("/cart/%d", product))
			if s.think(ctx) != nil {
				return
			}
			s.ask(ctx, http.MethodPost, "/checkout")
		}
	}
}

// think is the pause before a click.
func (s *shopper) think(ctx context.Context) error { return wait(ctx, about(thinkTime)) }

// ask requests a page. What goes wrong is the shop's to record; shoppers just go on.
func (s *shopper) ask(ctx context.Context, method, path string) {
	// A request that has begun is finished, so that closing the shop leaves no broken traces.
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), method, s.storefront+path, nil)
	if err != nil {
		return
	}
	req.Header.Set("X-User", s.user)
	req.Header.Set("X-Cart", s.cart)
	req.Header.Set("X-Region", s.region)
	req.Header.Set("X-Card-Network", s.network)
	res, err := s.client.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
}

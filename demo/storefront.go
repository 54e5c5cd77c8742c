package demo

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// slowPage is what the storefront's log calls slow.
const slowPage = 700 * time.Millisecond

// storefront is what shoppers see: it composes pages from the services behind it.
type storefront struct{ *service }

func openStorefront(s *service) {
	f := storefront{s}
	s.handle("GET /home", f.page(f.home))
	s.handle("GET /products/{id}", f.page(f.product))
	s.handle("POST /cart/{id}", f.page(f.addToCart))
	s.handle("POST /checkout", f.page(f.checkout))
}

// page writes the access log and notes who asked.
func (f storefront) page(answer func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		ctx, start := r.Context(), time.Now()
		user, region := r.Header.Get("X-User"), r.Header.Get("X-Region")
		annotate(ctx, attribute.String("user.id", user), attribute.String("client.region", region))
		body, err := answer(r)
		took := time.Since(start)
		who := []any{"user.id", user, "http.route", r.Pattern, "duration_ms", took.Milliseconds()}
		switch {
		case err != nil:
			f.log.ErrorContext(ctx, fmt.Sprintf("%s %s failed: %v", r.Method, r.URL.Path, err), who...)
		case took > slowPage:
			f.log.WarnContext(ctx, fmt.Sprintf("%s %s was slow: %d ms", r.Method, r.URL.Path, took.Milliseconds()), who...)
		default:
			f.log.InfoContext(ctx, fmt.Sprintf("%s %s in %d ms", r.Method, r.URL.Path, took.Milliseconds()), who...)
		}
		return body, err
	}
}

func (f storefront) home(r *http.Request) (any, error) {
	var offers []product
	if err := f.get(r.Context(), "catalog", "/products", &offers); err != nil {
		return nil, err
	}
	return map[string]any{"offers": offers}, render(r.Context(), 4*time.Millisecond)
}

func (f storefront) product(r *http.Request) (any, error) {
	ctx := r.Context()
	var p product
	if err := f.get(ctx, "catalog", "/products/"+r.PathValue("id"), &p); err != nil {
		return nil, err
	}
	annotate(ctx, attribute.String("product.category", p.Category))
	var stock map[string]int
	if err := f.get(ctx, "inventory", "/stock/"+r.PathValue("id"), &stock); err != nil {
		return nil, err
	}
	return map[string]any{"product": p, "stock": stock["quantity"]}, render(ctx, 6*time.Millisecond)
}

func (f storefront) addToCart(r *http.Request) (any, error) {
	path := fmt.Sprintf("/carts/%s/%s", r.Header.Get("X-Cart"), r.PathValue("id"))
	return map[string]string{"cart": "ok"}, f.post(r.Context(), "cart", path, nil)
}

func (f storefront) checkout(r *http.Request) (any, error) {
	var order map[string]any
	path := fmt.Sprintf("/orders/%s?network=%s", r.Header.Get("X-Cart"), r.Header.Get("X-Card-Network"))
	if err := f.post(r.Context(), "checkout", path, &order); err != nil {
		return nil, err
	}
	return order, render(r.Context(), 5*time.Millisecond)
}

// render stands for the work of making a page.
func render(ctx context.Context, median time.Duration) error { return wait(ctx, about(median)) }

// productNumber reads the id of a path.
func (s *service) productNumber(r *http.Request) (int, error) {
	i, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || i < 0 || i >= len(products) {
		return 0, s.fail(http.StatusNotFound, "no product %q", r.PathValue("id"))
	}
	return i, nil
}

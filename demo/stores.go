package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// openCatalog serves the goods out of a cache that misses now and then.
func openCatalog(s *service) error {
	db, err := s.database("catalog-db", semconv.DBSystemNamePostgreSQL)
	if err != nil {
		return err
	}
	s.handle("GET /products", func(r *http.Request) (any, error) {
		err := db.query(r.Context(), "SELECT", "product",
			"SELECT sku, name, cents FROM product ORDER BY popularity DESC LIMIT 12", about(9*time.Millisecond))
		return products[:12], err
	})
	s.handle("GET /products/{id}", func(r *http.Request) (any, error) {
		i, err := s.productNumber(r)
		if err != nil {
			return nil, err
		}
		p := products[i]
		annotate(r.Context(), attribute.String("product.category", p.Category))
		if rand.IntN(4) > 0 {
			s.log.DebugContext(r.Context(), "product from cache", "product.sku", p.SKU)
			return p, wait(r.Context(), about(time.Millisecond))
		}
		s.log.InfoContext(r.Context(), "product not in cache, asking the database", "product.sku", p.SKU)
		return p, db.query(r.Context(), "SELECT", "product",
			"SELECT * FROM product WHERE sku = $1", about(7*time.Millisecond))
	})
	return nil
}

// carts keeps what shoppers have put aside.
type carts struct {
	*service
	db *database
	mu sync.Mutex
	of map[string][]int
}

func openCart(s *service) error {
	db, err := s.database("cart-redis", semconv.DBSystemNameRedis)
	if err != nil {
		return err
	}
	c := &carts{service: s, db: db, of: map[string][]int{}}
	s.handle("POST /carts/{cart}/{id}", c.add)
	s.handle("POST /carts/{cart}/take", c.take)
	return nil
}

func (c *carts) add(r *http.Request) (any, error) {
	i, err := c.productNumber(r)
	if err != nil {
		return nil, err
	}
	cart := r.PathValue("cart")
	c.mu.Lock()
	c.of[cart] = append(c.of[cart], i)
	n := len(c.of[cart])
	c.mu.Unlock()
	c.log.InfoContext(r.Context(), "added to cart", "cart.id", cart, "product.sku", products[i].SKU, "cart.items", n)
	return map[string]int{"items": n}, c.db.query(r.Context(), "RPUSH", "cart", "RPUSH cart:? ?", about(time.Millisecond))
}

// take empties a cart into the order that is being made.
func (c *carts) take(r *http.Request) (any, error) {
	cart := r.PathValue("cart")
	c.mu.Lock()
	items := c.of[cart]
	delete(c.of, cart)
	c.mu.Unlock()
	if len(items) == 0 {
		return nil, c.fail(http.StatusConflict, "cart %s is empty", cart)
	}
	return items, c.db.query(r.Context(), "LPOP", "cart", "LPOP cart:? ?", about(2*time.Millisecond))
}

// stock knows how much of everything lies where.
type stock struct {
	*service
	db     *database
	faults *faults
}

func openInventory(s *service, f *faults) (*stock, error) {
	db, err := s.database("inventory-db", semconv.DBSystemNamePostgreSQL)
	if err != nil {
		return nil, err
	}
	st := &stock{service: s, db: db, faults: f}
	s.handle("GET /stock/{id}", func(r *http.Request) (any, error) {
		return st.look(r, "SELECT", "SELECT quantity FROM stock WHERE warehouse = $1 AND sku = $2")
	})
	s.handle("POST /stock/{id}/reserve", func(r *http.Request) (any, error) {
		left, err := st.look(r, "UPDATE", "UPDATE stock SET reserved = reserved + 1 WHERE warehouse = $1 AND sku = $2 RETURNING quantity")
		if err == nil {
			s.log.InfoContext(r.Context(), "stock reserved", "product.id", r.PathValue("id"))
		}
		return left, err
	})
	return st, nil
}

func (s *stock) look(r *http.Request, operation, text string) (any, error) {
	i, err := s.productNumber(r)
	if err != nil {
		return nil, err
	}
	ctx, p := r.Context(), products[i]
	annotate(ctx, attribute.String("warehouse", p.Warehouse))
	takes := about(6 * time.Millisecond)
	slow := s.faults.slowStock.Load() && p.Warehouse == slowWarehouse
	if slow {
		takes = between(900*time.Millisecond, 2600*time.Millisecond)
	}
	if err := s.db.query(ctx, operation, "stock", text, takes); err != nil {
		return nil, err
	}
	if slow {
		s.log.WarnContext(ctx, fmt.Sprintf("slow query: %d ms, sequential scan on stock (warehouse=%s), 1204117 rows read for 1",
			takes.Milliseconds(), p.Warehouse), "db.query.text", text, "warehouse", p.Warehouse, "duration_ms", takes.Milliseconds())
	}
	return map[string]int{"quantity": 1 + i*13%50}, nil
}

// slowFault is the index that goes and comes back.
func (s *stock) slowFault() fault {
	return fault{
		name: "slow query", active: &s.faults.slowStock,
		begins: func(ctx context.Context) {
			s.log.WarnContext(ctx, "index stock_warehouse_sku_idx is invalid; queries for warehouse "+slowWarehouse+" scan the table")
		},
		heals: func(ctx context.Context) { s.log.InfoContext(ctx, "index stock_warehouse_sku_idx is rebuilt") },
	}
}

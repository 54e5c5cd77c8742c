package demo

import "fmt"

// A product as the catalog knows it.
type product struct {
	SKU       string `json:"sku"`
	Name      string `json:"name"`
	Category  string `json:"category"`
	Warehouse string `json:"warehouse"` // where its stock lies
	Cents     int    `json:"cents"`
}

var (
	categories = []string{"books", "garden", "kitchen", "toys"}
	// Half of the goods lie in the warehouse that the slow query hits.
	warehouses = []string{slowWarehouse, "rotterdam", slowWarehouse, "lyon"}
	networks   = []string{"meridian", "unity", "northcard"}
	regions    = []string{"eu-central", "eu-west", "us-east"}
)

const productCount = 60

// products are all that the shop sells; product i has the path /products/i.
var products = func() []product {
	all := make([]product, productCount)
	for i := range all {
		category := categories[i%len(categories)]
		all[i] = product{
			SKU:       fmt.Sprintf("%s-%03d", category[:3], i),
			Name:      fmt.Sprintf("%s no. %d", category, i),
			Category:  category,
			Warehouse: warehouses[(i/len(categories)+i)%len(warehouses)],
			Cents:     490 + 370*(i*7%23),
		}
	}
	return all
}()

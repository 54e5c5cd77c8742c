// Package page opens the page in a browser, on gateways that run as users run them, and holds its built
// files to their source. What is done and seen in the browser stands in web/test/browser.
//
// It needs what scripts/page-tools.sh gets: `make test` calls it. Without them it fails.
package page

import (
	"flag"
	"testing"

	"github.com/plaithq/plait/store/storetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	storetest.Main(m)
}

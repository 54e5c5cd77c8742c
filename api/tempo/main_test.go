package tempo

import (
	"testing"

	"github.com/plaithq/plait/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

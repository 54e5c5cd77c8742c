package spans

import (
	"context"
	"fmt"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

const servicesSQL = `
SELECT service, first_seen, last_seen
FROM plait_store.service
WHERE service > $1
ORDER BY service
LIMIT $2`

// Services lists the services whose spans or log records are kept, by name, at most limit of
// those after a name; after "" they begin. It reads a dictionary and no telemetry. When a
// service was seen is known some seconds late.
func (s *Reader) Services(ctx context.Context, after string, limit int) ([]plait.ServiceSeen, error) {
	var services []plait.ServiceSeen
	err := pg.QueryRows(ctx, s.lookup, func(v [][]byte) {
		services = append(services, plait.ServiceSeen{
			Service: string(v[0]), First: time.UnixMicro(rowcodec.TimeMicros(v[1])).UTC(), Last: time.UnixMicro(rowcodec.TimeMicros(v[2])).UTC(),
		})
	}, servicesSQL, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	return services, nil
}

package api

import (
	"context"
	"encoding/base64"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
)

// ServiceLister lists services.
type ServiceLister interface {
	// Services lists the services whose spans or log records are kept, by name, at most limit
	// of those after a name; after "" they begin.
	Services(ctx context.Context, after string, limit int) ([]plait.ServiceSeen, error)
}

type servicesParams struct {
	Limit  int          `query:"limit" default:"1000" max:"5000"`
	Cursor afterService `query:"cursor"`
}

type servicesAnswer struct {
	Services   []serviceSeen `json:"services"`
	NextCursor string        `json:"next_cursor,omitempty"`
}

type serviceSeen struct {
	Service   string `json:"service"`
	FirstSeen string `json:"first_seen"`
	LastSeen  string `json:"last_seen"`
}

// afterService is a place in the list of services: after the one of this name. Users see an
// opaque text.
type afterService string

func (a afterService) String() string { return base64.RawURLEncoding.EncodeToString([]byte(a)) }

// UnmarshalText reads a cursor.
func (a *afterService) UnmarshalText(text []byte) error {
	name, err := base64.RawURLEncoding.DecodeString(string(text))
	if err != nil {
		return noCursor(text)
	}
	*a = afterService(name)
	return nil
}

// listServices lists what has sent spans or log records.
func (s *Server) listServices(ctx context.Context, p servicesParams) (*servicesAnswer, error) {
	found, err := s.deps.Services.Services(ctx, string(p.Cursor), p.Limit+1)
	if err != nil {
		return nil, err
	}
	answer := &servicesAnswer{Services: make([]serviceSeen, 0, len(found))}
	for i, seen := range found {
		if i == p.Limit {
			answer.NextCursor = afterService(found[i-1].Service).String()
			break
		}
		answer.Services = append(answer.Services, serviceSeen{
			Service: seen.Service, FirstSeen: ask.Stamp(seen.First.UnixNano()), LastSeen: ask.Stamp(seen.Last.UnixNano()),
		})
	}
	return answer, nil
}

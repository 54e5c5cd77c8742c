package ingest

import (
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/plaithq/plait"
)

// grpcServices are gRPC's own services, health and reflection, by gRPC's own server. Their messages
// are small and their calls few, and bounded apart from the requests that carry telemetry.
type grpcServices struct {
	server *grpc.Server
	health *health.Server
	calls  chan struct{} // has a value for each call
}

const (
	// maxServiceCalls bounds the calls at one time: streams that watch the health may last.
	maxServiceCalls = 64
	// maxServiceMessage bounds their messages, which are names of services and files.
	maxServiceMessage = 16 << 10
	// serviceCallTime is how long a call may take to say what it wants.
	serviceCallTime = 10 * time.Second
)

var errManyCalls = plait.Errorf(plait.ErrOverloaded, "%d calls of gRPC's own services are under way: come back later", maxServiceCalls)

func newGRPCServices(methods []grpcMethod) *grpcServices {
	g := &grpcServices{
		server: grpc.NewServer(grpc.MaxRecvMsgSize(maxServiceMessage)),
		health: health.NewServer(),
		calls:  make(chan struct{}, maxServiceCalls),
	}
	healthpb.RegisterHealthServer(g.server, g.health)
	for i := range methods { // for reflection to name them; their calls come to grpcMethod.serve
		g.server.RegisterService(&grpc.ServiceDesc{ServiceName: methods[i].service(), HandlerType: (*any)(nil), Metadata: methods[i].proto}, g)
	}
	reflection.Register(g.server)
	return g
}

// stop ends the calls and says to those who ask that the gateway serves no more.
func (g *grpcServices) stop() {
	g.health.Shutdown()
	g.server.Stop()
}

// serveOther answers everything that is no export.
func (s *Server) serveOther(w http.ResponseWriter, r *http.Request) {
	g := s.services
	select {
	case g.calls <- struct{}{}:
		defer func() { <-g.calls }()
	default:
		failGRPC(w, answerTo(errManyCalls))
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(s.intake.now().Add(serviceCallTime)) // HTTP/2 always can
	g.server.ServeHTTP(w, r)
}

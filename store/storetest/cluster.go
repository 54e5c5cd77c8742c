package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/citus"
)

// A database of a cluster is a database of the same name on every node. Citus keeps what it knows in
// tables, by host and port, so clones of a database on all nodes make up a cluster as well.

// testShards is into how many parts tables are cut: several on each node, and not more, since each test has its own.
const testShards = 4

// OnCitus says whether the databases are those of a Citus cluster.
func OnCitus() bool { return os.Getenv("PLAIT_TEST_CITUS") != "" }

// joinCluster makes the workers at the addresses part of the server.
func (s *server) joinCluster(addresses string) error {
	if addresses == "" {
		return nil
	}
	if s.private != nil {
		return errors.New("PLAIT_TEST_CITUS names workers: name their coordinator in PLAIT_TEST_DATABASE_URL")
	}
	s.cluster = []*url.URL{s.admin}
	for address := range strings.SplitSeq(addresses, ",") {
		worker := *s.admin
		worker.Host = address
		s.cluster = append(s.cluster, &worker)
	}
	return nil
}

func (s *server) nodes() []*url.URL {
	if s.cluster == nil {
		return []*url.URL{s.admin}
	}
	return s.cluster
}

// makeEmpty makes a cluster of empty databases.
func (s *server) makeEmpty() (string, error) {
	if s.cluster == nil {
		return "template0", nil
	}
	ctx := context.Background()
	name := s.prefix + "empty"
	if err := s.create(ctx, name, "template0"); err != nil {
		return "", err
	}
	for _, node := range s.cluster {
		u := *node
		u.Path = "/" + name
		if err := execAt(ctx, u.String(), "CREATE EXTENSION citus"); err != nil {
			return "", err
		}
	}
	statements := []string{fmt.Sprintf("SELECT citus_set_coordinator_host('%s', %s)", s.admin.Hostname(), s.admin.Port())}
	for _, worker := range s.cluster[1:] {
		statements = append(statements, fmt.Sprintf("SELECT citus_add_node('%s', %s)", worker.Hostname(), worker.Port()))
	}
	if err := execAt(ctx, s.url(name), statements...); err != nil {
		return "", err
	}
	return name, s.seal(ctx, name)
}

// distribute spreads the tables of a database over the nodes of a cluster.
func (s *server) distribute(ctx context.Context, name string) error {
	if s.cluster == nil {
		return nil
	}
	return store.Distribute(ctx, s.url(name), citus.Options{Shards: testShards, Report: func(string) {}})
}

// seal makes a database a template: no database in which somebody is can be cloned, and Citus itself comes back into one where it was used.
func (s *server) seal(ctx context.Context, name string) error {
	if s.cluster == nil {
		return nil
	}
	return s.exec(ctx, "ALTER DATABASE "+quote(name)+" ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '"+name+"'")
}

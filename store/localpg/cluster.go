package localpg

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	userName     = "plait"
	databaseName = "plait"
	port         = "5432" // part of the socket's name

	// maxSocketPath is what the address of a unix socket holds on every system: Linux
	// takes 107 bytes, macOS 103.
	maxSocketPath = 103
)

// cluster is a Postgres cluster on disk and how its programs are run.
type cluster struct {
	pgDir     string
	logDir    string
	socketDir string
	// port is in the socket's name, and what TCP listens on if listenHost is not empty.
	port       string
	listenHost string
	password   string
	// mark is in the command line of every process of the cluster.
	mark     string
	programs programs
	account  account
	settings map[string]string
	// compression is the method that the server was built with.
	compression string
	log         *slog.Logger
}

// openCluster finds the cluster below dir, or makes it, and all that it needs to run.
func openCluster(ctx context.Context, dir string, cfg Config, log *slog.Logger) (*cluster, error) {
	c := &cluster{
		pgDir:    filepath.Join(dir, "pg"),
		logDir:   filepath.Join(dir, "log"),
		settings: cfg.Settings,
		log:      log,
	}
	if err := c.setListen(ctx, cfg.ListenAddr); err != nil {
		return nil, err
	}
	major, err := clusterMajor(c.pgDir)
	if err != nil {
		return nil, err
	}
	if c.programs, err = findPrograms(ctx, cfg.BinDir, major); err != nil {
		return nil, err
	}
	if c.account, err = chooseAccount(c.pgDir); err != nil {
		return nil, err
	}
	secret := filepath.Join(dir, "password")
	if c.password, err = readPassword(secret, major == 0, c.account); err != nil {
		return nil, err
	}
	if major == 0 {
		if err := c.initialize(ctx, secret); err != nil {
			return nil, err
		}
	}
	if c.compression, err = c.chooseCompression(ctx); err != nil {
		return nil, err
	}
	if err := c.account.mkdir(c.logDir); err != nil {
		return nil, err
	}
	if err := c.makeSocketDir(dir); err != nil {
		return nil, err
	}
	if err := c.writeAccessRules(); err != nil {
		return nil, err
	}
	info, err := os.Stat(c.pgDir)
	if err != nil {
		return nil, err
	}
	c.mark = "plait-" + identity(info)
	return c, nil
}

// url returns where a database of the cluster is reached.
func (c *cluster) url(database string) string {
	return postgresURL(userName, c.password, database, c.socketDir)
}

// readPassword reads the password of the cluster's only user. With fresh set it makes one if
// there is none, which is when there is no cluster either.
func readPassword(path string, fresh bool, acct account) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil && len(bytes.TrimSpace(text)) > 0 {
		return string(bytes.TrimSpace(text)), nil
	}
	if !fresh {
		return "", errors.Join(fmt.Errorf("the cluster's password is not in %s", path), err)
	}
	password := rand.Text()
	// Written aside and renamed, so that a file that exists is whole.
	temporary := path + ".new"
	if err := os.WriteFile(temporary, []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write password: %w", err)
	}
	if err := errors.Join(acct.own(temporary), syncPath(temporary), os.Rename(temporary, path)); err != nil {
		return "", fmt.Errorf("write password: %w", err)
	}
	return password, nil
}

// initialize makes the cluster. initdb works aside in a directory of its own, because one
// that was interrupted leaves a cluster that looks like one but is not.
func (c *cluster) initialize(ctx context.Context, passwordFile string) error {
	parent := filepath.Dir(c.pgDir)
	c.removeUnfinished(parent)
	dir, err := os.MkdirTemp(parent, "pg.init-")
	if err != nil {
		return fmt.Errorf("make cluster: %w", err)
	}
	if err := c.account.own(dir); err != nil {
		return fmt.Errorf("make cluster: %w", err)
	}
	args := append([]string{"-D", dir, "-U", userName, "-A", "scram-sha-256", "--pwfile", passwordFile,
		"-E", "UTF8", "--data-checksums", "--no-instructions"}, localeFlags...)
	if c.settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	began := time.Now()
	if output, err := c.run(ctx, "initdb", args...); err != nil {
		return errors.Join(fmt.Errorf("initdb: %w: %s", err, strings.TrimSpace(output)), os.RemoveAll(dir))
	}
	if err := errors.Join(os.Rename(dir, c.pgDir), syncPath(parent)); err != nil {
		return fmt.Errorf("make cluster: %w", err)
	}
	c.log.Info("made a private Postgres", "dir", c.pgDir, "version", c.programs.major, "took", time.Since(began))
	return nil
}

// removeUnfinished removes what interrupted initdbs left. A server of theirs may be ending
// still and add a file meanwhile; the next start removes that.
func (c *cluster) removeUnfinished(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, "pg.init-*")) // the pattern is good
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			c.log.Warn("remove an interrupted initdb's files", "error", err)
		}
	}
}

// run runs one of the cluster's programs to its end and returns what it printed.
func (c *cluster) run(ctx context.Context, program string, args ...string) (output string, err error) {
	var out bytes.Buffer
	cmd := c.command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := startTied(cmd, syscall.SIGKILL)
	if err != nil {
		return "", err
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		// The group, because initdb has a server for a child.
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
		<-p.exited
		return out.String(), ctx.Err()
	}
	return out.String(), p.err
}

// command prepares one of the cluster's programs to run as its account. It gets a bare
// environment, since Postgres reads much from it (PGDATA, PGOPTIONS, LC_…).
func (c *cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(c.programs.path(program), args...) //nolint:noctx // ended by signals that it understands
	cmd.Env = []string{"PATH=" + c.programs.dir + ":/usr/bin:/bin", "LC_MESSAGES=C", "TZ=UTC",
		// glibc raises both thresholds as it goes, and then keeps what a large question took for as
		// long as the process lives: 100 MB in each. Fixed ones make it give memory back, all but 2 MiB,
		// which what a look-up takes fits into: to ask the kernel for it each time made it a fifth slower.
		"MALLOC_MMAP_THRESHOLD_=1048576", "MALLOC_TRIM_THRESHOLD_=2097152"}
	// Not the data directory: the account may reach that only with a capability that takes
	// effect at exec, after the change of directory.
	cmd.Dir = "/"
	cmd.SysProcAttr = c.account.attributes()
	return cmd
}

// makeSocketDir makes the directory that only the server's account and root may enter, and
// that is all that guards the socket. A path too long for a socket's address gets a stand-in
// below /tmp, the same at each start.
func (c *cluster) makeSocketDir(dir string) error {
	c.socketDir = socketDirOf(dir)
	if err := c.account.mkdir(c.socketDir); err != nil {
		return fmt.Errorf("make socket directory: %w", err)
	}
	if filepath.Dir(c.socketDir) == "/tmp" {
		c.log.Info("the path of the data directory is too long for a socket, which is elsewhere: psql takes this directory with -h", "dir", c.socketDir)
	}
	return nil
}

func socketDirOf(dir string) string {
	inside := filepath.Join(dir, "run")
	if len(filepath.Join(inside, ".s.PGSQL."+port+".lock")) <= maxSocketPath {
		return inside
	}
	h := fnv.New64a()
	h.Write([]byte(dir))
	return filepath.Join("/tmp", "plait-"+hex.EncodeToString(h.Sum(nil)))
}

// removeStandIn removes a socket directory below /tmp, which has ended with its server.
func (c *cluster) removeStandIn() {
	if filepath.Dir(c.socketDir) == "/tmp" {
		if c.port != port {
			_ = os.Remove(filepath.Join(c.socketDir, ".s.PGSQL."+port))
		}
		_ = os.Remove(c.socketDir) // what is in use or gone is not ours to remove
	}
}

func (c *cluster) socketFile() string { return filepath.Join(c.socketDir, ".s.PGSQL."+c.port) }

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

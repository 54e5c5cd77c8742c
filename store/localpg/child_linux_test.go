package localpg

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// home is where children of one account keep a data directory.
type home struct {
	dir    string // the data directory
	binary string // the test binary, where the account may run it
	as     *syscall.Credential
}

// forEachAccount runs a test with a home of this process's own account and, when that is
// root, with one of an ordinary user.
func forEachAccount(t *testing.T, test func(t *testing.T, h home)) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("as this user", func(t *testing.T) {
		t.Parallel()
		test(t, home{dir: filepath.Join(shortDir(t), "data"), binary: binary})
	})
	if os.Geteuid() == 0 {
		t.Run("as an ordinary user", func(t *testing.T) {
			t.Parallel()
			test(t, ordinaryHome(t, binary))
		})
	}
}

// shortDir makes a directory closed to others whose name leaves room for a socket's: a killed
// Plait does not remove the stand-in that it would need otherwise.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "localpg-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	return dir
}

func ordinaryHome(t *testing.T, binary string) home {
	t.Helper()
	nobody, err := user.Lookup("nobody")
	check(t, err)
	uid, err := strconv.Atoi(nobody.Uid)
	check(t, err)
	gid, err := strconv.Atoi(nobody.Gid)
	check(t, err)
	dir := shortDir(t)
	check(t, os.Chown(dir, uid, gid))
	h := home{
		dir:    filepath.Join(dir, "data"),
		binary: filepath.Join(dir, "child"),
		as:     &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}
	in, err := os.Open(binary)
	check(t, err)
	defer in.Close()
	out, err := os.OpenFile(h.binary, os.O_WRONLY|os.O_CREATE, 0o755)
	check(t, err)
	_, err = io.Copy(out, in)
	check(t, err)
	check(t, out.Close())
	return h
}

// write writes a file as the home's account would.
func (h home) write(t *testing.T, path, text string) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(text), 0o600))
	if h.as != nil {
		check(t, os.Chown(path, int(h.as.Uid), int(h.as.Gid)))
	}
}

// child is a running one.
type child struct {
	report
	home home
	cmd  *exec.Cmd
}

// spawn starts a child without waiting for its server.
func (h home) spawn(t *testing.T) (*child, io.Reader) {
	t.Helper()
	c := &child{home: h, cmd: exec.Command(h.binary)}
	c.cmd.Env = append(os.Environ(), childDir+"="+h.dir)
	c.cmd.Dir = "/"
	c.cmd.Stderr = t.Output()
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.as}
	stdout, err := c.cmd.StdoutPipe()
	check(t, err)
	check(t, c.cmd.Start())
	t.Cleanup(func() {
		c.kill()
		c.awaitNothingLeft(t)
	})
	return c, stdout
}

// start starts a child and returns when its server answers.
func (h home) start(t *testing.T) *child {
	t.Helper()
	c, stdout := h.spawn(t)
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the child ended: %v", c.cmd.Wait())
	}
	check(t, json.Unmarshal(line, &c.report))
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // the error says that it was killed
}

func (c *child) signalPostmaster(t *testing.T, sig syscall.Signal) {
	t.Helper()
	check(t, syscall.Kill(c.Pid, sig))
}

// connect returns a connection that is broken off in most of these tests.
func (c *child) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.URL)
	check(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// commit adds a row to the table that count counts.
func (c *child) commit(t *testing.T) {
	t.Helper()
	conn := c.connect(t)
	_, err := conn.Exec(t.Context(), `CREATE TABLE IF NOT EXISTS public.kept (n int)`)
	check(t, err)
	_, err = conn.Exec(t.Context(), `INSERT INTO public.kept VALUES (1)`)
	check(t, err)
}

func (c *child) count(t *testing.T) (rows int) {
	t.Helper()
	check(t, c.connect(t).QueryRow(t.Context(), `SELECT count(*) FROM public.kept`).Scan(&rows))
	return rows
}

// awaitNothingLeft returns when no process works in the data directory. It looks for working
// directories, which is another way than the one that the package itself goes.
func (c *child) awaitNothingLeft(t *testing.T) {
	t.Helper()
	await(t, "no process works in "+c.home.dir, func() bool {
		links, _ := filepath.Glob("/proc/[0-9]*/cwd")
		for _, link := range links {
			if dir, err := os.Readlink(link); err == nil && strings.HasPrefix(dir, c.home.dir) {
				return false
			}
		}
		return true
	})
}

// await polls for what another process does, since none of them tells.
func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !happened() {
		select {
		case <-limit:
			t.Fatalf("still waiting: %s", what)
		case <-tick.C:
		}
	}
}

package localpg

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestNothingIsLeftWhenPlaitIsKilled(t *testing.T) {
	t.Parallel()
	forEachAccount(t, func(t *testing.T, h home) {
		c := h.start(t)
		c.connect(t)
		c.kill()
		c.awaitNothingLeft(t)
	})
}

func TestServerRestartsAtOnceAfterEachKill(t *testing.T) {
	t.Parallel()
	kills := []struct {
		name string
		kill func(t *testing.T, c *child)
	}{
		{"Plait", func(_ *testing.T, c *child) { c.kill() }},
		{"Plait, then its postmaster", func(t *testing.T, c *child) {
			c.kill()
			// It may have shut down already.
			_ = syscall.Kill(c.Pid, syscall.SIGKILL)
		}},
		{"the postmaster, then Plait", func(t *testing.T, c *child) {
			c.signalPostmaster(t, syscall.SIGKILL)
			c.kill()
		}},
		{"Plait, whose postmaster is stopped", func(t *testing.T, c *child) {
			c.signalPostmaster(t, syscall.SIGSTOP)
			c.kill()
		}},
		{"Plait, and all of Postgres's processes", func(t *testing.T, c *child) {
			c.signalPostmaster(t, syscall.SIGSTOP)
			all := members(t, c)
			c.kill()
			// The kernel continues a stopped group that lost its parent, so some may be gone already.
			for _, m := range all {
				_ = syscall.Kill(m.pid, syscall.SIGKILL)
			}
		}},
		{"Plait, by SIGTERM", func(t *testing.T, c *child) {
			check(t, c.cmd.Process.Signal(syscall.SIGTERM))
			check(t, c.cmd.Wait())
		}},
	}
	forEachAccount(t, func(t *testing.T, h home) {
		for i, k := range kills {
			c := h.start(t)
			c.commit(t)
			k.kill(t, c)
			next := h.start(t)
			if rows := next.count(t); rows != i+1 {
				t.Errorf("killed: %s: %d rows of %d committed are there", k.name, rows, i+1)
			}
			next.kill()
		}
	})
}

func TestOrphanBackendsEndBeforeTheServerStarts(t *testing.T) {
	t.Parallel()
	forEachAccount(t, func(t *testing.T, h home) {
		for _, stopped := range []bool{false, true} {
			c := h.start(t)
			conn := c.connect(t)
			backend := int(conn.PgConn().PID())
			// A backend that computes does not see that its postmaster is gone.
			busy := make(chan struct{})
			go func() {
				defer close(busy)
				_, _ = conn.Exec(t.Context(), `SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b`)
			}()
			awaitBusy(t, c, backend)
			if stopped {
				check(t, syscall.Kill(backend, syscall.SIGSTOP))
			}
			c.signalPostmaster(t, syscall.SIGKILL)
			c.kill()
			next := h.start(t)
			<-busy
			for _, m := range members(t, next) {
				if m.pid == backend {
					t.Error("the orphan works beside the server")
				}
			}
			next.kill()
		}
	})
}

func awaitBusy(t *testing.T, c *child, backend int) {
	t.Helper()
	observer := c.connect(t)
	await(t, "the backend computes", func() bool {
		var state string
		check(t, observer.QueryRow(t.Context(), `SELECT coalesce(state, '') FROM pg_catalog.pg_stat_activity WHERE pid = $1`, backend).Scan(&state))
		return state == "active"
	})
}

func TestPostmasterIsStartedAgainUnderALivingPlait(t *testing.T) {
	t.Parallel()
	forEachAccount(t, func(t *testing.T, h home) {
		c := h.start(t)
		c.commit(t)
		for range 3 {
			c.signalPostmaster(t, syscall.SIGKILL)
			c.Pid = awaitSuccessor(t, c)
		}
		if rows := c.count(t); rows != 1 {
			t.Errorf("%d rows of 1 committed are there", rows)
		}
		check(t, c.cmd.Process.Signal(syscall.SIGTERM))
		check(t, c.cmd.Wait())
		c.awaitNothingLeft(t)
	})
}

// awaitSuccessor returns the pid of another postmaster that answers at the same URL.
func awaitSuccessor(t *testing.T, c *child) (pid int) {
	t.Helper()
	await(t, "another postmaster answers", func() bool {
		if pid = claimedPid(c.home.dir); pid == 0 || pid == c.Pid {
			return false
		}
		conn, err := pgx.Connect(t.Context(), c.URL)
		if err != nil {
			return false
		}
		return conn.Close(t.Context()) == nil
	})
	return pid
}

func claimedPid(dir string) int {
	text, _ := os.ReadFile(filepath.Join(dir, "pg", "postmaster.pid"))
	first, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(first)
	return pid
}

func TestServerStartsThoughItsPidFileNamesAStranger(t *testing.T) {
	t.Parallel()
	forEachAccount(t, func(t *testing.T, h home) {
		c := h.start(t)
		c.commit(t)
		c.signalPostmaster(t, syscall.SIGSTOP)
		c.kill()
		c.signalPostmaster(t, syscall.SIGKILL)
		c.awaitNothingLeft(t)
		path := filepath.Join(h.dir, "pg", "postmaster.pid")
		text, err := os.ReadFile(path)
		check(t, err)
		for _, claim := range []string{strings.Replace(string(text), strconv.Itoa(c.Pid), strconv.Itoa(os.Getpid()), 1), "", "nonsense\n"} {
			h.write(t, path, claim)
			next := h.start(t)
			if rows := next.count(t); rows != 1 {
				t.Errorf("%d rows of 1 committed are there", rows)
			}
			next.kill()
			next.awaitNothingLeft(t)
		}
	})
}

// This test is not parallel: while it runs, this process adopts orphans and does not reap
// them, as some processes 1 do.
func TestServerStartsBesideItsOwnZombie(t *testing.T) {
	const prSetChildSubreaper = 36
	adopt := func(on uintptr) {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, on, 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	adopt(1)
	defer adopt(0)
	binary, err := os.Executable()
	check(t, err)
	h := home{dir: filepath.Join(shortDir(t), "data"), binary: binary}
	c := h.start(t)
	c.signalPostmaster(t, syscall.SIGSTOP) // else its Plait would reap it
	c.kill()
	c.signalPostmaster(t, syscall.SIGKILL)
	c.awaitNothingLeft(t)
	check(t, syscall.Kill(c.Pid, 0)) // a zombie is there for kill
	next := h.start(t)
	check(t, next.cmd.Process.Signal(syscall.SIGTERM))
	check(t, next.cmd.Wait())
	for {
		if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil {
			break // none is left
		}
	}
}

func TestInitdbIsDoneAgainAfterAKill(t *testing.T) {
	t.Parallel()
	forEachAccount(t, func(t *testing.T, h home) {
		c, _ := h.spawn(t)
		await(t, "initdb has begun", func() bool {
			files, _ := filepath.Glob(filepath.Join(h.dir, "pg.init-*", "PG_VERSION"))
			return len(files) > 0
		})
		c.kill()
		if _, err := os.Stat(filepath.Join(h.dir, "pg")); err == nil {
			t.Fatal("there is a cluster, though initdb was killed")
		}
		next := h.start(t)
		next.commit(t)
		next.kill()
		next.awaitNothingLeft(t)
		h.start(t).kill()
		if left, _ := filepath.Glob(filepath.Join(h.dir, "pg.init-*")); len(left) > 0 {
			t.Errorf("interrupted initdbs left %v", left)
		}
	})
}

func TestSecondPlaitIsRefusedAndToldTheFirst(t *testing.T) {
	t.Parallel()
	h := home{dir: shortDir(t)}
	h.binary, _ = os.Executable()
	c := h.start(t)
	_, err := Start(t.Context(), Config{DataDir: h.dir})
	if want := "pid " + strconv.Itoa(c.cmd.Process.Pid); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error does not say %q: %v", want, err)
	}
}

// members returns the processes of a child's cluster.
func members(t *testing.T, c *child) []member {
	t.Helper()
	info, err := os.Stat(filepath.Join(c.home.dir, "pg"))
	check(t, err)
	list := (&cluster{mark: "plait-" + identity(info)}).members()
	if len(list) == 0 {
		t.Fatal("no process of the cluster is found")
	}
	return list
}

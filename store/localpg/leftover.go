package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How long processes get to end by themselves.
const (
	fastShutdown      = 30 * time.Second // a postmaster that got SIGINT: it writes a checkpoint
	immediateShutdown = 5 * time.Second  // whoever got SIGQUIT: it ends without one
	killed            = 10 * time.Second // whoever got SIGKILL
	leftoverInterval  = 20 * time.Millisecond
)

// member is a process of the cluster.
type member struct {
	pid        int
	postmaster bool
}

// members returns the living processes of the cluster, whoever started them. The postmaster
// keeps its arguments, in which the mark is the setting cluster_name; its children show the
// mark as the start of their title. Reading command lines needs no privilege, whereas root in
// a container may not look at another account's open files or working directory.
func (c *cluster) members() []member {
	var list []member
	for pid, command := range processes() {
		if strings.HasPrefix(command, "postgres: "+c.mark+":") {
			list = append(list, member{pid, false})
			continue
		}
		program, args, _ := strings.Cut(command, " -D ")
		if filepath.Base(program) == "postgres" && slices.Contains(strings.Fields(args), "cluster_name="+c.mark) {
			list = append(list, member{pid, true})
		}
	}
	return list
}

// endLeftovers ends what runs of an earlier server and returns when nothing does: its
// postmaster, shutting down because its Plait was killed, or stopped; backends whose
// postmaster was killed. Two servers on one cluster would destroy it.
func (c *cluster) endLeftovers(ctx context.Context) error {
	tick := time.NewTicker(leftoverInterval)
	defer tick.Stop()
	began := time.Now()
	for {
		left := c.members()
		if len(left) == 0 {
			return nil
		}
		waited := time.Since(began)
		if waited > fastShutdown+immediateShutdown+killed {
			return fmt.Errorf("processes %v of an earlier server do not end, not by SIGKILL either", left)
		}
		headless := !slices.ContainsFunc(left, func(m member) bool { return m.postmaster })
		for _, m := range left {
			if sig := endSignal(m, headless, waited); sig != 0 {
				// An error means that it has ended meanwhile. SIGCONT, because a stopped
				// process heeds SIGKILL only.
				_ = syscall.Kill(m.pid, sig)
				_ = syscall.Kill(m.pid, syscall.SIGCONT)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the end of an earlier server: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// endSignal returns what a process of the cluster is told after so long, 0 for nothing.
func endSignal(m member, headless bool, waited time.Duration) syscall.Signal {
	switch {
	case waited > fastShutdown+immediateShutdown, headless && waited > immediateShutdown:
		return syscall.SIGKILL
	case waited > fastShutdown, headless:
		return syscall.SIGQUIT
	case m.postmaster:
		return syscall.SIGINT
	}
	return 0 // its postmaster ends it
}

// removeClaims removes the files by which an ended server claims the cluster and the socket.
// To be called when no process of the cluster is left.
//
// Postgres clears them away itself, unless it sees a process of that pid: a stranger that got
// the number, or its own zombie where process 1 is slow to reap. The socket's claim can always
// go. The cluster's goes only in that case, because Postgres finds in it the shared memory of
// an earlier server and makes sure that nobody uses it.
func (c *cluster) removeClaims() error {
	for _, path := range []string{c.socketFile(), c.socketFile() + ".lock"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove an earlier server's socket: %w", err)
		}
	}
	path := filepath.Join(c.pgDir, "postmaster.pid")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read an earlier server's pid: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil
	}
	c.log.Info("an earlier server's pid belongs to a stranger or to nobody; its claim is removed", "file", path, "pid", first)
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove an earlier server's pid: %w", err)
	}
	return nil
}

// identity returns what names a directory as long as it exists, wherever it is moved to, and
// what no copy of it shares.
func identity(info os.FileInfo) string {
	stat := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%x-%x", stat.Dev, stat.Ino)
}

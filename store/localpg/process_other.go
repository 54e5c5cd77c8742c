//go:build unix && !linux

package localpg

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// localeFlags are initdb's: the collation of bytes, with UTF-8 characters. macOS has no
// locale C.UTF-8.
var localeFlags = []string{"--locale=C", "--lc-ctype=UTF-8"}

func allowSearch(*syscall.SysProcAttr) {}

func maySearch() bool { return false }

// tieToParent does nothing: there is no parent-death signal here. See watchParent.
func tieToParent(*exec.Cmd, syscall.Signal) {}

// watchParent starts a shell that reads a pipe of which only this process holds the other
// end. The pipe ends when this process does, however it ends, and the shell then tells the
// postmaster to shut down. release must be called once the postmaster has ended, so that the
// shell does not signal a stranger that got its pid.
func watchParent(pid int) (release func(), err error) {
	const script = `cat >/dev/null; kill -INT "$1"`
	shell := exec.Command("/bin/sh", "-c", script, "plait-watch", strconv.Itoa(pid)) //nolint:noctx // release ends it
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := shell.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("watch the private Postgres: %w", err)
	}
	if err := shell.Start(); err != nil {
		return nil, fmt.Errorf("watch the private Postgres: %w", err)
	}
	return func() {
		// The group, because cat is a child of the shell.
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		_ = shell.Wait()
		_ = pipe.(io.Closer).Close()
	}, nil
}

// processes yields the pid and the command line of each process.
func processes() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, "/bin/ps", "-axww", "-o", "pid=,command=").Output()
		if err != nil {
			return
		}
		for line := range strings.Lines(string(out)) {
			number, command, _ := strings.Cut(strings.TrimSpace(line), " ")
			pid, err := strconv.Atoi(number)
			if err != nil {
				continue
			}
			if !yield(pid, strings.TrimSpace(command)) {
				return
			}
		}
	}
}

func sharedMemory() string { return "posix" }

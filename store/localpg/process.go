package localpg

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a child that does not outlive Plait.
type process struct {
	pid     int
	started time.Time
	exited  chan struct{}
	err     error // of Wait; to be read once exited is closed
}

// startTied starts a program that gets sig when Plait ends, SIGKILL included.
//
// The kernel sends the signal when the thread that forked the child ends, and the Go runtime
// ends threads as it likes. So the goroutine that starts the child keeps its thread for
// itself until the child has ended.
func startTied(cmd *exec.Cmd, sig syscall.Signal) (*process, error) {
	p := &process{exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tieToParent(cmd, sig)
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		release, err := watchParent(cmd.Process.Pid)
		if err != nil {
			started <- errors.Join(err, cmd.Process.Kill(), cmd.Wait())
			return
		}
		p.pid, p.started = cmd.Process.Pid, time.Now()
		started <- nil
		p.err = cmd.Wait()
		release()
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// running tells whether the process has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// signal sends a signal, and wakes a stopped process so that it heeds it. It does nothing
// once the process has ended, when its pid may be a stranger's.
func (p *process) signal(sig syscall.Signal) {
	if p.running() {
		_ = syscall.Kill(p.pid, sig)
		_ = syscall.Kill(p.pid, syscall.SIGCONT)
	}
}

// reason says how the process ended.
func (p *process) reason() string {
	if p.err == nil {
		return "exit status 0"
	}
	return p.err.Error()
}

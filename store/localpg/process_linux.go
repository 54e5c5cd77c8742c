package localpg

import (
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// localeFlags are initdb's: the collation of bytes, with UTF-8 characters.
var localeFlags = []string{"--locale=C.UTF-8"}

// capDACReadSearch is CAP_DAC_READ_SEARCH: to pass directories whatever their mode.
const capDACReadSearch = 2

func allowSearch(attr *syscall.SysProcAttr) { attr.AmbientCaps = []uintptr{capDACReadSearch} }

// maySearch tells whether this process has the capability to give.
func maySearch() bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(status)) {
		if set, ok := strings.CutPrefix(line, "CapPrm:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			return err == nil && bits&(1<<capDACReadSearch) != 0
		}
	}
	return false
}

// tieToParent makes the kernel send sig to the child when the thread that starts it ends.
func tieToParent(cmd *exec.Cmd, sig syscall.Signal) { cmd.SysProcAttr.Pdeathsig = sig }

// watchParent has nothing to add to what tieToParent did.
func watchParent(int) (release func(), err error) { return func() {}, nil }

// processes yields the pid and the command line of each process, arguments separated by
// spaces. Zombies have no command line and are left out.
func processes() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		entries, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			return
		}
		for _, path := range entries {
			text, err := os.ReadFile(path)
			if err != nil || len(text) == 0 {
				continue // it has ended
			}
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				continue
			}
			if !yield(pid, strings.ReplaceAll(string(text), "\x00", " ")) {
				return
			}
		}
	}
}

// sharedMemory returns the setting dynamic_shared_memory_type. A container often has a
// /dev/shm too small for a parallel query, which then fails; files in the cluster do not.
func sharedMemory() string {
	const enough = 256 << 20
	var fs syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < enough {
		return "mmap"
	}
	return "posix"
}

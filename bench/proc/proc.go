// Package proc accounts the CPU time, memory and disk of a process with its children, from
// Linux's /proc.
package proc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	ticksPerSecond = 100 // USER_HZ, the same on every Linux that Go runs on
	sampleEvery    = 200 * time.Millisecond
)

// Usage is what a process and its descendants have used since they started.
type Usage struct {
	CPUSeconds     float64 // user and system, reaped children included
	RootCPUSeconds float64 // of the first process alone
	RootPeakBytes  int64   // highest resident memory of the first process
	ResidentBytes  int64   // of all, shared pages counted once a process
}

// Read sums up the process and all below it.
func Read(root int) (Usage, error) {
	var u Usage
	parents, err := parentsOfAll()
	if err != nil {
		return u, err
	}
	for pid := range parents {
		if !descends(parents, pid, root) {
			continue
		}
		fields, err := stat(pid)
		if err != nil {
			continue // it ended meanwhile
		}
		cpu := seconds(fields[11]) + seconds(fields[12]) + seconds(fields[13]) + seconds(fields[14])
		u.CPUSeconds += cpu
		u.ResidentBytes += status(pid, "VmRSS")
		if pid == root {
			u.RootCPUSeconds = seconds(fields[11]) + seconds(fields[12])
			u.RootPeakBytes = status(pid, "VmHWM")
		}
	}
	return u, nil
}

func parentsOfAll() (map[int]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	parents := map[int]int{}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if f, err := stat(pid); err == nil {
				parents[pid], _ = strconv.Atoi(f[1])
			}
		}
	}
	return parents, nil
}

func descends(parents map[int]int, pid, root int) bool {
	for ; pid > 1; pid = parents[pid] {
		if pid == root {
			return true
		}
	}
	return false
}

// stat returns the fields of /proc/PID/stat after the command's name.
func stat(pid int) ([]string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 15 {
		return nil, errors.New("short stat")
	}
	return fields, nil
}

func seconds(ticks string) float64 {
	n, _ := strconv.ParseFloat(ticks, 64)
	return n / ticksPerSecond
}

func status(pid int, key string) int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n * 1024
		}
	}
	return 0
}

// WaitIdle waits until the processes used less than share of a core over the given time.
func WaitIdle(ctx context.Context, root int, share float64, over time.Duration) error {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	since := time.Now()
	start, err := Read(root)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server did not come to rest: %w", ctx.Err())
		case <-tick.C:
		}
		if time.Since(since) < over {
			continue
		}
		now, err := Read(root)
		if err != nil {
			return err
		}
		if now.CPUSeconds-start.CPUSeconds < share*time.Since(since).Seconds() {
			return nil
		}
		since, start = time.Now(), now
	}
}

// DiskBytes is the space allocated below dir, less what lies in a folder named skip.
func DiskBytes(dir, skip string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed while we look
		}
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == skip {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return nil // removed while we look
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			total += st.Blocks * 512
		}
		return nil
	})
	return total, err
}

package kill

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const (
	// diskSize holds a cluster and some telemetry.
	diskSize = "size=256m,mode=755"
	// refusals show that the disk is full for the gateway.
	refusals = 50
)

// A disk that only this test fills has to be mounted, which an ordinary user may not do.
func TestFullDiskLosesNothingAndMendsItself(t *testing.T) {
	g := newGateway(t)
	disk := filepath.Dir(g.dataDir)
	err := syscall.Mount("tmpfs", disk, "tmpfs", 0, diskSize)
	if errors.Is(err, syscall.EPERM) {
		t.Skip("mounting a small disk needs root with CAP_SYS_ADMIN")
	}
	check(t, err)
	t.Cleanup(func() { check(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	g.start(t)
	s := startSenders(t, g)
	// With nothing left tables cannot grow. With less than a segment of the write-ahead log
	// left (16 MB), they can, until the log cannot: then Postgres crashes.
	for _, left := range []int64{0, 12 << 20, 0} {
		s.await(t, g, acksBetweenKills)
		ballast := fill(t, disk, left)
		s.awaitRepeats(t, g, refusals)
		check(t, os.Remove(ballast))
	}
	s.await(t, g, acksBetweenKills)
	acks := s.stop(t, g)
	g.stop(t)
	_, repeats := s.state()
	t.Logf("%d requests were acknowledged, %d times one was sent again", len(acks), repeats)
	compare(t, g.dataDir, acks)
}

// fill writes a file until only so many bytes of the disk are left, and returns its path.
func fill(t *testing.T, disk string, left int64) (ballast string) {
	t.Helper()
	ballast = filepath.Join(disk, "ballast")
	f, err := os.Create(ballast)
	check(t, err)
	defer f.Close()
	for block := make([]byte, 1<<20); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	end, err := f.Seek(0, io.SeekCurrent)
	check(t, err)
	check(t, f.Truncate(end-left))
	return ballast
}

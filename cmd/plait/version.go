package main

import (
	"fmt"
	"runtime"
)

type versionCommand struct{}

// Run prints the version, the Go release and the platform.
func (versionCommand) Run(std console) error {
	_, err := fmt.Fprintf(std.out, "plait %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

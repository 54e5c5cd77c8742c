package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// customary turns what is customary elsewhere into a command line that kong reads: nothing at
// all, "help", "help COMMAND" and "--version".
func customary(args []string) []string {
	switch {
	case len(args) == 0, slices.Equal(args, []string{"help", "help"}):
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version":
		return append([]string{"version"}, args[1:]...)
	}
	return args
}

// describe is a flag's help with its default, which kong leaves out where there is a
// placeholder, and its environment variables.
func describe(v *kong.Value) string {
	var facts []string
	if v.Flag != nil && v.Flag.PlaceHolder != "" && v.Default != "" {
		facts = append(facts, "default "+v.Default)
	}
	for _, name := range v.Tag.Envs {
		facts = append(facts, "$"+name)
	}
	if len(facts) == 0 {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " (" + strings.Join(facts, ", ") + ")."
}

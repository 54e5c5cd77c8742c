package main

import (
	"errors"
	"os"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestTargetsOfThePageAreValid: what docs/forwarding.md shows can be put into a file of settings.
func TestTargetsOfThePageAreValid(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/forwarding.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1)
	targets := 0
	for _, e := range examples {
		var settings struct{ Forward any }
		if err := yaml.Unmarshal(e[1], &settings); err != nil {
			t.Fatal(err)
		}
		var f forwardTargets
		text, err := listFromFile(&f, settings.Forward)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.UnmarshalText([]byte(text)), f.validate()); err != nil {
			t.Error(err)
		}
		targets += len(f.list)
	}
	if len(examples) < 2 || targets < 16 {
		t.Errorf("%d examples with %d targets", len(examples), targets)
	}
}

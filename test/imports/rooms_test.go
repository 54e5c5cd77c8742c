package imports

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	roomsTable = regexp.MustCompile(`(?s)\n## The rooms\n(.*?)\n## `)
	namedRoom  = regexp.MustCompile("`([a-z0-9_/*]+)`")
)

// TestEveryRoomIsInThePageOfTheArchitecture holds the table of docs/architecture.md to the rooms that there are.
func TestEveryRoomIsInThePageOfTheArchitecture(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	table := roomsTable.FindSubmatch(page)
	if table == nil {
		t.Fatal("docs/architecture.md has no table of the rooms")
	}
	var named []string
	for _, row := range strings.Split(string(table[1]), "\n") {
		if cells := strings.Split(row, "|"); len(cells) > 2 {
			for _, m := range namedRoom.FindAllStringSubmatch(cells[1], -1) {
				named = append(named, strings.Replace(m[1], "/*", "/...", 1))
			}
		}
	}
	var rooms []string
	for _, p := range packages(t) {
		room := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if room == "" {
			room = "plait" // as its row has it
		}
		rooms = append(rooms, room)
		if !slices.ContainsFunc(named, func(pattern string) bool { return matches(pattern, room) }) {
			t.Errorf("docs/architecture.md does not say what %s is for", room)
		}
	}
	for _, pattern := range named {
		if pattern != "migrations" && !slices.ContainsFunc(rooms, func(room string) bool { return matches(pattern, room) }) {
			t.Errorf("docs/architecture.md has a row for %s, and there is no such room", pattern)
		}
	}
}

package dashboards

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/plaithq/plait/dashboards"
)

// model is a dashboard as these tests read it.
type model struct {
	File          string `json:"-"`
	UID           string
	Title         string
	Description   string
	ID            *int64
	SchemaVersion int
	Tags          []string
	Panels        []panel
	Templating    struct{ List []variable }
	Links         []struct{ Type string }
	Annotations   struct{ List []annotation }
	Inputs        json.RawMessage `json:"__inputs"`
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  source
	GridPos     struct{ X, Y, W, H int }
	Targets     []target
	Links       []struct{ URL string }
	FieldConfig struct {
		Defaults struct {
			Unit, NoValue string
			Thresholds    struct{ Steps []struct{ Color string } }
		}
		Overrides []override
	}
}

type override struct {
	Matcher struct {
		ID      string
		Options any
	}
	Properties []struct {
		ID    string
		Value json.RawMessage
	}
}

// annotation is a query whose series mark times.
type annotation struct {
	Name, Expr, Step                 string
	TitleFormat, TextFormat, TagKeys string
	Datasource                       source
	Enable                           bool
}

// target is what Grafana asks for it.
func (a annotation) target() target {
	return target{RefID: a.Name, Datasource: a.Datasource, Expr: a.Expr, Range: true}
}

// asking are the panels, and the annotations as some more.
func (m model) asking() []panel {
	list := slices.Clone(m.Panels)
	for _, a := range m.Annotations.List {
		list = append(list, panel{Title: a.Name, Datasource: a.Datasource, Targets: []target{a.target()}})
	}
	return list
}

type source struct{ Type, UID string }

type target struct {
	RefID      string
	Datasource source
	Expr       string
	Format     string
	Instant    bool
	Range      bool
	Exemplar   bool
	RawSQL     string
	Query      string
	QueryType  string
	MaxLines   int
}

type variable struct {
	Name, Type  string
	Hide        int
	SkipURLSync bool
	Label       string
	Description string
	Query       json.RawMessage
	Datasource  source
	Multi       bool
	IncludeAll  bool
	AllValue    string
	Current     struct{ Value json.RawMessage }
}

// query is the variable's query, or the data source's type.
func (v variable) query(t *testing.T) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(v.Query, &s); err != nil {
		t.Fatalf("query of variable %s: %v", v.Name, err)
	}
	return s
}

// all reads the dashboards that the program hands out.
func all(t *testing.T) []model {
	t.Helper()
	var list []model
	for _, d := range dashboards.All() {
		m := model{File: d.File}
		if err := json.Unmarshal(d.JSON, &m); err != nil {
			t.Fatalf("%s: %v", d.File, err)
		}
		list = append(list, m)
	}
	return list
}

// links returns the addresses of the links of a panel and of its cells.
func (p panel) links(t *testing.T) (urls []string) {
	t.Helper()
	for _, l := range p.Links {
		urls = append(urls, l.URL)
	}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID != "links" {
				continue
			}
			var links []struct{ URL string }
			if err := json.Unmarshal(property.Value, &links); err != nil {
				t.Fatalf("links of %s: %v", p.Title, err)
			}
			for _, l := range links {
				urls = append(urls, l.URL)
			}
		}
	}
	return urls
}

// deprecated are panels that Grafana has taken out or is about to.
var deprecated = []string{"graph", "table-old", "singlestat", "grafana-piechart-panel", "grafana-worldmap-panel", "natel-discrete-panel"}

func TestPanelsSayWhatTheyShowAndNameNoDataSourceForGood(t *testing.T) {
	t.Parallel()
	for _, d := range all(t) {
		if d.UID == "" || len(d.UID) > 40 || d.Title == "" || d.Description == "" || !slices.Contains(d.Tags, "plait") {
			t.Errorf("%s: uid %q, title %q, description %q, tags %v", d.File, d.UID, d.Title, d.Description, d.Tags)
		}
		if d.ID != nil || d.Inputs != nil || d.SchemaVersion != 39 {
			t.Errorf("%s: id %v, inputs %s, schema version %d: it would not load everywhere", d.File, d.ID, d.Inputs, d.SchemaVersion)
		}
		sources := map[string]string{}
		for _, v := range d.Templating.List {
			if v.Label == "" || v.Description == "" {
				t.Errorf("%s: variable %s has label %q, description %q", d.File, v.Name, v.Label, v.Description)
			}
			if v.Type == "datasource" {
				sources["${"+v.Name+"}"] = v.query(t)
			} else if v.Type == "query" && sources[v.Datasource.UID] != v.Datasource.Type {
				t.Errorf("%s: variable %s asks %v, which no variable before it names", d.File, v.Name, v.Datasource)
			}
		}
		for _, a := range d.Annotations.List {
			if sources[a.Datasource.UID] != a.Datasource.Type || a.Name == "" {
				t.Errorf("%s: annotation %q asks %v, which no variable names", d.File, a.Name, a.Datasource)
			}
		}
		ids := map[int]bool{}
		for _, p := range d.Panels {
			where := d.File + ": " + p.Title
			if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: panel %d has title %q, description %q, unit %q", d.File, p.ID, p.Title, p.Description, p.FieldConfig.Defaults.Unit)
			}
			if slices.Contains(deprecated, p.Type) || ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: type %s, id %d", where, p.Type, p.ID)
			}
			ids[p.ID] = true
			exemplars := 0
			for _, q := range p.Targets {
				if kind, ok := sources[q.Datasource.UID]; !ok || kind != q.Datasource.Type || p.Datasource != q.Datasource {
					t.Errorf("%s, target %s: data source %v (the panel has %v) is that of no variable", where, q.RefID, q.Datasource, p.Datasource)
				}
				if q.Exemplar {
					exemplars++
				}
			}
			if exemplars > 1 {
				t.Errorf("%s: %d targets ask for exemplars, and Grafana asks for those of one", where, exemplars)
			}
			if (p.Type == "table" || p.Type == "logs") && p.FieldConfig.Defaults.NoValue == "" {
				t.Errorf("%s: nothing is said when it is empty", where)
			}
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	for _, d := range all(t) {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
						t.Fatalf("%s: %s lies on %q or outside at column %d, row %d", d.File, p.Title, other, x, y)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

var (
	linkUID      = regexp.MustCompile(`^/d/([\w-]+)\?`)
	linkSets     = regexp.MustCompile(`[?&]var-(\w+)=`)
	linkPasses   = regexp.MustCompile(`\$\{(\w+):queryparam\}`)
	linkOfFields = regexp.MustCompile(`\$\{__data\.fields\.(\w+)\}`)
)

func TestLinksLeadToDashboardsAndVariablesThatExist(t *testing.T) {
	t.Parallel()
	list := all(t)
	found := 0
	check := func(where, url string, from *model, columns string) {
		found++
		uid := linkUID.FindStringSubmatch(url)
		if uid == nil {
			t.Errorf("%s: %s leads to no dashboard", where, url)
			return
		}
		i := slices.IndexFunc(list, func(m model) bool { return m.UID == uid[1] })
		if i < 0 {
			t.Errorf("%s: %s leads to a dashboard that is not there", where, url)
			return
		}
		if !strings.Contains(url, "${__url_time_range}") {
			t.Errorf("%s: %s does not keep the time range", where, url)
		}
		for _, name := range linkSets.FindAllStringSubmatch(url, -1) {
			if !list[i].has(name[1]) {
				t.Errorf("%s: %s sets %s, which %s does not have", where, url, name[1], list[i].File)
			}
		}
		for _, name := range linkPasses.FindAllStringSubmatch(url, -1) {
			if from == nil || !from.has(name[1]) || !list[i].has(name[1]) {
				t.Errorf("%s: %s passes %s on, which one of the two does not have", where, url, name[1])
			}
		}
		for _, field := range linkOfFields.FindAllStringSubmatch(url, -1) {
			if !regexp.MustCompile(`\b` + field[1] + `\b`).MatchString(columns) {
				t.Errorf("%s: %s reads the column %s, which the query does not have", where, url, field[1])
			}
		}
	}
	for _, d := range list {
		for _, p := range d.Panels {
			for _, url := range p.links(t) {
				check(fmt.Sprintf("%s: %s", d.File, p.Title), url, &d, p.Targets[0].RawSQL)
			}
		}
	}
	if found < 5 {
		t.Errorf("%d links were found", found)
	}
	check("exemplars", dashboards.ExemplarURL, nil, "")
}

func (m model) has(name string) bool {
	return slices.ContainsFunc(m.Templating.List, func(v variable) bool { return v.Name == name })
}

func TestHomeIsADashboard(t *testing.T) {
	t.Parallel()
	if !slices.ContainsFunc(dashboards.All(), func(d dashboards.Dashboard) bool { return d.File == dashboards.Home }) {
		t.Errorf("%s is not there", dashboards.Home)
	}
}

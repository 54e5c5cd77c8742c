package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait/api/jaeger"
	"github.com/plaithq/plait/api/tempo"
	"github.com/plaithq/plait/api/zipkin"
	"github.com/plaithq/plait/dashboards"
)

// provisioned is a data source of Grafana's provisioning, its $NAME expanded and its $$ undone.
type provisioned struct {
	Name, UID, Type, URL, User string
	JSONData                   map[string]any `yaml:"jsonData"`
	Correlations               []struct {
		TargetUID   string `yaml:"targetUID"`
		Label, Type string
		Config      struct {
			Type, Field string
			Target      map[string]any
		}
	}
	SecureJSONData struct{ Password string } `yaml:"secureJsonData"`
}

// compose is docker-compose.yml, as far as it concerns Grafana.
type compose struct {
	Services map[string]struct {
		Environment map[string]string
		Command     []string
		Volumes     []string
	}
}

func readCompose(t *testing.T) (c compose) {
	t.Helper()
	read(t, "../../docker-compose.yml", &c)
	return c
}

func datasources(t *testing.T) map[string]provisioned {
	t.Helper()
	var file struct{ Datasources []provisioned }
	read(t, "../../deploy/grafana/provisioning/datasources/plait.yaml", &file)
	byUID := map[string]provisioned{}
	for _, d := range file.Datasources {
		byUID[d.UID] = d
	}
	return byUID
}

func TestGrafanaHasTheDataSourcesThatDashboardsBeginWith(t *testing.T) {
	t.Parallel()
	there := datasources(t)
	for _, d := range dashboards.All() {
		var model struct {
			Templating struct {
				List []struct {
					Name, Type string
					Query      any
					Current    struct{ Value any }
				}
			}
		}
		if err := json.Unmarshal(d.JSON, &model); err != nil {
			t.Fatal(err)
		}
		for _, v := range model.Templating.List {
			if v.Type != "datasource" {
				continue
			}
			uid, _ := v.Current.Value.(string)
			if there[uid].Type != v.Query {
				t.Errorf("%s begins with the %v %q as %s, which is not provisioned", d.File, v.Query, uid, v.Name)
			}
		}
	}
	if d := there[dashboards.PrometheusUID]; d.Type != dashboards.PrometheusType || d.URL != "http://plait:7080/prometheus" {
		t.Errorf("Plait's metrics: %+v", d)
	}
}

func TestGrafanaHasADataSourceForEachTracingFace(t *testing.T) {
	t.Parallel()
	there := datasources(t)
	for kind, prefix := range map[string]string{"tempo": tempo.Prefix, "jaeger": jaeger.Prefix, "zipkin": zipkin.Prefix} {
		if d := there["plait-"+kind]; d.Type != kind || d.URL != "http://plait:7080"+prefix {
			t.Errorf("%s: %+v", kind, d)
		}
	}
}

func TestExemplarsOfEveryPrometheusLeadIntoTheDashboard(t *testing.T) {
	t.Parallel()
	found := 0
	for uid, d := range datasources(t) {
		if d.Type != dashboards.PrometheusType {
			continue
		}
		found++
		want := []any{
			map[string]any{"name": "trace_id", "url": dashboards.ExemplarURL, "urlDisplayLabel": "Show the trace"},
			map[string]any{"name": "trace_id", "datasourceUid": dashboards.TempoUID, "urlDisplayLabel": "Explore the trace"},
		}
		if diff := cmp.Diff(want, undoubled(d.JSONData["exemplarTraceIdDestinations"])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", uid, diff)
		}
	}
	if found != 2 {
		t.Errorf("%d data sources are a Prometheus, not Plait and the one that scrapes it", found)
	}
}

// undoubled is a setting in which every $$ is the $ that Grafana reads.
func undoubled(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "$$", "$")
	case []any:
		for i := range v {
			v[i] = undoubled(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = undoubled(v[k])
		}
	}
	return v
}

// What is provisioned is what plait dashboards install makes.
func TestTracesAndLogsLeadToEachOtherAsInstalled(t *testing.T) {
	t.Parallel()
	there := datasources(t)
	for uid, want := range map[string]map[string]any{dashboards.TempoUID: dashboards.TempoSettings(), dashboards.LokiUID: dashboards.LokiSettings()} {
		if diff := cmp.Diff(want, undoubled(there[uid].JSONData)); diff != "" {
			t.Errorf("%s (-installed +provisioned):\n%s", uid, diff)
		}
	}
}

var uidKey = regexp.MustCompile(`^(datasourceUid|targetUID)$`)

// Every data source that another one leads to is there, and a correlation's target uses no other value than its field.
func TestDataSourcesLeadToDataSourcesThatExist(t *testing.T) {
	t.Parallel()
	there, found := datasources(t), 0
	var look func(where string, v any)
	look = func(where string, v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				look(where, one)
			}
		case map[string]any:
			for k, one := range v {
				if uid, ok := one.(string); ok && uidKey.MatchString(k) {
					found++
					if there[uid].UID == "" {
						t.Errorf("%s leads to %s, which is not provisioned", where, uid)
					}
				}
				look(where, one)
			}
		}
	}
	for uid, d := range there {
		look(uid, d.JSONData)
		for _, c := range d.Correlations {
			found++
			if there[c.TargetUID].UID == "" || c.Label == "" || c.Type != "query" || c.Config.Type != "query" {
				t.Errorf("%s: correlation %+v", uid, c)
			}
			if text := fmt.Sprint(undoubled(c.Config.Target)); !strings.Contains(text, "${"+c.Config.Field+"}") {
				t.Errorf("%s: the correlation %s does not use its field %s: %s", uid, c.Label, c.Config.Field, text)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d ways from one data source to another were found", found)
	}
}

func TestGrafanaAsksTheDatabaseAsAReader(t *testing.T) {
	t.Parallel()
	services := readCompose(t).Services
	d := datasources(t)[dashboards.PostgresUID]
	owner := services["postgres"].Environment
	if d.Type != dashboards.PostgresType || d.URL != "postgres:5432" || d.User == "" || d.User == owner["POSTGRES_USER"] {
		t.Errorf("the data source is %+v, the owner %s", d, owner["POSTGRES_USER"])
	}
	name, ok := strings.CutPrefix(d.SecureJSONData.Password, "$")
	password := services["grafana"].Environment[name]
	if !ok || password == "" || password == owner["POSTGRES_PASSWORD"] {
		t.Errorf("the password %q is not one of Grafana's own", d.SecureJSONData.Password)
	}
	role := services["reader-role"]
	if strings.Join(role.Command, " ") != "migrate reader-role" || role.Environment[name] != password || role.Environment["PLAIT_DATABASE_URL"] != services["plait"].Environment["PLAIT_DATABASE_URL"] {
		t.Errorf("nothing makes that role with that password: %+v", role)
	}
}

func TestGrafanaReadsTheDashboardsAndOpensOnOne(t *testing.T) {
	t.Parallel()
	var provisioning struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	read(t, "../../deploy/grafana/provisioning/dashboards/plait.yaml", &provisioning)
	grafana := readCompose(t).Services["grafana"]
	if len(provisioning.Providers) != 1 || provisioning.Providers[0].Type != "file" {
		t.Fatalf("providers: %+v", provisioning.Providers)
	}
	dir := provisioning.Providers[0].Options.Path
	local := ""
	for _, volume := range grafana.Volumes {
		if parts := strings.Split(volume, ":"); parts[1] == dir {
			local = filepath.Join("../..", parts[0])
		}
	}
	for _, d := range dashboards.All() {
		if _, err := os.Stat(filepath.Join(local, d.File)); local == "" || err != nil {
			t.Errorf("Grafana does not find %s in %s: %v", d.File, dir, err)
		}
	}
	if home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; home != path.Join(dir, dashboards.Home) {
		t.Errorf("Grafana's home is %q", home)
	}
}

// What the images read by default is what the compose file puts there.
func TestProgramsFindWhatIsProvisioned(t *testing.T) {
	t.Parallel()
	services := readCompose(t).Services
	for name, want := range map[string][]string{
		"grafana":    {"/etc/grafana/provisioning/datasources", "/etc/grafana/provisioning/dashboards", "/etc/grafana/provisioning/alerting"},
		"prometheus": {"/etc/prometheus/prometheus.yml"},
	} {
		if name == "prometheus" {
			var c struct {
				RuleFiles []string `yaml:"rule_files"`
			}
			read(t, "../../deploy/prometheus.yml", &c)
			for _, file := range c.RuleFiles {
				want = append(want, path.Join("/etc/prometheus", file))
			}
			if len(want) != 2 {
				t.Errorf("Prometheus reads the rules %v", c.RuleFiles)
			}
		}
		mounted := map[string]bool{}
		for _, volume := range services[name].Volumes {
			mounted[strings.Split(volume, ":")[1]] = true
		}
		for _, place := range want {
			if !mounted[place] {
				t.Errorf("%s finds nothing at %s", name, place)
			}
		}
	}
}

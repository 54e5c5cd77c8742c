package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plaithq/plait/dashboards"
)

// grafanaServer answers as Grafana's HTTP API documents, as far as it is asked, and refuses what
// that does not know.
type grafanaServer struct {
	t           *testing.T
	path        string // that it is served under
	role        string // of the token: Editor or Admin
	folders     map[string]string
	dashboards  map[string]int // versions by uid
	datasources map[string]map[string]any
	refuse      map[string]answered // by method and path
}

type answered struct {
	status int
	body   string
}

const grafanaToken = "glsa_test"

func newGrafanaServer(t *testing.T, path, role string) (*grafanaServer, string) {
	t.Helper()
	s := &grafanaServer{t: t, path: path, role: role, folders: map[string]string{}, dashboards: map[string]int{}, datasources: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/folders/{uid}", s.getFolder)
	mux.HandleFunc("POST /api/folders", s.postFolder)
	mux.HandleFunc("POST /api/dashboards/db", s.postDashboard)
	mux.HandleFunc("GET /api/datasources", s.admin(s.listDatasources))
	mux.HandleFunc("POST /api/datasources", s.admin(s.postDatasource))
	mux.HandleFunc("GET /api/datasources/uid/{uid}", s.admin(s.getDatasource))
	mux.HandleFunc("PUT /api/datasources/uid/{uid}", s.admin(s.putDatasource))
	mux.HandleFunc("GET /api/datasources/uid/{uid}/health", s.admin(s.getHealth))
	server := httptest.NewServer(http.StripPrefix(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if r.Header.Get("Authorization") != "Bearer "+grafanaToken && password != grafanaToken {
			s.answer(w, http.StatusUnauthorized, map[string]any{"message": "Invalid API key"})
			return
		}
		if a, ok := s.refuse[r.Method+" "+r.URL.Path]; ok {
			w.WriteHeader(a.status)
			_, _ = io.WriteString(w, a.body)
			return
		}
		mux.ServeHTTP(w, r)
	})))
	t.Cleanup(server.Close)
	return s, server.URL + path
}

func (s *grafanaServer) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.t.Error(err)
	}
}

func (s *grafanaServer) admin(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.role != "Admin" {
			s.answer(w, http.StatusForbidden, map[string]any{"message": "You'll need additional permissions to perform this action. Permissions needed: datasources:read"})
			return
		}
		next(w, r)
	}
}

// read reads a body with no other keys than v has.
func (s *grafanaServer) read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil || r.Header.Get("Content-Type") != "application/json" {
		s.t.Errorf("%s %s: content type %q, %v", r.Method, r.URL.Path, r.Header.Get("Content-Type"), err)
		s.answer(w, http.StatusBadRequest, map[string]any{"message": "bad request data"})
		return false
	}
	return true
}

func (s *grafanaServer) getFolder(w http.ResponseWriter, r *http.Request) {
	if title, ok := s.folders[r.PathValue("uid")]; ok {
		s.answer(w, http.StatusOK, map[string]any{"uid": r.PathValue("uid"), "title": title})
		return
	}
	s.answer(w, http.StatusNotFound, map[string]any{"message": "folder not found", "status": "not-found"})
}

func (s *grafanaServer) postFolder(w http.ResponseWriter, r *http.Request) {
	var body struct{ UID, Title, ParentUID string }
	if !s.read(w, r, &body) {
		return
	}
	if _, ok := s.folders[body.UID]; ok || body.Title == "" {
		s.answer(w, http.StatusPreconditionFailed, map[string]any{"message": "The folder has been changed by someone else"})
		return
	}
	s.folders[body.UID] = body.Title
	s.answer(w, http.StatusOK, map[string]any{"uid": body.UID, "title": body.Title, "url": "/dashboards/f/" + body.UID})
}

func (s *grafanaServer) postDashboard(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Dashboard json.RawMessage
		FolderUID string
		Message   string
		Overwrite bool
	}
	if !s.read(w, r, &body) {
		return
	}
	var d struct {
		ID         *int64
		UID, Title string
	}
	if err := json.Unmarshal(body.Dashboard, &d); err != nil || d.ID != nil || d.UID == "" || d.Title == "" {
		s.answer(w, http.StatusBadRequest, map[string]any{"message": "Dashboard title cannot be empty", "status": "empty-name"})
		return
	}
	if _, ok := s.folders[body.FolderUID]; !ok {
		s.answer(w, http.StatusBadRequest, map[string]any{"message": "folder not found"})
		return
	}
	if s.dashboards[d.UID] > 0 && !body.Overwrite {
		s.answer(w, http.StatusPreconditionFailed, map[string]any{"message": "The dashboard has been changed by someone else", "status": "version-mismatch"})
		return
	}
	s.dashboards[d.UID]++
	s.answer(w, http.StatusOK, map[string]any{"id": 1, "uid": d.UID, "url": s.path + "/d/" + d.UID + "/slug", "status": "success", "version": s.dashboards[d.UID], "slug": "slug"})
}

func (s *grafanaServer) listDatasources(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for _, d := range s.datasources {
		list = append(list, d)
	}
	s.answer(w, http.StatusOK, list)
}

func (s *grafanaServer) getDatasource(w http.ResponseWriter, r *http.Request) {
	if d, ok := s.datasources[r.PathValue("uid")]; ok {
		s.answer(w, http.StatusOK, d)
		return
	}
	s.answer(w, http.StatusNotFound, map[string]any{"message": "Data source not found"})
}

func (s *grafanaServer) postDatasource(w http.ResponseWriter, r *http.Request) {
	d, ok := s.datasource(w, r)
	if !ok {
		return
	}
	for _, other := range s.datasources {
		if other["name"] == d["name"] {
			s.answer(w, http.StatusConflict, map[string]any{"message": "data source with the same name already exists"})
			return
		}
	}
	s.datasources[d["uid"].(string)] = d
	s.answer(w, http.StatusOK, map[string]any{"datasource": d, "id": 1, "message": "Datasource added", "name": d["name"]})
}

func (s *grafanaServer) putDatasource(w http.ResponseWriter, r *http.Request) {
	d, ok := s.datasource(w, r)
	if !ok {
		return
	}
	if old := s.datasources[r.PathValue("uid")]; old == nil || old["readOnly"] == true {
		s.answer(w, http.StatusForbidden, map[string]any{"message": "Cannot update read-only data source"})
		return
	}
	s.datasources[r.PathValue("uid")] = d
	s.answer(w, http.StatusOK, map[string]any{"datasource": d, "id": 1, "message": "Datasource updated", "name": d["name"]})
}

// datasource reads one with the keys that Grafana documents.
func (s *grafanaServer) datasource(w http.ResponseWriter, r *http.Request) (map[string]any, bool) {
	var d struct {
		UID, Name, Type, Access, URL, User, Database string
		BasicAuth, IsDefault, WithCredentials        bool
		JSONData                                     map[string]any
		SecureJSONData                               map[string]string
	}
	if !s.read(w, r, &d) {
		return nil, false
	}
	if d.UID == "" || d.Name == "" || d.Type == "" || d.Access != "proxy" {
		s.t.Errorf("a data source without what it needs: %+v", d)
	}
	return map[string]any{"uid": d.UID, "name": d.Name, "type": d.Type, "url": d.URL, "user": d.User, "jsonData": d.JSONData, "secret": d.SecureJSONData["password"]}, true
}

func (s *grafanaServer) getHealth(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("uid") == dashboards.PostgresUID {
		s.answer(w, http.StatusBadRequest, map[string]any{"message": "connection refused", "status": "ERROR"})
		return
	}
	s.answer(w, http.StatusOK, map[string]any{"message": "Successfully queried the Prometheus API.", "status": "OK"})
}

// plaitSays runs a command line in this process.
func plaitSays(t *testing.T, args ...string) (out, err string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, console{in: strings.NewReader(""), out: &o, err: &e})
	return o.String(), e.String(), code
}

func TestInstallMakesAFolderAndBringsDashboardsUpToDate(t *testing.T) {
	s, address := newGrafanaServer(t, "/grafana", "Admin")
	for _, did := range []string{"installed", "updated"} {
		out, problems, code := plaitSays(t, "dashboards", "install", "--grafana", address+"/", "--token", grafanaToken)
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, problems)
		}
		for _, d := range dashboards.All() {
			if !strings.Contains(out, fmt.Sprintf("%s: %s  %s/d/%s/slug\n", did, d.Title, address, d.UID)) {
				t.Errorf("it does not say that %s was %s:\n%s", d.Title, did, out)
			}
		}
		for _, want := range []string{"missing: data source Plait metrics (plait-prometheus)", "--datasource-prometheus http://HOST:7080/prometheus",
			"missing: data source Plait traces (plait-tempo)", "--datasource-tempo http://HOST:7080/tempo", "missing: data source Plait logs (plait-loki)", "--datasource-loki http://HOST:7080", "missing: data source Plait SQL (plait-postgres)", "--datasource-postgres postgres://"} {
			if !strings.Contains(problems, want) {
				t.Errorf("it does not say %q:\n%s", want, problems)
			}
		}
	}
	if len(s.folders) != 1 || s.folders["plait"] != "Plait" || len(s.dashboards) != len(dashboards.All()) {
		t.Errorf("folders %v, dashboards %v", s.folders, s.dashboards)
	}
}

func TestInstallMakesDataSourcesThatAreAskedFor(t *testing.T) {
	s, address := newGrafanaServer(t, "", "Admin")
	for _, did := range []string{"made", "updated"} {
		out, problems, code := plaitSays(t, "dashboards", "install", "--grafana", address, "--token", grafanaToken,
			"--datasource-prometheus", "plait:7080/prometheus", "--datasource-tempo", "http://plait:7080/tempo", "--datasource-loki", "plait:7080", "--datasource-postgres", "postgres://plait_reader:se%3Acret@[::1]:5433/plait?sslmode=disable")
		if code != 0 || !strings.Contains(out, did+": data source Plait metrics") || !strings.Contains(out, did+": data source Plait SQL") {
			t.Fatalf("exit code %d: %s%s", code, out, problems)
		}
		if !strings.Contains(problems, `"connection refused"`) || strings.Contains(problems, "Plait metrics") {
			t.Errorf("it does not say which data source works: %s", problems)
		}
	}
	metrics, sql := s.datasources["plait-prometheus"], s.datasources["plait-postgres"]
	if metrics["url"] != "http://plait:7080/prometheus" || !strings.Contains(fmt.Sprint(metrics["jsonData"]), dashboards.ExemplarURL) {
		t.Errorf("metrics: %v", metrics)
	}
	for uid, want := range map[string][]string{
		dashboards.TempoUID: {"tempo", "http://plait:7080/tempo", dashboards.LokiUID}, dashboards.LokiUID: {"loki", "http://plait:7080", dashboards.ExemplarURL},
	} {
		d := s.datasources[uid]
		if d["type"] != want[0] || d["url"] != want[1] || !strings.Contains(fmt.Sprint(d["jsonData"]), want[2]) {
			t.Errorf("%s: %v", uid, d)
		}
	}
	if settings, _ := sql["jsonData"].(map[string]any); sql["url"] != "[::1]:5433" || sql["user"] != "plait_reader" || sql["secret"] != "se:cret" || settings["database"] != "plait" || settings["sslmode"] != "disable" {
		t.Errorf("sql: %v", sql)
	}
}

func TestInstallSaysWhichDataSourcesWillBeUsed(t *testing.T) {
	s, address := newGrafanaServer(t, "", "Admin")
	s.datasources["p"] = map[string]any{"uid": "p", "name": "Main Prometheus", "type": "prometheus", "jsonData": map[string]any{}}
	s.datasources["plait-postgres"] = map[string]any{"uid": "plait-postgres", "name": "Plait SQL", "type": dashboards.PostgresType}
	out, problems, code := plaitSays(t, "dashboards", "install", "--grafana", strings.Replace(address, "://", "://admin:"+grafanaToken+"@", 1))
	if code != 0 || !strings.Contains(out, "there: data source Plait SQL (plait-postgres)") {
		t.Errorf("exit code %d: %s%s", code, out, problems)
	}
	for _, want := range []string{"begin with Main Prometheus", "exemplars of Main Prometheus lead nowhere", dashboards.ExemplarURL} {
		if !strings.Contains(problems, want) {
			t.Errorf("it does not say %q:\n%s", want, problems)
		}
	}
	if strings.Contains(out+problems, grafanaToken) {
		t.Errorf("it prints the password:\n%s%s", out, problems)
	}
}

func TestInstallWithTheRoleOfAnEditorInstallsAndSaysWhatWasNotChecked(t *testing.T) {
	s, address := newGrafanaServer(t, "", "Editor")
	_, problems, code := plaitSays(t, "dashboards", "install", "--grafana", address, "--token", grafanaToken)
	if code != 0 || len(s.dashboards) != len(dashboards.All()) || !strings.Contains(problems, "may not read data sources") {
		t.Errorf("exit code %d, dashboards %v: %s", code, s.dashboards, problems)
	}
}

func TestInstallSaysWhyItWasRefusedAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name   string
		token  string
		refuse map[string]answered
		want   []string
	}{
		{"a wrong token", "wrong", nil, []string{"401 Unauthorized: Invalid API key", "--token", "Service accounts"}},
		{"no token", "", nil, []string{"401 Unauthorized", "PLAIT_GRAFANA_TOKEN"}},
		{"a viewer's token", grafanaToken, map[string]answered{"POST /api/folders": {403, `{"message":"Access denied"}`}}, []string{"make the folder", "403 Forbidden: Access denied", "Editor"}},
		{"an address that is another program's", grafanaToken, map[string]answered{"GET /api/folders/plait": {404, "<html>nginx</html>"}}, []string{"404 Not Found", "no Grafana at this address"}},
		{"an address that answers anything", grafanaToken, map[string]answered{"GET /api/folders/plait": {200, "hello"}, "POST /api/dashboards/db": {200, "hello"}}, []string{"no answer of Grafana's"}},
		{"a name that is taken", grafanaToken, map[string]answered{"POST /api/dashboards/db": {412, `{"message":"A dashboard with the same name in the folder already exists","status":"name-exists"}`}},
			[]string{"install correlation-health.json", "412 Precondition Failed: A dashboard with the same name", "--folder"}},
		{"dashboards from files", grafanaToken, map[string]answered{"POST /api/dashboards/db": {400, `{"message":"Cannot save provisioned dashboard"}`}}, []string{"400 Bad Request", "provisioned", "from a file"}},
		{"a redirect", grafanaToken, map[string]answered{"GET /api/folders/plait": {301, ""}}, []string{"301 Moved Permanently", "--grafana"}},
		{"a server that fails", grafanaToken, map[string]answered{"GET /api/folders/plait": {502, "bad gateway"}}, []string{"look for the folder", "502 Bad Gateway"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, address := newGrafanaServer(t, "", "Admin")
			s.refuse = c.refuse
			_, problems, code := plaitSays(t, "dashboards", "install", "--grafana", address, "--token", c.token)
			if code != 1 {
				t.Errorf("exit code %d", code)
			}
			for _, want := range c.want {
				if !strings.Contains(problems, want) {
					t.Errorf("it does not say %q: %s", want, problems)
				}
			}
			if len(s.dashboards) > 0 {
				t.Errorf("dashboards were installed: %v", s.dashboards)
			}
		})
	}
}

func TestInstallToldWronglySaysHow(t *testing.T) {
	t.Setenv("PLAIT_GRAFANA_TOKEN", grafanaToken)
	_, address := newGrafanaServer(t, "", "Admin")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--grafana", address}, 0, ""},
		{nil, 2, "--grafana"},
		{[]string{"--grafana", "127.0.0.1:1"}, 1, "no answer from Grafana"},
		{[]string{"--grafana", address, "--datasource-postgres", "host=x"}, 2, "not a URL such as postgres://plait_reader"},
		{[]string{"--grafana", address, "--datasource-postgres", "postgres://host/plait"}, 2, "not a URL such as postgres://plait_reader"},
		{[]string{"--grafana", address, "--datasource-prometheus", "ftp://x"}, 2, "--datasource-prometheus"},
		{[]string{"--grafana", address, "--datasource-tempo", "ftp://x"}, 2, "--datasource-tempo"},
		{[]string{"--grafana", address, "--datasource-loki", "ftp://x"}, 2, "--datasource-loki"},
	} {
		_, problems, code := plaitSays(t, append([]string{"dashboards", "install"}, c.args...)...)
		if code != c.code || !strings.Contains(problems, c.want) {
			t.Errorf("%v: exit code %d, want %d; %s", c.args, code, c.code, problems)
		}
	}
}

func TestExportWritesTheFilesThatListNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	out, problems, code := plaitSays(t, "dashboards", "export", dir)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, problems)
	}
	listed, _, _ := plaitSays(t, "dashboards", "list")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, d := range dashboards.All() {
		text, err := os.ReadFile(filepath.Join(dir, d.File))
		if err != nil || !bytes.Equal(text, d.JSON) || !slices.Contains(names, d.File) {
			t.Errorf("%s: %v", d.File, err)
		}
		if !strings.Contains(listed, d.UID) || !strings.Contains(listed, d.Title) || !strings.Contains(out, d.File) {
			t.Errorf("%s is not told:\n%s%s", d.File, listed, out)
		}
	}
	if _, problems, code := plaitSays(t, "dashboards", "export", "/dev/null/x"); code != 1 || !strings.Contains(problems, "make the directory") {
		t.Errorf("exit code %d: %s", code, problems)
	}
}

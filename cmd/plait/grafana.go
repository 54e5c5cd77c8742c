package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/dashboards"
)

// grafana speaks Grafana's HTTP API, as 11 to 13 have it.
type grafana struct {
	address string // base URL; its user and password count when there is no token
	token   string
}

// grafanaTimeout bounds one request.
const grafanaTimeout = 30 * time.Second

// maxGrafanaAnswer bounds what is read of an answer, in bytes.
const maxGrafanaAnswer = 8 << 20

// makeFolder makes a folder unless it is there.
func (g grafana) makeFolder(ctx context.Context, uid, title string) error {
	err := g.call(ctx, http.MethodGet, "/api/folders/"+uid, nil, nil)
	if !errors.Is(err, plait.ErrNotFound) {
		return wrapped("look for the folder", err)
	}
	return wrapped("make the folder", g.call(ctx, http.MethodPost, "/api/folders", map[string]any{"uid": uid, "title": title}, nil))
}

// putDashboard makes a dashboard or replaces the one with its uid. It returns the dashboard's address.
func (g grafana) putDashboard(ctx context.Context, d dashboards.Dashboard, folder string) (address string, updated bool, err error) {
	var saved struct {
		URL     string
		Version int
	}
	err = g.call(ctx, http.MethodPost, "/api/dashboards/db", map[string]any{
		"dashboard": d.JSON, "folderUid": folder, "overwrite": true, "message": "plait dashboards install " + version,
	}, &saved)
	if err != nil {
		return "", false, fmt.Errorf("install %s: %w", d.File, err)
	}
	return g.public(saved.URL), saved.Version > 1, nil
}

// public is an address that Grafana answered, which has the path that Grafana is served under in it.
func (g grafana) public(path string) string {
	u, err := url.Parse(g.address)
	if err != nil {
		return path
	}
	if !strings.HasPrefix(path, u.Path+"/") {
		path = u.Path + path
	}
	return u.Scheme + "://" + u.Host + path
}

// grafanaDatasource is a data source, as far as it is set or checked here.
type grafanaDatasource struct {
	UID            string            `json:"uid"`
	Name           string            `json:"name"`
	Type           string            `json:"type"`
	Access         string            `json:"access"`
	URL            string            `json:"url"`
	User           string            `json:"user,omitempty"`
	JSONData       map[string]any    `json:"jsonData"`
	SecureJSONData map[string]string `json:"secureJsonData,omitempty"`
}

func (g grafana) datasources(ctx context.Context) (list []grafanaDatasource, err error) {
	err = g.call(ctx, http.MethodGet, "/api/datasources", nil, &list)
	return list, wrapped("list the data sources", err)
}

// putDatasource makes a data source or replaces the one with its uid, and says which.
func (g grafana) putDatasource(ctx context.Context, d grafanaDatasource) (did string, err error) {
	path := "/api/datasources/uid/" + d.UID
	switch err = g.call(ctx, http.MethodGet, path, nil, nil); {
	case errors.Is(err, plait.ErrNotFound):
		did, err = "made", g.call(ctx, http.MethodPost, "/api/datasources", d, nil)
	case err == nil:
		did, err = "updated", g.call(ctx, http.MethodPut, path, d, nil)
	}
	return did, wrapped("make the data source "+d.Name, err)
}

// health asks Grafana whether it reaches a data source, and returns what it says if it does not.
func (g grafana) health(ctx context.Context, uid string) (trouble string, err error) {
	err = g.call(ctx, http.MethodGet, "/api/datasources/uid/"+uid+"/health", nil, nil)
	var refused *grafanaError
	if errors.As(err, &refused) && !errors.Is(err, plait.ErrUnauthorized) {
		return refused.message, nil
	}
	return "", wrapped("check the data source", err)
}

func wrapped(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// grafanaClient follows no redirect: a POST that is sent elsewhere becomes a GET, which answers
// but does nothing.
var grafanaClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// call sends a request and reads the answer into v, if v is given.
func (g grafana) call(ctx context.Context, method, path string, body, v any) error {
	ctx, cancel := context.WithTimeout(ctx, grafanaTimeout)
	defer cancel()
	var text bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, g.address+path, &text)
	if err != nil {
		return fmt.Errorf("address of Grafana: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if g.token != "" {
		req.Header.Set("Authorization", "Bearer "+g.token)
	}
	resp, err := grafanaClient.Do(req)
	if err != nil {
		return fmt.Errorf("no answer from Grafana (--grafana says where it is): %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxGrafanaAnswer))
	if err != nil {
		return fmt.Errorf("read Grafana's answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return refusal(resp, answer)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(answer, v); err != nil {
		return fmt.Errorf("this is no answer of Grafana's (--grafana has to be its address, with its path): %w", err)
	}
	return nil
}

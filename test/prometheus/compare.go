package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// endpoint is the base URL of a Prometheus API.
type endpoint string

func (e endpoint) get(ctx context.Context, path string, params url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(e)+path+"?"+params.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, resp.Status, body)
	}
	return body, err
}

// await waits until a URL answers 200.
func await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		_, err := endpoint(url).get(ctx, "", nil)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", url, errors.Join(ctx.Err(), err))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// result is the part of an answer that is compared.
type result struct {
	Data struct {
		ResultType string
		Result     []json.RawMessage
	}
}

// compare asks both and reports every difference.
func compare(ctx context.Context, want, got endpoint) error {
	end := time.Now().Add(-5 * time.Second).Truncate(time.Second)
	if err := caughtUp(ctx, got, end); err != nil {
		return err
	}
	different, empty := 0, 0
	for i, query := range queries {
		path, params := "/api/v1/query", url.Values{"query": {query}, "time": {seconds(end)}}
		if i%2 == 1 {
			path = "/api/v1/query_range"
			params = url.Values{"query": {query}, "start": {seconds(end.Add(-30 * time.Second))}, "end": {seconds(end)}, "step": {"1"}}
		}
		a, err := ask(ctx, want, path, params)
		if err != nil {
			return fmt.Errorf("ask Prometheus %s: %w", query, err)
		}
		b, err := ask(ctx, got, path, params)
		if err != nil {
			return fmt.Errorf("ask Plait %s: %w", query, err)
		}
		if len(a) == 0 {
			empty++
		}
		if !slices.EqualFunc(a, b, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) }) {
			different++
			log.Printf("different: %s\n  Prometheus %.2000s\n  Plait      %.2000s", query, join(a), join(b))
		}
	}
	log.Printf("%d queries, %d of them with an empty answer, %d different", len(queries), empty, different)
	if different > 0 {
		return errors.New("answers differ")
	}
	return exemplars(ctx, got, end)
}

func join(list []json.RawMessage) []byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return bytes.Join(out, []byte("\n             "))
}

// ask returns the elements of the result, sorted where their order means nothing.
func ask(ctx context.Context, e endpoint, path string, params url.Values) ([]json.RawMessage, error) {
	body, err := e.get(ctx, path, params)
	if err != nil {
		return nil, err
	}
	var r result
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("%.200s: %w", body, err)
	}
	if !strings.HasPrefix(params.Get("query"), "sort") {
		slices.SortFunc(r.Data.Result, func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
	}
	return r.Data.Result, nil
}

// caughtUp waits until what Prometheus scraped by then has been sent.
func caughtUp(ctx context.Context, e endpoint, end time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		newest, err := ask(ctx, e, "/api/v1/query", url.Values{"query": {`min(timestamp(up{job=~".+"})) > ` + seconds(end)}})
		if err == nil && len(newest) == 1 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for remote write: %w", errors.Join(ctx.Err(), err))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// exemplars says how many exemplars Prometheus has sent that Plait serves.
func exemplars(ctx context.Context, e endpoint, end time.Time) error {
	body, err := e.get(ctx, "/api/v1/query_exemplars", url.Values{
		"query": {`traces_spanmetrics_latency_bucket{job="plait"}`}, "start": {seconds(end.Add(-time.Hour))}, "end": {seconds(end)},
	})
	if err != nil {
		return err
	}
	var answer struct {
		Data []struct{ Exemplars []json.RawMessage }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	n := 0
	for _, s := range answer.Data {
		n += len(s.Exemplars)
	}
	log.Printf("%d exemplars came back from Plait's /metrics through Prometheus", n)
	if n == 0 {
		return errors.New("no exemplar came back")
	}
	return nil
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

package api

import (
	_ "embed" // for the description
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"
)

// openAPIYAML describes the API. It is written by hand; tests hold it and the code together.
//
//go:embed openapi.yaml
var openAPIYAML []byte

var openAPIJSON = sync.OnceValues(func() ([]byte, error) {
	var description any
	if err := yaml.Unmarshal(openAPIYAML, &description); err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	text, err := json.Marshal(description)
	if err != nil {
		return nil, fmt.Errorf("write openapi.json: %w", err)
	}
	return text, nil
})

func serveBytes(contentType string, read func() ([]byte, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		body, err := read()
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, contentType, body)
	}
}

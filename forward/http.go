package forward

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/common/config"
)

// maxAnswer bounds what is read of an answer: enough for a partial success.
const maxAnswer = 64 << 10

// poster posts bodies to one address.
type poster struct {
	client  *http.Client
	url     string
	headers http.Header
	gzip    *gzip.Writer // nil: bodies go as they are
}

// newPoster makes a poster to a path below the target's address. It compresses bodies by gzip if the target wants that and the
// protocol leaves it open.
func newPoster(t *Target, path, contentType string, mayCompress bool) (*poster, error) {
	dialer := net.Dialer{Timeout: time.Duration(t.Timeout)}
	client, err := config.NewClientFromConfig(t.Client, t.Name, config.WithDialContextFunc(dialer.DialContext), config.WithUserAgent("Plait"))
	if err != nil {
		return nil, fmt.Errorf("make its HTTP client: %w", err)
	}
	p := &poster{client: client, url: t.at(path), headers: http.Header{}}
	for name, value := range t.Headers {
		p.headers.Set(name, string(value))
	}
	if t.TenantID != "" {
		p.headers.Set("X-Scope-OrgID", t.TenantID)
	}
	p.headers.Set("Content-Type", contentType)
	if mayCompress && t.Compression == compressionGzip {
		p.headers.Set("Content-Encoding", "gzip")
		p.gzip, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // a level that there is
	}
	return p, nil
}

// answer is what a target says to a request that it took.
type answer struct {
	header http.Header
	body   []byte
}

// post sends a body, and returns the answer.
func (p *poster) post(ctx context.Context, body []byte) (answer, error) {
	body, err := p.pack(body)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("make a request: %w", err)
	}
	r.Header = p.headers.Clone()
	response, err := p.client.Do(r)
	if err != nil {
		return answer{}, unanswered(err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case response.StatusCode/100 != 2:
		return answer{}, statusFailure(response, said, time.Now())
	case response.Request.Method != http.MethodPost:
		return answer{}, &failure{verdict: later, code: response.Request.Method, text: "the request was redirected to " + response.Request.URL.Redacted() + ", where it became another one"}
	case err != nil:
		return answer{}, unanswered(fmt.Errorf("read the answer: %w", err))
	}
	return answer{response.Header, said}, nil
}

// pack compresses a body, into memory of its own: of a request that was answered early the end may still be read.
func (p *poster) pack(body []byte) ([]byte, error) {
	if p.gzip == nil {
		return body, nil
	}
	packed := bytes.NewBuffer(make([]byte, 0, len(body)/4))
	p.gzip.Reset(packed)
	if _, err := p.gzip.Write(body); err != nil {
		return nil, fmt.Errorf("compress a request: %w", err)
	}
	if err := p.gzip.Close(); err != nil {
		return nil, fmt.Errorf("compress a request: %w", err)
	}
	return packed.Bytes(), nil
}

func (p *poster) close() { p.client.CloseIdleConnections() }

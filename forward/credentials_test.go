package forward

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/wire/otlp"
)

// guard is a target that takes every request, and keeps with what it came.
type guard struct {
	mu      sync.Mutex
	headers []http.Header // of each request
	taken   []string      // names of spans
}

func (g *guard) take(h http.Header, body []byte) error {
	traces, err := otlp.DecodeTraces(body)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.headers, g.taken = append(g.headers, h), append(g.taken, namesOf(traces.Spans)...)
	return nil
}

// values are those of a header in all requests.
func (g *guard) values(name string) (all []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, h := range g.headers {
		all = append(all, strings.Join(h.Values(name), ","))
	}
	return all
}

func (g *guard) names() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.taken)
}

// ServeHTTP takes spans over HTTP.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = g.take(r.Header, body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// stream takes spans over gRPC.
func (g *guard) stream(_ any, s grpc.ServerStream) error {
	var body []byte
	if err := s.RecvMsg(&body); err != nil {
		return err
	}
	md, _ := metadata.FromIncomingContext(s.Context())
	h := http.Header{}
	for name, values := range md {
		h[http.CanonicalHeaderKey(name)] = values
	}
	if err := g.take(h, body); err != nil {
		return err
	}
	return s.SendMsg([]byte{})
}

// serve starts the guard, over TLS if there is a configuration for that, and returns it as a target.
func (g *guard) serve(t *testing.T, protocol string, c *tls.Config) Target {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if protocol == "otlp_grpc" {
		options := []grpc.ServerOption{grpc.ForceServerCodecV2(encodedAlready{}), grpc.UnknownServiceHandler(g.stream)}
		if c != nil {
			options = append(options, grpc.Creds(credentials.NewTLS(c)))
		}
		s := grpc.NewServer(options...)
		done := make(chan error, 1)
		go func() { done <- s.Serve(l) }()
		t.Cleanup(func() {
			s.Stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	} else {
		s := httptest.NewUnstartedServer(g)
		s.Listener.Close()
		s.Listener, s.TLS, s.Config.ErrorLog = l, c, log.New(io.Discard, "", 0)
		if c != nil {
			s.StartTLS()
		} else {
			s.Start()
		}
		t.Cleanup(s.Close)
	}
	target := targetAt(t, "a", protocol, l.Addr().String())
	target.Signals, target.Compression = []string{"traces"}, compressionNone
	if c != nil {
		target.URL.Scheme = "https"
	}
	return target
}

// identity is a certificate that signs itself, with its files.
type identity struct {
	certFile, keyFile string
	pair              tls.Certificate
	pool              *x509.CertPool
}

func newIdentity(t *testing.T) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: t.Name()}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	dir := t.TempDir()
	i := identity{certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem"), pool: x509.NewCertPool()}
	writeFile(t, i.certFile, certPEM)
	writeFile(t, i.keyFile, keyPEM)
	if i.pair, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	i.pool.AppendCertsFromPEM(certPEM)
	return i
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestATargetGetsItsCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		protocol     string
		set          func(*Target)
		header, want string
	}{
		"basic_auth over otlp_http": {"otlp_http", func(t *Target) {
			t.Client.BasicAuth = &config.BasicAuth{Username: "Aladdin", Password: "open sesame"}
		}, "Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		"tenant_id over otlp_http": {"otlp_http", func(t *Target) { t.TenantID = "blue" }, "X-Scope-OrgID", "blue"},
		"tenant_id over otlp_grpc": {"otlp_grpc", func(t *Target) { t.TenantID = "blue" }, "X-Scope-OrgID", "blue"},
		"headers over otlp_http": {"otlp_http", func(t *Target) {
			t.Headers = map[string]config.Secret{"Authorization": "Bearer one"}
		}, "Authorization", "Bearer one"},
		"headers over otlp_grpc": {"otlp_grpc", func(t *Target) {
			t.Headers = map[string]config.Secret{"Authorization": "Bearer one"}
		}, "Authorization", "Bearer one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, r := newGateway(t), &guard{}
			target := r.serve(t, c.protocol, nil)
			c.set(&target)
			g.start(target)
			g.write(spans("a", 3)...)
			g.settle("a")
			if got := r.values(c.header); !slices.Equal(got, []string{c.want}) || len(r.names()) != 3 {
				t.Errorf("%s of the requests: %q, want %q once; spans %q", c.header, got, c.want, r.names())
			}
		})
	}
}

func TestARenewedBearerTokenFileCountsFromTheNextRequest(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), &guard{}
	target := r.serve(t, "otlp_http", nil)
	token := filepath.Join(t.TempDir(), "token")
	target.Client.BearerTokenFile = token
	writeFile(t, token, []byte("one\n"))
	g.start(target)
	g.write(spans("a", 3)...)
	g.settle("a")
	writeFile(t, token, []byte("two\n"))
	g.write(spans("b", 3)...)
	g.settle("a")
	if got := r.values("Authorization"); !slices.Equal(got, []string{"Bearer one", "Bearer two"}) {
		t.Errorf("%q", got)
	}
}

// A handshake that fails is for somebody to mend: what waits is kept until then.
func TestNothingIsLostUntilTLSIsSetUpRight(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"otlp_http", "otlp_grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			g, r, server, client := newGateway(t), &guard{}, newIdentity(t), newIdentity(t)
			target := r.serve(t, protocol, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{server.pair},
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: client.pool})
			g.start(target)() // it gets what is committed from now on
			g.write(spans("a", 5)...)
			fails := func(is func(outbox.Status) bool) {
				t.Helper()
				stop := g.start(target)
				before := len(g.waited())
				g.until("a", func(s outbox.Status) bool { return s.Failing > 0 && is(s) && len(g.waited()) >= before+3 })
				stop()
				if s := g.status("a"); s.Waiting != 5 || len(r.names()) != 0 || len(g.refusals("a")) != 0 {
					t.Fatalf("%+v, %q arrived, set aside: %q", s, r.names(), g.refusals("a"))
				}
			}
			untrusted := func(s outbox.Status) bool { return strings.Contains(s.Failure, "unknown authority") }
			fails(untrusted)
			target.Client.TLSConfig.CAFile = server.certFile
			fails(func(s outbox.Status) bool { return !untrusted(s) }) // the server wants to know the client
			target.Client.TLSConfig.CertFile, target.Client.TLSConfig.KeyFile = client.certFile, client.keyFile
			g.start(target)
			if s := g.settle("a"); !slices.Equal(r.names(), namesOf(spans("a", 5))) || s.Failing != 0 {
				t.Errorf("%+v, %q arrived", s, r.names())
			}
		})
	}
}

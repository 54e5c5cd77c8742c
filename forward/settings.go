// Package forward sends what is committed on to other systems, in their own protocols. It reads the outbox that commits leave
// (store/outbox), a batch after the other, and moves a target's cursor when the target has taken one: whatever happens to gateways,
// database and target, a record is sent at least once, or it is counted why not (docs/forwarding.md).
package forward

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/config"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/bytesize"
	"github.com/plaithq/plait/duration"
	"github.com/plaithq/plait/store/outbox"
)

// Target is a system that gets what is committed. What says how it is reached is spelled as Loki's and Prometheus's clients spell it.
type Target struct {
	// Name tells targets apart. The cursor goes by it: with another name, a target begins anew.
	Name     string `yaml:"name"`
	Protocol string `yaml:"protocol"`
	// URL is http:// or https://, for gRPC too: it says whether TLS is spoken.
	URL config.URL `yaml:"url"`
	// Signals are those that it gets; none means all that the protocol has.
	Signals []string `yaml:"signals,omitempty"`

	Filter `yaml:",inline"`

	Headers     map[string]config.Secret `yaml:"headers,omitempty"`
	TenantID    string                   `yaml:"tenant_id,omitempty"` // is sent as X-Scope-OrgID
	Client      config.HTTPClientConfig  `yaml:",inline"`
	Compression string                   `yaml:"compression"`
	// ExternalLabels are labels that every stream gets, where the protocol has labels.
	ExternalLabels map[string]string `yaml:"external_labels,omitempty"`
	// ProtobufMessage says which version of remote write is sent; empty means 2.0.
	ProtobufMessage string `yaml:"protobuf_message,omitempty"`
	// BatchSize is the most bytes of one request before compression, as far as a single record allows.
	BatchSize int `yaml:"batchsize"`
	// MaxBytes bounds what waits for each of its signals, as it is stored: the oldest records beyond are given up. 0: retention alone bounds it.
	MaxBytes bytesize.Size `yaml:"max_bytes"`
	// MaxAge bounds for how long records wait: older ones are given up. 0: retention alone bounds it.
	MaxAge  duration.Duration `yaml:"max_age,omitempty"`
	Timeout duration.Duration `yaml:"timeout"`
	Backoff Backoff           `yaml:"backoff_config"`
}

// Backoff says how long a request waits that is sent again: the first time MinPeriod, then twice as long each time up to MaxPeriod,
// and never for less than the target asks for.
type Backoff struct {
	MinPeriod duration.Duration `yaml:"min_period"`
	MaxPeriod duration.Duration `yaml:"max_period"`
}

// DefaultTarget has what a target has where nothing is said.
func DefaultTarget() Target {
	client := config.DefaultHTTPClientConfig
	client.FollowRedirects = false // a page to log in would be taken for an answer
	return Target{
		Client:      client,
		Compression: compressionGzip,
		BatchSize:   1 << 20,
		MaxBytes:    16 << 30,
		Timeout:     duration.Duration(10 * time.Second),
		Backoff:     Backoff{MinPeriod: duration.Duration(500 * time.Millisecond), MaxPeriod: duration.Duration(time.Minute)},
	}
}

// UnmarshalYAML reads a target over the defaults.
func (t *Target) UnmarshalYAML(unmarshal func(any) error) error {
	type target Target
	read := target(DefaultTarget())
	if err := unmarshal(&read); err != nil {
		return err
	}
	*t = Target(read)
	return nil
}

const (
	compressionGzip = "gzip"
	compressionNone = "none"
)

// protocol is a way to send.
type protocol struct {
	name    string
	signals []outbox.Signal
	open    func(*Config, *Target, outbox.Signal) (exporter, error)
	// validate refuses settings that the protocol has no use for; nil: none.
	validate func(*Target) error
}

const protocolRemoteWrite = "prometheus_remote_write"

// protocols are those that there are.
var protocols = []protocol{
	{name: "otlp_http", signals: outbox.Signals(), open: openOTLPHTTP},
	{name: "otlp_grpc", signals: outbox.Signals(), open: openOTLPGRPC, validate: validateGRPC},
	{name: "loki", signals: []outbox.Signal{outbox.Logs}, open: openLoki},
	{name: "zipkin", signals: []outbox.Signal{outbox.Traces}, open: openZipkin},
	{name: protocolRemoteWrite, signals: []outbox.Signal{outbox.Metrics}, open: openRemoteWrite, validate: validateRemoteWrite},
}

// protocol is that of the target, nil if there is none of its name.
func (t *Target) protocol() *protocol {
	i := slices.IndexFunc(protocols, func(p protocol) bool { return p.name == t.Protocol })
	if i < 0 {
		return nil
	}
	return &protocols[i]
}

// signals are those that the target gets.
func (t *Target) signals() []outbox.Signal {
	p := t.protocol()
	if len(t.Signals) == 0 {
		return p.signals
	}
	return slices.DeleteFunc(slices.Clone(p.signals), func(s outbox.Signal) bool { return !slices.Contains(t.Signals, s.String()) })
}

var targetName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

// Validate reports the first target that cannot work. The error is plait.ErrInvalid and names the target and its setting.
func Validate(targets []Target) error {
	names := map[string]bool{}
	for i := range targets {
		t := &targets[i]
		if !targetName.MatchString(t.Name) {
			return plait.Errorf(plait.ErrInvalid, "target %d: name: %q is not a name of letters, digits, points, - and _, of up to 63 characters", i+1, t.Name)
		}
		if names[t.Name] {
			return plait.Errorf(plait.ErrInvalid, "target %s: there are two of this name", t.Name)
		}
		names[t.Name] = true
		if err := t.validate(); err != nil {
			return plait.Errorf(plait.ErrInvalid, "target %s: %w", t.Name, err)
		}
	}
	return nil
}

func (t *Target) validate() error {
	p := t.protocol()
	if p == nil {
		var names []string
		for _, p := range protocols {
			names = append(names, p.name)
		}
		return fmt.Errorf("protocol: %q is not one of %s", t.Protocol, strings.Join(names, ", "))
	}
	if err := t.validateURL(); err != nil {
		return err
	}
	for _, s := range t.Signals {
		if !slices.ContainsFunc(p.signals, func(has outbox.Signal) bool { return has.String() == s }) {
			return fmt.Errorf("signals: %s does not carry %q, but %s", t.Protocol, s, names(p.signals))
		}
	}
	switch {
	case t.Compression != compressionGzip && t.Compression != compressionNone:
		return fmt.Errorf("compression: %q is neither gzip nor none", t.Compression)
	case t.BatchSize < 1<<10 || t.BatchSize > 64<<20:
		return fmt.Errorf("batchsize: %d is not between 1024 and %d bytes", t.BatchSize, 64<<20)
	case t.MaxBytes != 0 && t.MaxBytes < 1<<20:
		return fmt.Errorf("max_bytes: %s is less than 1MiB, and 0 means no bound", t.MaxBytes)
	case t.MaxAge != 0 && t.MaxAge < duration.Duration(boundEvery):
		return fmt.Errorf("max_age: %s is less than %s, and 0 means no bound", t.MaxAge, duration.Duration(boundEvery))
	case t.Timeout < duration.Duration(10*time.Millisecond) || t.Timeout > duration.Duration(5*time.Minute):
		return fmt.Errorf("timeout: %s is not between 10ms and 5m", t.Timeout)
	case t.Backoff.MinPeriod <= 0 || t.Backoff.MaxPeriod < t.Backoff.MinPeriod:
		return fmt.Errorf("backoff_config: min_period %s is not more than 0 and at most max_period %s", t.Backoff.MinPeriod, t.Backoff.MaxPeriod)
	}
	if err := t.Client.Validate(); err != nil {
		return err
	}
	if err := validateLabels(t); err != nil {
		return err
	}
	if err := validateMessage(t); err != nil {
		return err
	}
	if p.validate != nil {
		if err := p.validate(t); err != nil {
			return err
		}
	}
	_, err := t.compile()
	return err
}

func (t *Target) validateURL() error {
	if t.URL.URL == nil || t.URL.Host == "" || t.URL.Scheme != "http" && t.URL.Scheme != "https" {
		shown := ""
		if t.URL.URL != nil {
			shown = t.URL.Redacted()
		}
		return fmt.Errorf("url: %q is not like https://collector.example:4318", shown)
	}
	if t.URL.RawQuery != "" || t.URL.Fragment != "" {
		return fmt.Errorf("url: %q has a query or a fragment, which requests do not carry", t.URL.Redacted())
	}
	return nil
}

// at is where requests go: a path below the target's address, or that itself where it ends so already.
func (t *Target) at(path string) string {
	u := *t.URL.URL
	if u.Path = strings.TrimSuffix(u.Path, "/"); !strings.HasSuffix(u.Path, path) {
		u.Path += path
	}
	return u.String()
}

// externalLabels are in the order of their names.
func (t *Target) externalLabels() (labels []plait.Label) {
	for _, name := range slices.Sorted(maps.Keys(t.ExternalLabels)) {
		labels = append(labels, plait.Label{Name: name, Value: t.ExternalLabels[name]})
	}
	return labels
}

func names(signals []outbox.Signal) string {
	var list []string
	for _, s := range signals {
		list = append(list, s.String())
	}
	return strings.Join(list, ", ")
}

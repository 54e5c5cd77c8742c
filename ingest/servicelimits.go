package ingest

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plaithq/plait"
)

// ServiceLimit bounds how many spans and log records of a service are stored in a second, on average over some seconds.
type ServiceLimit struct {
	// Service is a service.name, or OtherServices for each that has no entry of its own.
	Service string `yaml:"service"`
	// MaxSpansPerSecond and MaxRecordsPerSecond are as in Config. Nil is that of OtherServices, 0 is no bound.
	MaxSpansPerSecond   *float64 `yaml:"max-spans-per-second,omitempty"`
	MaxRecordsPerSecond *float64 `yaml:"max-records-per-second,omitempty"`
}

// OtherServices stands for each service that a list of limits does not name, and in plait.Limited for those that share a
// limit since there are too many of them.
const OtherServices = "*"

// maxPerSecond bounds a limit, so that sums of what comes stay numbers.
const maxPerSecond = 1e12

// checkServiceLimits says which entry of a list cannot be used.
func checkServiceLimits(list []ServiceLimit) error {
	known := map[string]bool{}
	for i, l := range list {
		switch {
		case l.Service == "":
			return fmt.Errorf("entry %d: service: none is named; %q stands for each other service", i+1, OtherServices)
		case !utf8.ValidString(l.Service):
			return fmt.Errorf("entry %d: service: %q is not UTF-8", i+1, l.Service)
		case known[l.Service]:
			return fmt.Errorf("service %s: there are two entries of it", l.Service)
		case l.MaxSpansPerSecond == nil && l.MaxRecordsPerSecond == nil:
			return fmt.Errorf("service %s: neither max-spans-per-second nor max-records-per-second is set; 0 is no limit", l.Service)
		}
		known[l.Service] = true
		for _, n := range []struct {
			key   string
			value *float64
		}{{"max-spans-per-second", l.MaxSpansPerSecond}, {"max-records-per-second", l.MaxRecordsPerSecond}} {
			if n.value != nil && !(*n.value >= 0 && *n.value <= maxPerSecond) {
				return fmt.Errorf("service %s: %s: %v is not between 0 and %.0f", l.Service, n.key, *n.value, maxPerSecond)
			}
		}
	}
	return nil
}

const (
	// maxServicePaces bounds the services without an entry of their own that have a pace of their own at a time, in some
	// megabytes with their names. Further ones share one, so that who makes up names gains nothing by it.
	maxServicePaces = 1024
	// forgetService is after how long without a record a service's pace is forgotten when there are too many.
	forgetService = 6 * paceMemory
	// sweepEvery is how often it is looked for those.
	sweepEvery = time.Second
)

// servicePaces are the paces of services that have limits. It is not for use by several goroutines at once.
type servicePaces struct {
	named  map[string]*servicePace // those with an entry of their own
	others float64                 // the limit of each other service
	seen   map[string]*servicePace // those of other services
	rest   *servicePace            // what those share that are too many
	swept  time.Time

	request uint64         // the number of the newest
	touched []*servicePace // by it
}

// servicePace is the pace of a service, and what became of its records in the newest request that had some.
type servicePace struct {
	pace
	service string
	request uint64
	by      [classes]*step
	came    int
	out     [classes]int
}

// newServicePaces makes those of a signal, whose limit is read from an entry; nil where no service has one.
func newServicePaces(list []ServiceLimit, limit func(*ServiceLimit) *float64) *servicePaces {
	s := &servicePaces{named: map[string]*servicePace{}, others: math.Inf(1), seen: map[string]*servicePace{}}
	limited := false
	for i := range list {
		if n := limit(&list[i]); n != nil {
			limited = limited || *n > 0
			if list[i].Service == OtherServices {
				s.others = orNone(*n)
			} else {
				s.named[list[i].Service] = newServicePace(list[i].Service, orNone(*n))
			}
		}
	}
	if !limited {
		return nil
	}
	s.rest = newServicePace(OtherServices, s.others)
	return s
}

func newServicePace(service string, limit float64) *servicePace {
	return &servicePace{pace: pace{limit: limit}, service: service}
}

// arrive notes the records of a request at their services, and returns the services that have limits, each with the steps
// by which its records are sampled. What it returns holds until the next request.
func (s *servicePaces) arrive(records []candidate, now time.Time) []*servicePace {
	if s == nil {
		return nil
	}
	s.request++
	s.touched = s.touched[:0]
	var p *servicePace
	for i := range records {
		c := &records[i]
		if i == 0 || c.resource != records[i-1].resource {
			p = s.of(c.resource, now)
		}
		if c.service = p; p == nil {
			continue
		}
		if p.request != s.request {
			p.request, p.came, p.out = s.request, 0, [classes]int{}
			p.advance(now)
			s.touched = append(s.touched, p)
		}
		p.came++
		p.come(c.class, c.standsFor())
	}
	for _, p := range s.touched {
		p.by = p.steps()
	}
	return s.touched
}

// of finds the pace of a service, nil for one without a limit.
func (s *servicePaces) of(r *plait.Resource, now time.Time) *servicePace {
	name := r.Service()
	p, named := s.named[name]
	if !named {
		p = s.ofOther(name, now)
	}
	if p == nil || math.IsInf(p.limit, 1) {
		return nil
	}
	return p
}

func (s *servicePaces) ofOther(name string, now time.Time) *servicePace {
	if math.IsInf(s.others, 1) {
		return nil
	}
	if p := s.seen[name]; p != nil {
		return p
	}
	if len(s.seen) >= maxServicePaces {
		s.sweep(now)
	}
	if len(s.seen) >= maxServicePaces {
		return s.rest
	}
	p := newServicePace(strings.Clone(name), s.others) // the request's memory is not kept
	s.seen[p.service] = p
	return p
}

// sweep forgets services of which nothing has come for a while.
func (s *servicePaces) sweep(now time.Time) {
	if since := now.Sub(s.swept); since >= 0 && since < sweepEvery {
		return
	}
	s.swept = now
	for name, p := range s.seen {
		if p.request != s.request && now.Sub(p.at) > forgetService {
			delete(s.seen, name)
		}
	}
}

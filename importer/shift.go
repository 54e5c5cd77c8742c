package importer

import (
	"fmt"
	"math"
	"time"

	"github.com/plaithq/plait/wire/otlp"
)

// newest returns the newest time stamp in the request, ns since the Unix epoch, 0 without one.
func (p *payload) newest() (int64, error) {
	var newest int64
	_, err := p.mapTimes(func(t int64) int64 {
		newest = max(newest, t)
		return t
	})
	return newest, err
}

// shift moves every time stamp of the request.
func (p *payload) shift(d time.Duration) (err error) {
	if d != 0 {
		p.body, err = p.mapTimes(func(t int64) int64 { return moved(t, d) })
	}
	return err
}

// moved is a time of after 1970 moved by a duration, and the last that there is when it would be later.
func moved(nanos int64, d time.Duration) int64 {
	if m := nanos + int64(d); m > nanos || d < 0 {
		return m
	}
	return math.MaxInt64
}

func (p *payload) mapTimes(f func(int64) int64) ([]byte, error) {
	if p.json {
		return otlp.MapTimesJSON(p.body, f), nil
	}
	body, err := otlp.MapTimes(p.signal, p.body, f)
	if err != nil {
		err = fmt.Errorf("read %s: %w", p.signal, err)
	}
	return body, err
}

package otlp

import (
	"cmp"
	"slices"

	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// target_info is the series that carries a resource's attributes. Queries join it to the others, so
// it needs samples wherever those have some. Prometheus's converter repeats it every half of PromQL's
// look-back from a resource's first data point to its last: thousands of times for two points a week
// apart. Here only those halves get one in which there are data points, at the first of them, and the
// last of each: no point lacks its target_info, and there are never more of those than points.

// infoSlot is a half of the look-back, in nanoseconds.
const infoSlot = uint64(lookback / 2)

// presence is when there are data points.
type presence struct {
	slot        uint64
	first, last uint64 // in the slot; 0 when there are none
	others      map[uint64][2]uint64
}

// note adds the time of a data point.
func (p *presence) note(nanos uint64) {
	if slot := nanos / infoSlot; slot != p.slot || p.last == 0 {
		p.turn(slot)
	}
	if p.last == 0 {
		p.first = nanos
	}
	p.first, p.last = min(p.first, nanos), max(p.last, nanos)
}

// turn goes to another slot.
func (p *presence) turn(slot uint64) {
	if p.last != 0 {
		if p.others == nil {
			p.others = map[uint64][2]uint64{}
		}
		p.others[p.slot] = [2]uint64{p.first, p.last}
	}
	known := p.others[slot]
	p.slot, p.first, p.last = slot, known[0], known[1]
}

// times are the milliseconds at which target_info is due, in order.
func (p *presence) times() []int64 {
	if p.last == 0 {
		return nil
	}
	if p.others == nil {
		return slices.Compact([]int64{int64(p.first) / 1_000_000, int64(p.last) / 1_000_000})
	}
	p.others[p.slot] = [2]uint64{p.first, p.last}
	out := make([]int64, 0, 2*len(p.others))
	for _, of := range p.others {
		out = append(out, int64(of[0])/1_000_000, int64(of[1])/1_000_000)
	}
	slices.SortFunc(out, cmp.Compare[int64])
	return slices.Compact(out)
}

// targetInfo adds the samples of target_info, if the resource has any.
func (w *metricWalk) targetInfo() error {
	times := w.seen.times()
	if len(times) == 0 {
		return nil
	}
	key := w.resourceKey.With(targetInfo)
	info := w.decoder.names.Get(key)
	if info == nil {
		var fault string
		if info, fault = w.askInfo(); fault != "" {
			w.refused.Add(0, targetInfo+" is left out: "+fault)
			return nil
		}
		w.decoder.names.Add(key, info)
	}
	if len(info.series) == 0 {
		return nil
	}
	if err := w.ledger.Take(info.weigh() + len(times)*sampleBytes); err != nil {
		return err
	}
	w.out.AddMetadata(info.metadata)
	for _, t := range times {
		w.addSample(info.series[0], t, 0, 1)
	}
	return nil
}

// askInfo asks the converter for the resource's target_info, with a gauge that exists only for the
// question. The names are empty when it makes none.
func (w *metricWalk) askInfo() (*names, string) {
	run := attributeRun{protobuf.Of(w.resource), resourceAttributes}
	if fault := run.tooLarge(); fault != "" {
		return nil, "the resource has " + fault
	}
	resource, err := w.bounded(nil, run)
	if err != nil {
		return nil, err.Error()
	}
	gauge := metric{name: "asked", kind: metricGauge}
	answer := w.convert(question(resource, nil, gauge.asked(&point{}, nil)), false)
	if answer.fault != "" {
		return nil, answer.fault
	}
	return &names{series: answer.info, metadata: series.Clip(answer.told)}, ""
}

package main

import (
	"slices"
	"time"

	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/roofline"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/runtime"
)

const (
	minCalls = 5
	warmUps  = 2
	turnTime = 20 * time.Millisecond
	// peakTime is short: a processor lowers its clock for calls that keep units and
	// memory busy, and raises it again within a millisecond of bare multiply-adds.
	peakTime = 200 * time.Microsecond
	// tilePeakTime is longer: after other work, tiles take up to half a millisecond to get going.
	tilePeakTime = time.Millisecond
)

// trial measures a model at one thread count.
type trial struct {
	plan     *plan.Plan
	threads  int
	batch    int
	session  *exec.Session
	dst, src [][]float32

	calls     []time.Duration
	peaks     []float64 // FLOP/s
	tilePeaks []float64 // if there are steps
	steps     [][]time.Duration

	memory, cached float64 // bytes a second, the best of what was seen
}

func newTrial(m *exec.Model, threads, batch int, layers bool) (*trial, error) {
	t := &trial{plan: m.Plan(), threads: threads, batch: batch, session: m.NewSession(runtime.Threads(threads), runtime.Batch(batch))}
	for _, in := range t.plan.Inputs {
		t.src = append(t.src, verify.Seeded(in.Name, batch*in.Shape.Elems(), -1, 1))
	}
	for _, out := range t.plan.Outputs {
		t.dst = append(t.dst, make([]float32, batch*out.Shape.Elems()))
	}
	for range warmUps {
		if err := t.forward(); err != nil {
			return nil, err
		}
	}
	if layers {
		t.steps = make([][]time.Duration, len(t.plan.Steps))
		var last time.Time
		t.session.After = func(step int) {
			now := time.Now()
			if 0 <= step && step < len(t.steps) {
				t.steps[step] = append(t.steps[step], now.Sub(last))
			}
			last = now
		}
		t.measureBandwidth()
	}
	return t, nil
}

func (t *trial) forward() error { return t.session.Forward(t.dst, t.src, t.batch) }

// measureBandwidth reads as many bytes as the network has, and a quarter of the private
// caches. It does so before and after the calls, since they would find the caches full of it.
func (t *trial) measureBandwidth() {
	const most, burst = 256 << 20, 30 * time.Millisecond
	t.memory = max(t.memory, runtime.MeasureBandwidth(t.threads, min(most, roofline.Data(t.plan, t.batch, (*runtime.Conv).Tiled)), burst))
	t.cached = max(t.cached, runtime.MeasureBandwidth(t.threads, t.threads*roofline.Cache/4, burst))
}

// turn calls for a while, and then measures the peak at the clock that the calls leave.
// The first of them finds the caches as the others left them, and counts only if it takes
// so long that it is the only one.
func (t *trial) turn() error {
	first := len(t.calls)
	for end := time.Now().Add(turnTime); ; {
		start := time.Now()
		if err := t.forward(); err != nil {
			return err
		}
		now := time.Now()
		t.calls = append(t.calls, now.Sub(start))
		if now.After(end) {
			break
		}
	}
	t.peaks = append(t.peaks, runtime.MeasurePeak(t.threads, peakTime))
	if t.steps != nil {
		t.tilePeaks = append(t.tilePeaks, runtime.MeasureTilePeak(t.threads, tilePeakTime))
	}
	if len(t.calls)-first > 1 {
		t.calls = slices.Delete(t.calls, first, first+1)
		for i, times := range t.steps {
			t.steps[i] = slices.Delete(times, first, first+1)
		}
	}
	return nil
}

func (t *trial) result() benchRun {
	peak := quantile(t.peaks, 0.5)
	median := quantile(t.calls, 0.5)
	r := benchRun{
		Threads: t.threads, Calls: len(t.calls),
		MedianMS: milliseconds(median), MinMS: milliseconds(slices.Min(t.calls)), P90MS: milliseconds(quantile(t.calls, 0.9)),
		PeakGFLOPS: peak / 1e9,
	}
	r.GFLOPS = 2 * float64(t.plan.MACs) * float64(t.batch) / median.Seconds() / 1e9
	r.Share = r.GFLOPS / r.PeakGFLOPS
	if t.steps == nil {
		return r
	}
	t.measureBandwidth()
	r.MemoryGBS, r.CacheGBS = t.memory/1e9, t.cached/1e9
	tilePeak := quantile(t.tilePeaks, 0.5)
	r.TilePeakGFLOPS = tilePeak / 1e9
	machine := roofline.Machine{MultiplyAdds: peak / 2, Tiled: tilePeak / 2, Memory: t.memory, Cached: t.cached}
	for i, times := range t.steps {
		s := &t.plan.Steps[i]
		took := max(quantile(times, 0.5).Seconds(), 1e-9)
		bound, by := machine.Bound(roofline.Of(s, t.batch, t.threads, (*runtime.Conv).Tiled))
		gflops := 2 * float64(s.MACs) * float64(t.batch) / took / 1e9
		r.Layers = append(r.Layers, benchLayer{
			Name: s.Name, Op: s.Describe(), Algorithm: algorithm(s), In: s.In[0], Out: s.Out, MACs: s.MACs,
			MedianUS: 1e6 * took, GFLOPS: gflops, Share: gflops / r.PeakGFLOPS,
			BoundUS: 1e6 * bound, BoundBy: by, OfBound: bound / took,
		})
	}
	return r
}

// algorithm is the one that a step has on this machine.
func algorithm(s *plan.Step) string {
	if conv, ok := s.Op.(*runtime.Conv); ok && conv.Tiled() {
		return "tiles"
	}
	return s.Algorithm()
}

// quantile returns the value below which a share q of all values lie.
func quantile[T float64 | time.Duration](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

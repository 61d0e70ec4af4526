package windowtest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/peak"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
)

// Benchmark times a whole layer with bias and ReLU on one thread, in turns with bursts
// of multiply-adds, and reports GFLOP/s and the share of the peak: of medians, and of
// the fastest of either.
func (l Layer) Benchmark(b *testing.B, isa cpu.ISA, run func(*window.Call)) {
	rng := rand.New(rand.NewPCG(1, 2))
	src := Floats(l.InH * l.InW * l.In)
	fill(rng, src)
	call := window.Call{
		Dst: window.Map{Data: Floats(l.OutH * l.OutW * l.Out), Pitch: l.Out},
		Src: window.Map{Data: src, Pitch: l.In},
		ToY: l.OutH, ToC: l.Out,
		Clamp: window.FromBelow,
	}
	flops := 2 * float64(l.OutH*l.OutW*l.Out*l.In/l.Groups*l.Taps())
	turns := int(4e6/flops) + 1
	var peaks, rates []float64
	for b.Loop() {
		peaks = append(peaks, peak.Burst(isa))
		start := time.Now()
		for range turns {
			run(&call)
		}
		rates = append(rates, flops*float64(turns)/time.Since(start).Seconds())
	}
	slices.Sort(peaks)
	slices.Sort(rates)
	last, middle := len(rates)-1, len(rates)/2
	b.ReportMetric(rates[middle]/1e9, "GFLOP/s")
	b.ReportMetric(100*rates[middle]/peaks[middle], "%peak")
	b.ReportMetric(100*rates[last]/peaks[last], "%best")
	b.ReportMetric(0, "ns/op")
}

// Floats returns n zeros that begin at a cache line.
func Floats(n int) []float32 {
	x := make([]float32, n+15)
	skip := -uintptr(unsafe.Pointer(&x[0])) / 4 % 16
	return x[skip : int(skip)+n]
}

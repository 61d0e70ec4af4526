package runtime

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// benchLayers are layers of the networks of the specs.
var benchLayers = []convCase{
	pointwise(56, 64, 256), pointwise(56, 256, 64), pointwise(28, 512, 128), pointwise(28, 128, 512),
	pointwise(14, 1024, 256), pointwise(14, 256, 1024), pointwise(7, 2048, 512), pointwise(7, 512, 2048),
	pointwise(112, 32, 64), pointwise(56, 128, 128), pointwise(7, 1024, 1024), pointwise(112, 16, 96),
	pointwise(56, 24, 144), pointwise(28, 40, 240), pointwise(14, 112, 672), pointwise(56, 96, 384),
	pointwise(28, 192, 768), pointwise(14, 384, 1536), pointwise(7, 768, 3072),
	pointwise(112, 32, 16), pointwise(56, 144, 24), pointwise(28, 240, 40), pointwise(14, 480, 80), pointwise(14, 672, 112),
	threeByThree(56, 64, 1), threeByThree(28, 128, 1), threeByThree(14, 256, 1), threeByThree(7, 512, 1), threeByThree(224, 64, 1),
	threeByThree(7, 1024, 32),
	{"stem 7x7", RowTaps, Shape{3, 224, 224}, 64, square(7), square(2), square(1), around(3), 1},
	{"stem 3x3", RowTaps, Shape{3, 224, 224}, 32, square(3), square(2), square(1), around(1), 1},
	{"linear", Direct, Shape{2048, 1, 1}, 1000, square(1), square(1), square(1), Padding{}, 1},
}

func pointwise(size, in, out int) convCase {
	name := fmt.Sprintf("%dx%dx%d", size*size, in, out)
	return convCase{name, Direct, Shape{in, size, size}, out, square(1), square(1), square(1), Padding{}, 1}
}

func threeByThree(size, channels, groups int) convCase {
	name := fmt.Sprintf("3x3,%dx%d,%d", size, size, channels)
	if groups > 1 {
		name += fmt.Sprintf(",groups=%d", groups)
	}
	return convCase{name, Direct, Shape{channels, size, size}, channels, square(3), square(1), square(1), around(1), groups}
}

// BenchmarkConv reports, for each layer, the share of the peak that is measured in
// turns with it: of the median turn and of the best.
func BenchmarkConv(b *testing.B) {
	for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
		for _, threads := range []int{1, 2} {
			for _, layer := range benchLayers {
				b.Run(fmt.Sprintf("%s/threads=%d/%s", isa, threads, layer.name), func(b *testing.B) {
					defer cpu.Force(isa)()
					benchmarkConv(b, layer.op(Act{Kind: ReLU}), threads)
				})
			}
		}
	}
}

func benchmarkConv(b *testing.B, op *Conv, threads int) {
	rng := rand.New(rand.NewPCG(1, 1))
	l := NewLoader(convWeights(rng, op))
	packed := l.Conv("conv", op)
	if err := l.Err(); err != nil {
		b.Fatal(err)
	}
	src := View{Pitch: benchPitch(op.In.C)}
	dst := View{Offset: src.Pitch * op.In.Pixels(), Pitch: benchPitch(op.Out.C)}
	s := NewSession(l.Memory(dst.Offset+dst.Pitch*op.Out.Pixels()), Threads(threads))
	defer s.Close()
	for i := range s.arena[:s.zeros] {
		s.arena[i] = float32(rng.NormFloat64())
	}
	s.Begin(1)
	defer s.End()
	flops := 2 * float64(op.Out.Len()*op.In.C/op.Groups*op.Kernel.H*op.Kernel.W)
	turns := 1 + int(2e8*float64(threads)/flops)
	shares := sampler{}
	for b.Loop() {
		peak := MeasurePeak(threads, time.Millisecond)
		start := time.Now()
		for range turns {
			packed.Run(s, dst, src)
		}
		shares.add(flops*float64(turns)/time.Since(start).Seconds(), peak)
	}
	shares.report(b)
}

// benchPitch is a pitch whose multiples fall into different sets of the first cache.
func benchPitch(channels int) int {
	pitch := roundUp(channels, lineFloats)
	if pitch%1024 == 0 {
		pitch += lineFloats
	}
	return pitch
}

// sampler collects rates and the peaks measured beside them.
type sampler struct{ rates, peaks []float64 }

func (m *sampler) add(rate, peak float64) {
	m.rates = append(m.rates, rate)
	m.peaks = append(m.peaks, peak)
}

func (m *sampler) report(b *testing.B) {
	slices.Sort(m.rates)
	slices.Sort(m.peaks)
	n := len(m.rates)
	b.ReportMetric(m.rates[n/2]/1e9, "GFLOP/s")
	b.ReportMetric(100*m.rates[n/2]/m.peaks[n/2], "%peak")
	b.ReportMetric(100*m.rates[n-1]/m.peaks[n-1], "%peak-best")
	b.ReportMetric(0, "ns/op")
}

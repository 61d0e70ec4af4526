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
	stem(224, 64, 3, 1), stem(224, 32, 3, 2), stem(299, 32, 3, 2), stem(224, 64, 7, 2), stem(224, 96, 4, 4),
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

// stem is a first layer: of VGG, MobileNet, Inception, ResNet, ConvNeXt.
func stem(size, out, kernel, stride int) convCase {
	name := fmt.Sprintf("stem %dx%d s%d,%d,%d", kernel, kernel, stride, size, out)
	pad := around(kernel / 2)
	if kernel == stride || size%2 == 1 {
		pad = Padding{}
	}
	return convCase{name, RowTaps, Shape{3, size, size}, out, square(kernel), square(stride), square(1), pad, 1}
}

// BenchmarkConv reports, for each layer, the share of the peak that is measured in
// turns with it: of the median turn and of the best.
func BenchmarkConv(b *testing.B) {
	for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
		for _, threads := range []int{1, 2} {
			for _, layer := range benchLayers {
				b.Run(fmt.Sprintf("%s/threads=%d/%s", isa, threads, layer.name), func(b *testing.B) {
					defer cpu.Force(isa)()
					benchmarkConv(b, layer.op(Act{Kind: ReLU}), threads, 1)
				})
			}
		}
	}
}

// BenchmarkConvCold is BenchmarkConv with weights that no cache holds any more: each
// run takes another copy of them.
func BenchmarkConvCold(b *testing.B) {
	for _, layer := range []convCase{
		pointwise(28, 128, 512), pointwise(14, 1024, 256), pointwise(14, 256, 1024), pointwise(7, 2048, 512), pointwise(7, 512, 2048),
		threeByThree(14, 256, 1), threeByThree(7, 512, 1),
		{"linear", Direct, Shape{2048, 1, 1}, 1000, square(1), square(1), square(1), Padding{}, 1},
	} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d/%s", cpu.Best, threads, layer.name), func(b *testing.B) {
				op := layer.op(Act{Kind: ReLU})
				const beyond = 40 << 20 // floats
				benchmarkConv(b, op, threads, beyond/(op.In.C*op.Out.C*op.Kernel.H*op.Kernel.W))
			})
		}
	}
}

// benchmarkConv takes turns over so many copies of the layer.
func benchmarkConv(b *testing.B, op *Conv, threads, copies int) {
	rng := rand.New(rand.NewPCG(1, 1))
	weights := convWeights(rng, op)
	l := NewLoader(weights)
	packed := make([]*PackedConv, copies)
	for i := range packed {
		packed[i] = l.Conv("conv", op)
	}
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
	next := 0
	shares := sampler{}
	for b.Loop() {
		peak := MeasurePeak(threads, time.Millisecond)
		start := time.Now()
		for range turns {
			packed[next].Run(s, dst, src)
			next = (next + 1) % copies
		}
		shares.add(flops*float64(turns)/time.Since(start).Seconds(), peak)
	}
	shares.report(b)
}

// benchPitch is a pitch as the plan has it: multiples of it fall into different sets of
// the first cache.
func benchPitch(channels int) int {
	if channels < lineFloats {
		return channels
	}
	pitch := roundUp(channels, lineFloats)
	if pitch%512 == 0 {
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
	b.ReportMetric(m.rates[n-1]/1e9, "GFLOP/s-best")
	b.ReportMetric(100*m.rates[n/2]/m.peaks[n/2], "%peak")
	b.ReportMetric(100*m.rates[n-1]/m.peaks[n-1], "%peak-best")
	b.ReportMetric(0, "ns/op")
}

// resNet50 is the convolutions of ResNet-50, in order.
func resNet50() []convCase {
	layers := []convCase{{"stem", RowTaps, Shape{3, 224, 224}, 64, square(7), square(2), square(1), around(3), 1}}
	in := 64
	for stage, blocks := range []int{3, 4, 6, 3} {
		size, mid := 56>>stage, 64<<stage
		for block := range blocks {
			from, stride := size, 1
			if block == 0 && stage > 0 {
				from, stride = 2*size, 2
			}
			second := threeByThree(from, mid, 1)
			second.stride = square(stride)
			layers = append(layers, pointwise(from, in, mid), second, pointwise(size, mid, 4*mid))
			if block == 0 {
				shortcut := pointwise(from, in, 4*mid)
				shortcut.stride = square(stride)
				layers = append(layers, shortcut)
			}
			in = 4 * mid
		}
	}
	return layers
}

// BenchmarkResNet50 runs the convolutions of ResNet-50 one after the other, so that
// weights, 94 MB, come from memory and maps from where the layer before left them.
func BenchmarkResNet50(b *testing.B) {
	for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", isa, threads), func(b *testing.B) {
				defer cpu.Force(isa)()
				rng := rand.New(rand.NewPCG(1, 1))
				var (
					packed []*PackedConv
					ops    []*Conv
					mem    Memory
					flops  float64
				)
				for _, layer := range resNet50() {
					op := layer.op(Act{Kind: ReLU})
					l := NewLoader(convWeights(rng, op))
					packed = append(packed, l.Conv("conv", op))
					if err := l.Err(); err != nil {
						b.Fatal(err)
					}
					m := l.Memory(0)
					mem.Scratch, mem.Zeros = max(mem.Scratch, m.Scratch), max(mem.Zeros, m.Zeros)
					ops = append(ops, op)
					flops += 2 * float64(op.Out.Len()*op.In.C*op.Kernel.H*op.Kernel.W)
				}
				const half = 1 << 20 // floats, more than the largest map
				mem.Arena = 2 * half
				s := NewSession(mem, Threads(threads))
				defer s.Close()
				s.Begin(1)
				defer s.End()
				shares := sampler{}
				for b.Loop() {
					peak := MeasurePeak(threads, time.Millisecond)
					start := time.Now()
					for i, op := range ops {
						src := View{Offset: half * (i % 2), Pitch: benchPitch(op.In.C)}
						dst := View{Offset: half * ((i + 1) % 2), Pitch: benchPitch(op.Out.C)}
						packed[i].Run(s, dst, src)
					}
					shares.add(flops/time.Since(start).Seconds(), peak)
				}
				shares.report(b)
			})
		}
	}
}

// BenchmarkPack reports how fast weights are packed, norms folded in.
func BenchmarkPack(b *testing.B) {
	for _, layer := range []convCase{
		pointwise(7, 2048, 512), threeByThree(7, 512, 1), threeByThree(7, 1024, 32),
		{"linear", Direct, Shape{512, 7, 7}, 1024, square(7), square(1), square(1), Padding{}, 1},
	} {
		b.Run(layer.name, func(b *testing.B) {
			op := layer.op(Act{})
			weights := convWeights(rand.New(rand.NewPCG(1, 1)), op)
			norm := Norm{Kind: Constant, Scale: []float64{2}, Shift: []float64{1}}
			b.SetBytes(int64(4 * len(weights["conv.weight"].Data)))
			for b.Loop() {
				l := NewLoader(weights)
				l.Conv("conv", op, norm)
				if err := l.Err(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

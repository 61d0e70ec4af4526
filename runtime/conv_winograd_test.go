package runtime

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// winogradAlgos are the algorithms of Winograd's.
var winogradAlgos = []struct {
	name string
	algo Algo
}{{"4x4", Winograd4x4}, {"2x2", Winograd2x2}}

// winogradCases call f for convolutions of maps of all sizes around the tiles', under
// paddings of all sorts, of channels around the vectors' and the panels' widths.
func winogradCases(f func(i int, cc convCase)) {
	i := 0
	add := func(name string, in Shape, out int, pad Padding) {
		for _, a := range winogradAlgos {
			f(i, convCase{a.name + "," + name, a.algo, in, out, square(3), square(1), square(1), pad, 1})
		}
		i++
	}
	paddings := []Padding{around(1), {}, around(2), {1, 0, 0, 2}, {0, 2, 1, 0}, {2, 1, 0, 1}}
	channels := [][2]int{{1, 1}, {3, 16}, {15, 17}, {16, 40}, {17, 33}, {40, 3}, {24, 31}, {33, 80}, {5, 100}}
	for h := 1; h <= 13; h++ {
		for w := 1; w <= 13; w++ {
			pad := paddings[i%len(paddings)]
			if h+pad.Top+pad.Bottom < 3 || w+pad.Left+pad.Right < 3 {
				pad = around(1)
			}
			c := channels[i/2%len(channels)]
			add(fmt.Sprintf("%dx%dx%d,%d,%v", h, w, c[0], c[1], pad), Shape{c[0], h, w}, c[1], pad)
		}
	}
	add("many tiles", Shape{16, 60, 57}, 40, around(1))
	add("many weights, few tiles", Shape{130, 14, 11}, 200, around(1))
	add("many weights, many tiles", Shape{130, 35, 37}, 180, around(1))
	add("many weights, one tile", Shape{256, 3, 3}, 520, around(1))
	add("more padding than map", Shape{3, 2, 2}, 4, around(5))
}

func TestWinograd(t *testing.T) {
	if testing.Short() {
		t.Skip("TestConvThreadsAgree runs what may race")
	}
	winogradCases(func(i int, cc convCase) {
		t.Run(cc.name, func(t *testing.T) {
			truth := newConvTruth(rand.New(rand.NewPCG(20, uint64(i))), cc.op(Act{}))
			levels(t, func(t *testing.T) {
				set := settings[i%len(settings)]
				act := []Act{{}, {Kind: ReLU}, {Kind: ReLU6}, {Kind: SiLU}}[i%4]
				truth.check(t, set, act, i%2 == 1)
				set.inPlace = true
				truth.check(t, set, act, true)
			})
		})
	})
}

// Convolutions that Winograd cannot compute fall back to Direct.
func TestWinogradFallsBack(t *testing.T) {
	for _, a := range winogradAlgos {
		for _, cc := range []convCase{
			{"stride", a.algo, Shape{8, 9, 9}, 8, square(3), square(2), square(1), around(1), 1},
			{"dilation", a.algo, Shape{8, 9, 9}, 8, square(3), square(1), square(2), around(1), 1},
			{"groups", a.algo, Shape{8, 9, 9}, 8, square(3), square(1), square(1), around(1), 2},
			{"kernel", a.algo, Shape{8, 9, 9}, 8, Size{3, 1}, square(1), square(1), Padding{}, 1},
		} {
			checkConv(t, rand.New(rand.NewPCG(23, 0)), cc.op(Act{}), settings[0], false)
		}
	}
}

// winogradLayers are the layers that Winograd is for: of VGG, ResNet, GoogLeNet, Inception
// and DenseNet.
var winogradLayers = []convCase{
	threeByThree(224, 64, 1), threeByThree(112, 128, 1), threeByThree(56, 256, 1), threeByThree(28, 512, 1), threeByThree(14, 512, 1),
	threeByThree(56, 64, 1), threeByThree(28, 128, 1), threeByThree(14, 256, 1), threeByThree(7, 512, 1),
	toThreeByThree(112, 64, 128), toThreeByThree(56, 128, 256), toThreeByThree(28, 256, 512),
	toThreeByThree(56, 64, 192), toThreeByThree(28, 96, 128), toThreeByThree(28, 128, 192), toThreeByThree(28, 16, 32), toThreeByThree(28, 32, 96),
	toThreeByThree(14, 96, 208), toThreeByThree(14, 16, 48), toThreeByThree(14, 160, 320), toThreeByThree(14, 32, 128), toThreeByThree(7, 192, 384), toThreeByThree(7, 48, 128),
	toThreeByThree(147, 32, 64), toThreeByThree(35, 64, 96), toThreeByThree(35, 96, 96), toThreeByThree(8, 448, 384), toThreeByThree(17, 192, 192), toThreeByThree(13, 384, 256), toThreeByThree(14, 24, 64), toThreeByThree(14, 112, 224), toThreeByThree(12, 256, 256), toThreeByThree(28, 256, 256), toThreeByThree(10, 128, 128),
	toThreeByThree(56, 128, 32), toThreeByThree(28, 128, 32), toThreeByThree(14, 128, 32), toThreeByThree(7, 128, 32),
	toThreeByThree(28, 192, 48), toThreeByThree(224, 3, 64), toThreeByThree(112, 24, 24), toThreeByThree(56, 8, 8), toThreeByThree(56, 16, 16),
}

func toThreeByThree(size, in, out int) convCase {
	c := threeByThree(size, in, 1)
	c.out = out
	c.name = fmt.Sprintf("3x3,%dx%d,%d,%d", size, size, in, out)
	return c
}

// BenchmarkWinograd runs each layer by Direct and by Winograd's algorithms in turns, with
// weights that no cache holds any more, and reports how many times as fast those are.
func BenchmarkWinograd(b *testing.B) {
	for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
		for _, threads := range []int{1, 2} {
			for _, layer := range winogradLayers {
				b.Run(fmt.Sprintf("%s/threads=%d/%s", isa, threads, layer.name), func(b *testing.B) {
					defer cpu.Force(isa)()
					benchmarkWinograd(b, layer, threads)
				})
			}
		}
	}
}

func benchmarkWinograd(b *testing.B, layer convCase, threads int) {
	op := layer.op(Act{Kind: ReLU})
	const beyond = 16 << 20 // floats
	copies := max(1, beyond/(9*op.In.C*op.Out.C))
	rng := rand.New(rand.NewPCG(1, 1))
	l := NewLoader(convWeights(rng, op))
	algos := []Algo{Direct, Winograd4x4, Winograd2x2}
	packed := make([][]*PackedConv, len(algos))
	for i, algo := range algos {
		op := *op
		op.Algo = algo
		n := copies
		if algo.IsWinograd() {
			n = max(1, copies/2)
		}
		for range n {
			packed[i] = append(packed[i], l.Conv("conv", &op))
		}
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
	flops := 2 * float64(op.Out.Len()*op.In.C*9)
	turns := 1 + int(5e7*float64(threads)/flops)
	next := make([]int, len(algos))
	rates := make([]sampler, len(algos))
	for b.Loop() {
		peak := MeasurePeak(threads, time.Millisecond)
		for i, p := range packed {
			start := time.Now()
			for range turns {
				p[next[i]].Run(s, dst, src)
				next[i] = (next[i] + 1) % len(p)
			}
			rates[i].add(flops*float64(turns)/time.Since(start).Seconds(), peak)
		}
	}
	median := func(x []float64) float64 { slices.Sort(x); return x[len(x)/2] }
	best := func(x []float64) float64 { return slices.Max(x) }
	b.ReportMetric(100*best(rates[0].rates)/best(rates[0].peaks), "%direct")
	for i, a := range winogradAlgos {
		r := rates[1+i]
		b.ReportMetric(median(r.rates)/median(rates[0].rates), "times-"+a.name)
		b.ReportMetric(best(r.rates)/best(rates[0].rates), "times-best-"+a.name)
		b.ReportMetric(100*best(r.rates)/best(r.peaks), "%"+a.name)
	}
	b.ReportMetric(0, "ns/op")
}

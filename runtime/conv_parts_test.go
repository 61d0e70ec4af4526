package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/ref"
)

// A convolution of parts computes what its parts would, one by one.
func TestConvParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 0))
	for _, cc := range []convCase{
		{"LeNet's C3", Direct, Shape{6, 14, 14}, 16, square(5), square(1), square(1), Padding{}, 1},
		{"rows", RowTaps, Shape{4, 9, 9}, 7, square(3), square(2), square(1), around(1), 1},
	} {
		op := cc.op(Act{})
		weights := memory{"gamma": randomTensor(rng, 2), "all": randomTensor(rng, op.Out.C)}
		var parts []Part
		for first := 0; first < op.Out.C; {
			p := Part{Key: fmt.Sprintf("part%d", len(parts)), Out: min(2, op.Out.C-first), Channels: rng.Perm(op.In.C)[:1+rng.IntN(op.In.C)]}
			if len(parts) == 2 {
				p.Channels = nil
			}
			if p.Out == 2 {
				p.Norms = []Norm{{Kind: LearnedScale, Key: "gamma", Dims: []int{2}}, {Kind: Constant, Scale: []float64{0.5}, Shift: []float64{-1}}}
			}
			inputs := op.In.C
			if p.Channels != nil {
				inputs = len(p.Channels)
			}
			weights[p.Key+".weight"] = randomTensor(rng, p.Out, inputs, op.Kernel.H, op.Kernel.W)
			weights[p.Key+".bias"] = randomTensor(rng, p.Out)
			parts = append(parts, p)
			first += p.Out
		}
		src := random(rng, 1, op.In)

		// Part by part, then the scale of all.
		want := make([]float64, op.Out.Len())
		rest := want
		for _, p := range parts {
			one := *op
			one.Out.C = p.Out
			seen := src.wide()
			if p.Channels != nil {
				one.In.C = len(p.Channels)
				seen = make([]float64, one.In.Len())
				ref.Pick(seen, src.wide(), p.Channels, dims(1, op.In))
			}
			y := rest[:one.Out.Len()]
			ref.Conv(y, seen, wide(weights[p.Key+".weight"].Data), wide(weights[p.Key+".bias"].Data), one.params(1))
			for i := range y {
				if p.Norms != nil {
					y[i] = 0.5*y[i]*float64(weights["gamma"].Data[i/op.Out.Pixels()]) - 1
				}
			}
			rest = rest[len(y):]
		}
		for i := range want {
			want[i] *= float64(weights["all"].Data[i/op.Out.Pixels()])
		}

		levels(t, func(t *testing.T) {
			l := NewLoader(weights)
			packed := l.ConvParts(op, parts, Norm{Kind: LearnedScale, Key: "all", Dims: []int{op.Out.C}})
			if err := l.Err(); err != nil {
				t.Fatal(err)
			}
			got := executeIn(t, l.Memory(0), setting{threads: 1, batch: 1, images: 1}, op.Out, []operand{src}, func(s *Session, dst View, srcs []View) {
				packed.Run(s, dst, srcs[0])
			})
			compare(t, cc.name, got, want, 1e-4, 1e-5)
		})
	}
}

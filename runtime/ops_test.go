package runtime

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/ref"
)

// shapes are those around the vector lengths, and some that are cut into tasks.
var shapes = []Shape{{1, 1, 1}, {3, 5, 7}, {8, 3, 3}, {15, 4, 4}, {16, 9, 9}, {17, 6, 5}, {63, 3, 4}, {64, 12, 12}, {65, 2, 2}, {130, 11, 13}, {1000, 1, 1}}

// eachMap calls f for every instruction set, map and setting.
func eachMap(t *testing.T, f func(t *testing.T, rng *rand.Rand, shape Shape, c setting)) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, shape := range shapes {
			for _, c := range settings {
				f(t, rng, shape, c)
			}
		}
	})
}

// activations pairs each activation with its specification. Tolerances are those that
// package eltwise states.
var activations = []struct {
	act                Act
	ref                func(float64) float64
	absolute, relative float64
}{
	{Act{Kind: None}, func(x float64) float64 { return x }, 0, 0},
	{Act{Kind: ReLU}, ref.ReLU, 0, 0},
	{Act{Kind: ReLU6}, ref.ReLU6, 0, 0},
	{Act{Kind: LeakyReLU, Slope: 0.25}, ref.LeakyReLU(0.25), 0, 0},
	{Act{Kind: Sigmoid}, ref.Sigmoid, 0, 4e-7},
	{Act{Kind: Tanh}, ref.Tanh, 0, 4e-7},
	{Act{Kind: SiLU}, ref.SiLU, 0, 4e-7},
	{Act{Kind: HardSigmoid}, ref.HardSigmoid, 2e-7, 0},
	{Act{Kind: HardSwish}, ref.HardSwish, 2e-7, 4e-7},
	{Act{Kind: GELU}, ref.GELU, 4e-7, 2e-7},
	{Act{Kind: GELUTanh}, ref.GELUTanh, 2e-7, 4e-7},
}

func TestActivation(t *testing.T) {
	eachMap(t, func(t *testing.T, rng *rand.Rand, shape Shape, c setting) {
		for _, a := range activations {
			for _, c.inPlace = range []bool{false, true} {
				src := random(rng, c.images, shape)
				op := &Activation{Shape: shape, Act: a.act}
				got := execute(t, c, shape, []operand{src}, func(s *Session, dst View, srcs []View) { op.Run(s, dst, srcs[0]) })
				want := make([]float64, len(got))
				ref.Apply(want, src.wide(), a.ref)
				compare(t, fmt.Sprintf("%+v %v", op, c), got, want, a.absolute, a.relative)
			}
		}
	})
}

func TestAdd(t *testing.T) {
	eachMap(t, func(t *testing.T, rng *rand.Rand, shape Shape, c setting) {
		for _, a := range activations {
			for _, c.inPlace = range []bool{false, true} {
				x, y := random(rng, c.images, shape), random(rng, c.images, shape)
				op := &Add{Shape: shape, Act: a.act}
				got := execute(t, c, shape, []operand{x, y}, func(s *Session, dst View, srcs []View) { op.Run(s, dst, srcs[0], srcs[1]) })
				want := make([]float64, len(got))
				ref.Add(want, x.wide(), y.wide())
				ref.Apply(want, narrow(want), a.ref)
				compare(t, fmt.Sprintf("%+v %v", op, c), got, want, a.absolute, a.relative)
			}
		}
	})
}

func TestMul(t *testing.T) {
	eachMap(t, func(t *testing.T, rng *rand.Rand, shape Shape, c setting) {
		for _, shapeB := range []Shape{shape, {shape.C, 1, 1}} {
			for _, c.inPlace = range []bool{false, true} {
				x, y := random(rng, c.images, shape), random(rng, c.images, shapeB)
				op := &Mul{Shape: shape, Broadcast: shapeB != shape}
				got := execute(t, c, shape, []operand{x, y}, func(s *Session, dst View, srcs []View) { op.Run(s, dst, srcs[0], srcs[1]) })
				want := make([]float64, len(got))
				ref.Mul(want, x.wide(), y.wide(), dims(c.images, shape), dims(c.images, shapeB))
				compare(t, fmt.Sprintf("%+v %v", op, c), got, narrow(want), 0, 0)
			}
		}
	})
}

func TestAffine(t *testing.T) {
	eachMap(t, func(t *testing.T, rng *rand.Rand, shape Shape, c setting) {
		for _, a := range activations {
			scale, shift := random(rng, 1, Shape{shape.C, 1, 1}).wide(), random(rng, 1, Shape{shape.C, 1, 1}).wide()
			op := &Affine{Shape: shape, Act: a.act}
			l := NewLoader(memory{})
			p := l.Affine(op, Norm{Kind: Constant, Scale: scale, Shift: shift})
			if err := l.Err(); err != nil {
				t.Fatal(err)
			}
			for _, c.inPlace = range []bool{false, true} {
				src := random(rng, c.images, shape)
				got := execute(t, c, shape, []operand{src}, func(s *Session, dst View, srcs []View) { p.Run(s, dst, srcs[0]) })
				want := make([]float64, len(got))
				ref.Affine(want, src.wide(), scale, shift, dims(c.images, shape))
				ref.Apply(want, want, a.ref)
				compare(t, fmt.Sprintf("%+v %v", op, c), got, want, 4e-6, 2e-6)
			}
		}
	})
}

func TestLayerNorm(t *testing.T) {
	eachMap(t, func(t *testing.T, rng *rand.Rand, shape Shape, c setting) {
		if shape.C == 1 {
			return // nothing but rounding errors would be left
		}
		for _, affine := range []bool{false, true} {
			weight, bias := random(rng, 1, Shape{shape.C, 1, 1}), random(rng, 1, Shape{shape.C, 1, 1})
			op := &LayerNorm{Shape: shape, Eps: 0.5, Affine: affine} // a small variance would amplify rounding errors
			checkpoint := memory{}
			var refWeight, refBias []float64
			if affine {
				checkpoint["ln.weight"] = Tensor{Shape: []int{shape.C}, Data: weight.data}
				checkpoint["ln.bias"] = Tensor{Shape: []int{shape.C}, Data: bias.data}
				refWeight, refBias = weight.wide(), bias.wide()
			}
			l := NewLoader(checkpoint)
			p := l.LayerNorm("ln", op)
			if err := l.Err(); err != nil {
				t.Fatal(err)
			}
			for _, c.inPlace = range []bool{false, true} {
				src := random(rng, c.images, shape)
				for i := range src.data {
					src.data[i] += 10 // a mean much larger than the deviation
				}
				got := execute(t, c, shape, []operand{src}, func(s *Session, dst View, srcs []View) { p.Run(s, dst, srcs[0]) })
				want := make([]float64, len(got))
				ref.LayerNorm(want, src.wide(), refWeight, refBias, op.Eps, dims(c.images, shape))
				compare(t, fmt.Sprintf("%+v %v", op, c), got, want, 5e-6, 5e-6)
			}
		}
	})
}

func TestGRN(t *testing.T) {
	eachMap(t, func(t *testing.T, rng *rand.Rand, shape Shape, c setting) {
		p, weight, bias := newGRN(t, rng, shape)
		for _, c.inPlace = range []bool{false, true} {
			src := random(rng, c.images, shape)
			got := executeIn(t, Memory{Scratch: shape.C}, c, shape, []operand{src}, func(s *Session, dst View, srcs []View) { p.Run(s, dst, srcs[0]) })
			want := make([]float64, len(got))
			ref.GRN(want, src.wide(), weight.wide(), bias.wide(), p.op.Eps, dims(c.images, shape))
			compare(t, fmt.Sprintf("%+v %v", p.op, c), got, want, 1e-6, 2e-6)
		}
	})
}

// TestGRNOfZeros has no channel with a norm to compare with.
func TestGRNOfZeros(t *testing.T) {
	shape := Shape{20, 3, 3}
	p, _, bias := newGRN(t, rand.New(rand.NewPCG(1, 2)), shape)
	zeros := operand{shape, make([]float32, shape.Len())}
	got := executeIn(t, Memory{Scratch: shape.C}, settings[0], shape, []operand{zeros}, func(s *Session, dst View, srcs []View) { p.Run(s, dst, srcs[0]) })
	for i, v := range got {
		if want := bias.data[i/shape.Pixels()]; v != want {
			t.Errorf("element %d is %v, want the bias of its channel, %v", i, v, want)
		}
	}
}

// newGRN packs a GRN with random weights.
func newGRN(t *testing.T, rng *rand.Rand, shape Shape) (p *PackedGRN, weight, bias operand) {
	t.Helper()
	weight, bias = random(rng, 1, Shape{shape.C, 1, 1}), random(rng, 1, Shape{shape.C, 1, 1})
	l := NewLoader(memory{
		"grn.weight": {Shape: []int{shape.C}, Data: weight.data},
		"grn.bias":   {Shape: []int{shape.C}, Data: bias.data},
	})
	p = l.GRN("grn", &GRN{Shape: shape, Eps: 1e-6})
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	return p, weight, bias
}

func TestSoftmax(t *testing.T) {
	eachMap(t, func(t *testing.T, rng *rand.Rand, shape Shape, c setting) {
		for _, c.inPlace = range []bool{false, true} {
			src := random(rng, c.images, shape)
			for i := range src.data {
				src.data[i] = src.data[i]*20 + 50
			}
			op := &Softmax{Shape: shape}
			got := execute(t, c, shape, []operand{src}, func(s *Session, dst View, srcs []View) { op.Run(s, dst, srcs[0]) })
			want := make([]float64, len(got))
			ref.Softmax(want, src.wide(), dims(c.images, shape))
			compare(t, fmt.Sprintf("%+v %v", op, c), got, want, 1e-37, 1e-5) // the exponent is rounded to float32
		}
	})
}

func TestLRN(t *testing.T) {
	eachMap(t, func(t *testing.T, rng *rand.Rand, shape Shape, c setting) {
		for _, op := range []*LRN{
			{Shape: shape, Size: 5, Alpha: 1e-4, Beta: 0.75, K: 2},
			{Shape: shape, Size: 5, Alpha: 1, Beta: 0.75, K: 1},
			{Shape: shape, Size: 4, Alpha: 2, Beta: 0.5, K: 1.5},
			{Shape: shape, Size: 1, Alpha: 1, Beta: 1.3, K: 1},
		} {
			src := random(rng, c.images, shape)
			got := execute(t, c, shape, []operand{src}, func(s *Session, dst View, srcs []View) { op.Run(s, dst, srcs[0]) })
			want := make([]float64, len(got))
			ref.LRN(want, src.wide(), op.Size, op.Alpha, op.Beta, op.K, dims(c.images, shape))
			compare(t, fmt.Sprintf("%+v %v", op, c), got, want, 0, 2e-6)
		}
	})
}

// TestCopies covers the ops that only move floats.
func TestCopies(t *testing.T) {
	eachMap(t, func(t *testing.T, rng *rand.Rand, shape Shape, c setting) {
		src := random(rng, c.images, shape)
		check := func(op any, out Shape, run func(s *Session, dst View, srcs []View), spec func(dst, src []float64)) {
			t.Helper()
			got := execute(t, c, out, []operand{src}, run)
			want := make([]float64, len(got))
			spec(want, src.wide())
			compare(t, fmt.Sprintf("%T %+v %v", op, op, c), got, want, 0, 0)
		}

		cp := &Copy{Shape: shape}
		check(cp, shape, func(s *Session, dst View, srcs []View) { cp.Run(s, dst, srcs[0]) },
			func(dst, src []float64) { copy(dst, src) })

		fl := &Flatten{In: shape}
		check(fl, Shape{shape.Len(), 1, 1}, func(s *Session, dst View, srcs []View) { fl.Run(s, dst, srcs[0]) },
			func(dst, src []float64) { copy(dst, src) })

		for _, scale := range []Size{{2, 2}, {1, 3}, {3, 1}} {
			up := &Upsample{In: shape, Scale: scale}
			out := Shape{shape.C, shape.H * scale.H, shape.W * scale.W}
			check(up, out, func(s *Session, dst View, srcs []View) { up.Run(s, dst, srcs[0]) },
				func(dst, src []float64) { ref.Upsample(dst, src, dims(c.images, shape), dims(c.images, out)) })
		}

		pad := &Pad{In: shape, Pad: Padding{1, 2, 0, 3}}
		check(pad, Shape{shape.C, shape.H + 1, shape.W + 5}, func(s *Session, dst View, srcs []View) { pad.Run(s, dst, srcs[0]) },
			func(dst, src []float64) { ref.Pad(dst, src, 1, 2, 0, 3, dims(c.images, shape)) })

		for _, channels := range [][]int{rng.Perm(shape.C)[:shape.C/2+1], shuffled(shape.C)} {
			op := &Pick{In: shape, Channels: channels}
			packed := NewLoader(memory{}).Pick(op)
			check(op, Shape{len(channels), shape.H, shape.W}, func(s *Session, dst View, srcs []View) { packed.Run(s, dst, srcs[0]) },
				func(dst, src []float64) { ref.Pick(dst, src, channels, dims(c.images, shape)) })
		}
	})
}

// shuffled is a channel shuffle of two groups, or as much of it as there is.
func shuffled(channels int) []int {
	order := make([]int, channels)
	for i := range order {
		order[i] = i%2*(channels/2) + i/2
	}
	return order
}

// TestThreads checks that the number of threads changes no bit.
func TestThreads(t *testing.T) {
	shape := Shape{96, 23, 29}
	rng := rand.New(rand.NewPCG(7, 8))
	src, other := random(rng, 1, shape), random(rng, 1, shape)
	grn, _, _ := newGRN(t, rng, shape)
	ops := map[string]func(s *Session, dst View, srcs []View){
		"global": func(s *Session, dst View, srcs []View) {
			(&AdaptivePool{In: shape, Out: Shape{96, 1, 1}}).Run(s, dst, srcs[0])
		},
		"gelu":    func(s *Session, dst View, srcs []View) { (&Activation{shape, Act{Kind: GELU}}).Run(s, dst, srcs[0]) },
		"add":     func(s *Session, dst View, srcs []View) { (&Add{shape, Act{Kind: SiLU}}).Run(s, dst, srcs[0], srcs[1]) },
		"lrn":     func(s *Session, dst View, srcs []View) { (&LRN{shape, 5, 1, 0.75, 1}).Run(s, dst, srcs[0]) },
		"softmax": func(s *Session, dst View, srcs []View) { (&Softmax{shape}).Run(s, dst, srcs[0]) },
		"grn":     func(s *Session, dst View, srcs []View) { grn.Run(s, dst, srcs[0]) },
	}
	levels(t, func(t *testing.T) {
		for name, run := range ops {
			out := shape
			if name == "global" {
				out = Shape{96, 1, 1}
			}
			mem := Memory{Scratch: shape.C}
			want := executeIn(t, mem, setting{threads: 1, batch: 1, images: 1}, out, []operand{src, other}, run)
			for _, threads := range []int{2, 3, 5} {
				got := executeIn(t, mem, setting{threads: threads, batch: 1, images: 1}, out, []operand{src, other}, run)
				for i := range want {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
						t.Fatalf("%s: element %d is %v on %d threads, %v on one", name, i, got[i], threads, want[i])
					}
				}
			}
		}
	})
}

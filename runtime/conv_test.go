package runtime

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/ref"
)

// convCase is a convolution to test, in the few words that its name has too.
type convCase struct {
	name     string
	algo     Algo
	in       Shape
	out      int
	kernel   Size
	stride   Size
	dilation Size
	pad      Padding
	groups   int
}

func square(n int) Size { return Size{n, n} }

func around(n int) Padding { return Padding{n, n, n, n} }

// convCases are for Direct and RowTaps; other algorithms have their own.
var convCases = []convCase{
	{"pointwise", Direct, Shape{24, 5, 7}, 40, square(1), square(1), square(1), Padding{}, 1},
	{"pointwise, one pixel", Direct, Shape{70, 1, 1}, 33, square(1), square(1), square(1), Padding{}, 1},
	{"pointwise, one channel", Direct, Shape{1, 9, 9}, 1, square(1), square(1), square(1), Padding{}, 1},
	{"pointwise, stride 2", Direct, Shape{16, 7, 6}, 31, square(1), square(2), square(1), Padding{}, 1},
	{"pointwise, padded", Direct, Shape{5, 3, 4}, 6, square(1), square(1), square(1), around(1), 1},
	{"3x3", Direct, Shape{20, 7, 7}, 50, square(3), square(1), square(1), around(1), 1},
	{"3x3, stride 2", Direct, Shape{18, 9, 8}, 20, square(3), square(2), square(1), around(1), 1},
	{"3x3, dilation 2", Direct, Shape{8, 9, 11}, 17, square(3), square(1), square(2), around(2), 1},
	{"3x3, map of one pixel", Direct, Shape{9, 1, 1}, 10, square(3), square(1), square(1), around(1), 1},
	{"1x7", Direct, Shape{10, 6, 12}, 12, Size{1, 7}, square(1), square(1), Padding{0, 3, 0, 3}, 1},
	{"7x1", Direct, Shape{10, 12, 6}, 12, Size{7, 1}, square(1), square(1), Padding{3, 0, 3, 0}, 1},
	{"uneven", Direct, Shape{6, 8, 9}, 7, Size{2, 4}, Size{3, 1}, Size{1, 2}, Padding{0, 1, 3, 2}, 1},
	{"more padding than map", Direct, Shape{3, 2, 2}, 4, square(3), square(1), square(1), around(5), 1},
	{"valid 5x5", Direct, Shape{6, 14, 14}, 16, square(5), square(1), square(1), Padding{}, 1},
	// Tiles that begin in the same column, whose tables are alike: but for those of a pixel more, and
	// those in which an image ends and the next begins.
	{"tiles of 12 and 13 pixels", Direct, Shape{5, 17, 8}, 17, square(3), square(1), square(1), Padding{}, 1},
	{"tiles of 14 pixels", Direct, Shape{5, 9, 9}, 17, square(3), square(1), square(1), Padding{}, 1},
	{"tiles of 6 pixels", Direct, Shape{5, 5, 5}, 9, square(3), square(1), square(1), Padding{}, 1},
	{"tiles of 4 pixels", Direct, Shape{5, 5, 4}, 9, square(3), square(1), square(1), Padding{}, 1},
	{"2 groups", Direct, Shape{96, 6, 6}, 64, square(3), square(1), square(1), around(1), 2},
	{"groups of 32", Direct, Shape{128, 4, 5}, 128, square(3), square(1), square(1), around(1), 4},
	{"groups of 3 to 5", Direct, Shape{9, 6, 6}, 15, square(3), square(1), square(1), around(1), 3},
	{"groups of 1", Direct, Shape{7, 6, 6}, 7, square(3), square(1), square(1), around(1), 7},
	{"groups of 40 to 80", Direct, Shape{120, 3, 3}, 240, square(1), square(1), square(1), Padding{}, 3},
	{"several blocks", Direct, Shape{520, 3, 3}, 700, square(1), square(1), square(1), Padding{}, 1},
	{"several blocks, many rows", Direct, Shape{8192, 6, 6}, 50, square(1), square(1), square(1), Padding{}, 1},
	// What AMX's tiles compute, where a processor has them: one chunk and several, columns and channels
	// that fill neither panels nor blocks.
	{"tiles, one pixel more than a strip", Direct, Shape{96, 3, 11}, 160, square(1), square(1), square(1), Padding{}, 1},
	{"tiles, ragged", Direct, Shape{200, 5, 7}, 300, square(1), square(1), square(1), Padding{}, 1},
	{"tiles, stride 2", Direct, Shape{130, 9, 14}, 260, square(1), square(2), square(1), Padding{}, 1},
	{"tiles, uneven stride", Direct, Shape{96, 7, 8}, 192, square(1), Size{2, 3}, square(1), Padding{}, 1},
	{"tiles, chunks", Direct, Shape{1040, 13, 15}, 140, square(1), square(1), square(1), Padding{}, 1},
	{"tiles, one pixel", Direct, Shape{320, 1, 1}, 330, square(1), square(1), square(1), Padding{}, 1},
	{"3x3, several blocks", Direct, Shape{130, 5, 5}, 200, square(3), square(1), square(1), around(1), 1},

	{"stem 7x7", RowTaps, Shape{3, 30, 31}, 34, square(7), square(2), square(1), around(3), 1},
	{"stem 3x3", RowTaps, Shape{3, 17, 16}, 32, square(3), square(2), square(1), around(1), 1},
	{"stem 11x11", RowTaps, Shape{3, 43, 47}, 20, square(11), square(4), square(1), around(2), 1},
	{"stem, one channel", RowTaps, Shape{1, 32, 32}, 6, square(5), square(1), square(1), Padding{}, 1},
	{"stem, pairs of 2", RowTaps, Shape{3, 7, 12}, 2, square(3), square(1), square(1), around(1), 1},
	{"stem, pairs of 4", RowTaps, Shape{2, 9, 13}, 4, Size{3, 5}, square(2), Size{2, 1}, Padding{2, 1, 2, 2}, 1},
	{"stem, uneven", RowTaps, Shape{4, 11, 9}, 13, Size{4, 3}, Size{1, 3}, Size{2, 1}, Padding{2, 0, 1, 3}, 1},
	{"stem, input left over", RowTaps, Shape{3, 12, 12}, 8, square(3), square(4), square(1), Padding{}, 1},
	{"stem, more padding than map", RowTaps, Shape{2, 2, 3}, 5, square(3), square(1), square(1), around(4), 1},
	{"stem, dilated", RowTaps, Shape{3, 12, 12}, 8, square(3), square(1), square(2), around(2), 1},
	{"stem, 15 channels", RowTaps, Shape{15, 11, 10}, 17, square(3), square(1), square(1), around(1), 1},
	{"stem, grouped", RowTaps, Shape{4, 8, 8}, 8, square(3), square(1), square(1), around(1), 2},
}

func (c convCase) op(act Act) *Conv {
	span := func(in, pad, kernel, stride, dilation int) int { return (in+pad-(kernel-1)*dilation-1)/stride + 1 }
	return &Conv{
		In: c.in,
		Out: Shape{
			c.out,
			span(c.in.H, c.pad.Top+c.pad.Bottom, c.kernel.H, c.stride.H, c.dilation.H),
			span(c.in.W, c.pad.Left+c.pad.Right, c.kernel.W, c.stride.W, c.dilation.W),
		},
		Kernel: c.kernel, Stride: c.stride, Dilation: c.dilation, Pad: c.pad, Groups: c.groups,
		Bias: true, Act: act, Algo: c.algo,
	}
}

func (op *Conv) params(images int) ref.ConvParams {
	return ref.ConvParams{
		In: dims(images, op.In), Out: dims(images, op.Out), Groups: op.Groups,
		Window: ref.Window{
			KH: op.Kernel.H, KW: op.Kernel.W, StrideH: op.Stride.H, StrideW: op.Stride.W,
			DilationH: op.Dilation.H, DilationW: op.Dilation.W, Top: op.Pad.Top, Left: op.Pad.Left,
		},
	}
}

// convWeights are random weights for op under the key "conv".
func convWeights(rng *rand.Rand, op *Conv) memory {
	shape := []int{op.Out.C, op.In.C / op.Groups, op.Kernel.H, op.Kernel.W}
	m := memory{"conv.weight": randomTensor(rng, shape...)}
	if op.Bias {
		m["conv.bias"] = randomTensor(rng, op.Out.C)
	}
	return m
}

func randomTensor(rng *rand.Rand, shape ...int) Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(rng.NormFloat64())
	}
	return Tensor{Shape: shape, Data: data}
}

func wide(x []float32) []float64 { return operand{data: x}.wide() }

func absolute(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	return y
}

// convTruth is a convolution of a few images as package ref computes it.
type convTruth struct {
	op       *Conv
	weights  memory
	src      operand
	residual operand
	sum      []float64 // without residual and activation
	size     []float64 // the sum of the sizes of a sum's terms
}

const truthImages = 3

func newConvTruth(rng *rand.Rand, op *Conv) *convTruth {
	c := &convTruth{
		op: op, weights: convWeights(rng, op),
		src: random(rng, truthImages, op.In), residual: random(rng, truthImages, op.Out),
		sum:  make([]float64, truthImages*op.Out.Len()),
		size: make([]float64, truthImages*op.Out.Len()),
	}
	src, w, bias := c.src.wide(), wide(c.weights["conv.weight"].Data), wide(c.weights["conv.bias"].Data)
	ref.Conv(c.sum, src, w, bias, op.params(truthImages))
	ref.Conv(c.size, absolute(src), absolute(w), absolute(bias), op.params(truthImages))
	if op.Algo.IsWinograd() { // adds what neighbours are made of, too, and takes it off again
		worst := 4 * slices.Max(c.size)
		for i := range c.size {
			c.size[i] = worst
		}
	}
	return c
}

// images is the first n images.
func (o operand) images(n int) operand { return operand{o.shape, o.data[:n*o.shape.Len()]} }

// check runs the convolution and compares. The error of a sum is bounded by the rounding
// of every term and partial sum.
func (c *convTruth) check(t *testing.T, set setting, act Act, residual bool) {
	t.Helper()
	c.checkPacked(t, set, act, residual, func(l *Loader, op *Conv) *PackedConv { return l.Conv("conv", op) })
}

// checkPacked checks what pack makes of the convolution.
func (c *convTruth) checkPacked(t *testing.T, set setting, act Act, residual bool, pack func(*Loader, *Conv) *PackedConv) {
	t.Helper()
	op := *c.op
	op.Act = act
	l := NewLoader(c.weights)
	packed := pack(l, &op)
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	srcs := []operand{c.src.images(set.images)}
	if residual {
		srcs = append([]operand{c.residual.images(set.images)}, srcs...)
	}
	got := executeIn(t, l.Memory(0), set, op.Out, srcs, func(s *Session, dst View, srcs []View) {
		if residual {
			packed.RunAdd(s, dst, srcs[1], srcs[0])
		} else {
			packed.Run(s, dst, srcs[0])
		}
	})
	terms := float64(op.Kernel.H*op.Kernel.W*op.In.C/op.Groups + 2)
	for i, g := range got {
		v, size := c.sum[i], c.size[i]
		if residual {
			r := float64(c.residual.data[i])
			v += r
			size += math.Abs(r)
		}
		bound := size * terms * 0x1p-24
		switch act.Kind {
		case ReLU:
			v = max(v, 0)
		case ReLU6:
			v = min(max(v, 0), 6)
		case SiLU:
			v /= 1 + math.Exp(-v)
			bound = bound*1.1 + 1e-6*(1+math.Abs(v)) // SiLU's slope, and its own error
		}
		if e := math.Abs(float64(g) - v); !(e <= bound) {
			t.Fatalf("%v, %+v: element %d is %v, want %v: off by %.3g, may be off by %.3g", set, act, i, g, v, e, bound)
		}
	}
}

// checkConv checks one run of op.
func checkConv(t *testing.T, rng *rand.Rand, op *Conv, set setting, residual bool) {
	t.Helper()
	newConvTruth(rng, op).check(t, set, op.Act, residual)
}

func TestConv(t *testing.T) { testConvCases(t, convCases) }

// testConvCases checks convolutions under every instruction set and setting.
func testConvCases(t *testing.T, cases []convCase) {
	for i, cc := range cases {
		t.Run(cc.name, func(t *testing.T) {
			truth := newConvTruth(rand.New(rand.NewPCG(7, uint64(i))), cc.op(Act{}))
			levels(t, func(t *testing.T) {
				for j, set := range settings {
					act := []Act{{}, {Kind: ReLU}, {Kind: ReLU6}, {Kind: SiLU}}[(i+j)%4]
					truth.check(t, set, act, j%2 == 1)
					set.inPlace = true
					truth.check(t, set, act, true)
				}
			})
		})
	}
}

// everyAlgorithm calls f under every instruction set for convolutions of all algorithms.
func everyAlgorithm(t *testing.T, f func(t *testing.T, cc convCase)) {
	cases := slices.Concat(convCases, windowCases)
	winogradCases(func(i int, cc convCase) {
		if i%7 == 0 || cc.in.W > 13 {
			cases = append(cases, cc)
		}
	})
	levels(t, func(t *testing.T) {
		for _, cc := range cases {
			f(t, cc)
		}
	})
}

// What a thread computes does not depend on how many there are.
func TestConvThreadsAgree(t *testing.T) {
	everyAlgorithm(t, func(t *testing.T, cc convCase) {
		rng := rand.New(rand.NewPCG(8, 0))
		op := cc.op(Act{Kind: SiLU})
		l := NewLoader(convWeights(rng, op))
		packed := l.Conv("conv", op)
		if err := l.Err(); err != nil {
			t.Fatal(err)
		}
		src := random(rng, 2, op.In)
		var one []float32
		for threads := 1; threads <= 5; threads++ {
			got := executeIn(t, l.Memory(0), setting{threads: threads, batch: 2, images: 2}, op.Out, []operand{src}, func(s *Session, dst View, srcs []View) {
				packed.Run(s, dst, srcs[0])
			})
			if one == nil {
				one = got
			} else if !slices.Equal(got, one) {
				t.Errorf("%s: %d threads compute something else than one", cc.name, threads)
			}
		}
	})
}

func TestLinear(t *testing.T) {
	levels(t, func(t *testing.T) {
		for i, op := range []*Linear{
			{In: Shape{84, 1, 1}, Out: 10, Bias: true},
			{In: Shape{16, 5, 5}, Out: 120, Bias: true, Act: Act{Kind: ReLU}},
			{In: Shape{7, 2, 3}, Out: 1},
			{In: Shape{512, 1, 1}, Out: 1000, Bias: true},
		} {
			rng := rand.New(rand.NewPCG(9, uint64(i)))
			weights := memory{"fc.weight": randomTensor(rng, op.Out, op.In.Len())}
			if op.Bias {
				weights["fc.bias"] = randomTensor(rng, op.Out)
			}
			l := NewLoader(weights)
			packed := l.Linear("fc", op)
			if err := l.Err(); err != nil {
				t.Fatal(err)
			}
			for _, c := range settings {
				src := random(rng, c.images, op.In)
				out := Shape{op.Out, 1, 1}
				w, bias := wide(weights["fc.weight"].Data), wide(weights["fc.bias"].Data)
				if !op.Bias {
					bias = nil
				}
				want := make([]float64, c.images*op.Out)
				ref.Linear(want, src.wide(), w, bias, c.images, op.In.Len(), op.Out)
				if op.Act.Kind == ReLU {
					for i := range want {
						want[i] = max(want[i], 0)
					}
				}
				got := executeIn(t, l.Memory(0), c, out, []operand{src}, func(s *Session, dst View, srcs []View) {
					packed.Run(s, dst, srcs[0])
				})
				compare(t, fmt.Sprintf("%+v, %v", *op, c), got, want, float64(op.In.Len())*0x1p-20, 0)
			}
		}
	})
}

// The weights of a 1x1 convolution may come as a matrix.
func TestConvMatrix(t *testing.T) {
	op := pointwise(3, 5, 4).op(Act{})
	weights := convWeights(rand.New(rand.NewPCG(12, 0)), op)
	run := func() []float32 {
		l := NewLoader(weights)
		packed := l.Conv("conv", op)
		if err := l.Err(); err != nil {
			t.Fatal(err)
		}
		src := random(rand.New(rand.NewPCG(12, 1)), 1, op.In)
		c := setting{threads: 1, batch: 1, images: 1}
		return executeIn(t, l.Memory(0), c, op.Out, []operand{src}, func(s *Session, dst View, srcs []View) { packed.Run(s, dst, srcs[0]) })
	}
	want := run()
	op.Matrix = true
	weights["conv.weight"] = Tensor{Shape: []int{4, 5}, Data: weights["conv.weight"].Data}
	if got := run(); !slices.Equal(got, want) {
		t.Errorf("with a matrix %v, with a kernel %v", got, want)
	}
}

// Norms before and after a convolution end up in its weights as if they had run.
func TestConvFoldsNorms(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 0))
	op := convCase{"", Direct, Shape{6, 4, 4}, 9, square(3), square(1), square(1), Padding{}, 3}.op(Act{})
	weights := convWeights(rng, op)
	batchNorm := func(key string, channels int) Norm {
		for _, part := range []string{".weight", ".bias", ".running_mean", ".running_var"} {
			weights[key+part] = randomTensor(rng, channels)
		}
		for i, v := range weights[key+".running_var"].Data {
			weights[key+".running_var"].Data[i] = 0.5 + v*v
		}
		return Norm{Kind: BatchNorm, Key: key, Eps: 1e-5, Affine: true}
	}
	before := batchNorm("before", op.In.C)
	before.Before = true
	after := batchNorm("after", op.Out.C)
	weights["gamma"] = randomTensor(rng, op.Out.C, 1, 1)
	norms := []Norm{
		before,
		{Kind: Constant, Before: true, Scale: []float64{2}, Shift: []float64{0.5}},
		after,
		{Kind: LearnedScale, Key: "gamma", Dims: []int{op.Out.C, 1, 1}},
	}
	apply := func(x []float64, s Shape, key string) {
		p := s.Pixels()
		for i := range x {
			c := i / p % s.C
			at := func(part string) float64 { return float64(weights[key+part].Data[c]) }
			x[i] = (x[i]-at(".running_mean"))/math.Sqrt(at(".running_var")+1e-5)*at(".weight") + at(".bias")
		}
	}
	c := setting{threads: 1, batch: 1, images: 1}
	src := random(rng, 1, op.In)
	x := src.wide()
	apply(x, op.In, "before")
	for i := range x {
		x[i] = 2*x[i] + 0.5
	}
	want := make([]float64, op.Out.Len())
	ref.Conv(want, x, wide(weights["conv.weight"].Data), wide(weights["conv.bias"].Data), op.params(1))
	apply(want, op.Out, "after")
	for i := range want {
		want[i] *= float64(weights["gamma"].Data[i/op.Out.Pixels()])
	}
	l := NewLoader(weights)
	packed := l.Conv("conv", op, norms...)
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	got := executeIn(t, l.Memory(0), c, op.Out, []operand{src}, func(s *Session, dst View, srcs []View) { packed.Run(s, dst, srcs[0]) })
	compare(t, "folded", got, want, 1e-3, 1e-5)
}

func TestConvAllocatesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("TestConvThreadsAgree runs what may race")
	}
	everyAlgorithm(t, func(t *testing.T, cc convCase) {
		op := cc.op(Act{Kind: SiLU})
		l := NewLoader(convWeights(rand.New(rand.NewPCG(11, 0)), op))
		packed := l.Conv("conv", op)
		if err := l.Err(); err != nil {
			t.Fatal(err)
		}
		src := View{Pitch: roundUp(op.In.C, 16)}
		dst := View{Offset: src.Pitch * op.In.Pixels(), Pitch: roundUp(op.Out.C, 16)}
		for _, threads := range []int{1, 2} {
			s := NewSession(l.Memory(dst.Offset+dst.Pitch*op.Out.Pixels()), Threads(threads))
			s.Begin(1)
			if n := testing.AllocsPerRun(5, func() { packed.Run(s, dst, src) }); n != 0 {
				t.Errorf("%s, %d threads: %v allocations", cc.name, threads, n)
			}
			s.End()
			s.Close()
		}
	})
}

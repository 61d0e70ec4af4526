package runtime

import (
	"fmt"
	"math"
	"math/rand/v2"
	goruntime "runtime"
	"slices"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/ref"
)

// poolWindow is how a pooling test slides.
type poolWindow struct {
	in       Shape
	kernel   Size
	stride   Size
	dilation int
	pad      Padding
	ceil     bool
}

func (w poolWindow) out() Shape {
	slide := func(n, k, s, before, after int) int {
		room := n + before + after - w.dilation*(k-1) - 1
		if !w.ceil {
			return room/s + 1
		}
		out := (room+s-1)/s + 1
		if (out-1)*s >= n+before {
			out--
		}
		return out
	}
	return Shape{w.in.C,
		slide(w.in.H, w.kernel.H, w.stride.H, w.pad.Top, w.pad.Bottom),
		slide(w.in.W, w.kernel.W, w.stride.W, w.pad.Left, w.pad.Right)}
}

func (w poolWindow) ref(images int) ref.PoolParams {
	return ref.PoolParams{In: dims(images, w.in), Out: dims(images, w.out()), Window: ref.Window{
		KH: w.kernel.H, KW: w.kernel.W, StrideH: w.stride.H, StrideW: w.stride.W,
		DilationH: w.dilation, DilationW: w.dilation,
		Top: w.pad.Top, Left: w.pad.Left, Bottom: w.pad.Bottom, Right: w.pad.Right,
	}}
}

var poolWindows = []poolWindow{
	{in: Shape{64, 8, 8}, kernel: Size{2, 2}, stride: Size{2, 2}, dilation: 1},
	{in: Shape{5, 9, 7}, kernel: Size{3, 3}, stride: Size{2, 2}, dilation: 1, pad: Padding{1, 1, 1, 1}},
	{in: Shape{192, 14, 14}, kernel: Size{3, 3}, stride: Size{1, 1}, dilation: 1, pad: Padding{1, 1, 1, 1}},
	{in: Shape{17, 10, 11}, kernel: Size{3, 3}, stride: Size{2, 2}, dilation: 1, ceil: true},
	{in: Shape{33, 10, 12}, kernel: Size{3, 2}, stride: Size{3, 2}, dilation: 1, pad: Padding{0, 1, 1, 0}, ceil: true},
	{in: Shape{1, 6, 13}, kernel: Size{1, 7}, stride: Size{1, 3}, dilation: 1, pad: Padding{0, 3, 0, 2}, ceil: true},
	{in: Shape{80, 5, 5}, kernel: Size{5, 5}, stride: Size{1, 1}, dilation: 1, pad: Padding{2, 2, 2, 2}},
	{in: Shape{16, 1, 1}, kernel: Size{3, 3}, stride: Size{1, 1}, dilation: 1, pad: Padding{1, 1, 1, 1}},
	{in: Shape{3, 11, 9}, kernel: Size{3, 3}, stride: Size{2, 1}, dilation: 2, pad: Padding{2, 1, 1, 2}},
	{in: Shape{7, 1, 1}, kernel: Size{2, 2}, stride: Size{1, 1}, dilation: 2, pad: Padding{1, 1, 1, 1}}, // nothing inside
}

func TestMaxPool(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, w := range poolWindows {
			for _, c := range settings {
				src := random(rng, c.images, w.in)
				src.data[rng.IntN(len(src.data))] = float32(math.NaN())
				src.data[rng.IntN(len(src.data))] = float32(math.Inf(-1))
				op := &MaxPool{In: w.in, Out: w.out(), Kernel: w.kernel, Stride: w.stride, Dilation: Size{w.dilation, w.dilation}, Pad: w.pad}
				got := execute(t, c, op.Out, []operand{src}, func(s *Session, dst View, srcs []View) { op.Run(s, dst, srcs[0]) })
				want := make([]float64, len(got))
				ref.MaxPool(want, src.wide(), w.ref(c.images))
				compare(t, fmt.Sprintf("%+v %v", w, c), got, want, 0, 0)
			}
		}
	})
}

func TestAvgPool(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, w := range poolWindows {
			if w.dilation != 1 {
				continue
			}
			for _, c := range settings {
				for _, countPad := range []bool{false, true} {
					src := random(rng, c.images, w.in)
					op := &AvgPool{In: w.in, Out: w.out(), Kernel: w.kernel, Stride: w.stride, Pad: w.pad, CountPad: countPad}
					got := execute(t, c, op.Out, []operand{src}, func(s *Session, dst View, srcs []View) { op.Run(s, dst, srcs[0]) })
					want := make([]float64, len(got))
					ref.AvgPool(want, src.wide(), w.ref(c.images), countPad)
					compare(t, fmt.Sprintf("%+v countPad=%v %v", w, countPad, c), got, want, 2e-6, 1e-6)
				}
			}
		}
	})
}

// TestGlobalMean is that threads do not change the sums.
func TestGlobalMean(t *testing.T) {
	const most = 9
	defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(most))
	op := &AdaptivePool{In: Shape{1300, 12, 11}, Out: Shape{1300, 1, 1}}
	src := random(rand.New(rand.NewPCG(9, 10)), 1, op.In)
	var want []float32
	for threads := 1; threads <= most; threads++ {
		c := setting{threads: threads, batch: 1, images: 1}
		got := execute(t, c, op.Out, []operand{src}, func(s *Session, dst View, srcs []View) { op.Run(s, dst, srcs[0]) })
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d threads have other means than one", threads)
		}
	}
}

func TestAdaptivePool(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, in := range []Shape{{70, 7, 7}, {1, 13, 5}, {200, 3, 4}, {48, 40, 40}, {1100, 12, 11}} {
			for _, size := range []Size{{1, 1}, {7, 7}, {3, 2}, {1, 4}, {6, 6}} {
				for _, c := range settings {
					src := random(rng, c.images, in)
					for _, maximum := range []bool{false, true} {
						op := &AdaptivePool{In: in, Out: Shape{in.C, size.H, size.W}, Max: maximum}
						got := execute(t, c, op.Out, []operand{src}, func(s *Session, dst View, srcs []View) { op.Run(s, dst, srcs[0]) })
						want := make([]float64, len(got))
						pool, absolute := ref.AdaptiveAvgPool, 2e-6
						if maximum {
							pool, absolute = ref.AdaptiveMaxPool, 0
						}
						pool(want, src.wide(), dims(c.images, in), dims(c.images, op.Out))
						compare(t, fmt.Sprintf("%+v %v", op, c), got, want, absolute, 0)
					}
				}
			}
		}
	})
}

package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A depthwise convolution that pools its input computes what the pooling and the plain one
// do, up to the rounding of a mean.
func TestPooledDepthwise(t *testing.T) {
	levels(t, func(t *testing.T) {
		for _, channels := range []int{2, 6, 16, 33} {
			for _, window := range []Size{square(2), {3, 1}, {1, 4}, square(5)} {
				for _, over := range []int{0, 1} { // rows and columns that make no window
					testPooledDepthwise(t, channels, window, over)
				}
			}
		}
	})
}

func testPooledDepthwise(t *testing.T, channels int, window Size, over int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(17, uint64(channels)))
	plain := convCase{"", Depthwise, Shape{channels, 4, 5}, channels, square(1), square(1), square(1), Padding{}, channels}.op(Act{Kind: Sigmoid})
	pooled := *plain
	pooled.InPool = window
	pooled.In.H = plain.In.H*window.H + min(over, window.H-1)
	pooled.In.W = plain.In.W*window.W + min(over, window.W-1)
	pool := &AvgPool{In: pooled.In, Out: plain.In, Kernel: window, Stride: window}

	l := NewLoader(convWeights(rng, plain))
	norm := Norm{Kind: Constant, Scale: []float64{2}, Shift: []float64{0.5}}
	before := norm
	before.Before = true
	fused, second := l.Conv("conv", &pooled, before, norm), l.Conv("conv", plain, before, norm)
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	mem := l.Memory(0)
	for _, c := range settings {
		src, residual := random(rng, c.images, pooled.In), random(rng, c.images, plain.Out)
		mean := operand{plain.In, executeIn(t, mem, c, plain.In, []operand{src}, func(s *Session, dst View, v []View) { pool.Run(s, dst, v[0]) })}
		want := executeIn(t, mem, c, plain.Out, []operand{mean, residual}, func(s *Session, dst View, v []View) { second.RunAdd(s, dst, v[0], v[1]) })
		got := executeIn(t, mem, c, plain.Out, []operand{src, residual}, func(s *Session, dst View, v []View) { fused.RunAdd(s, dst, v[0], v[1]) })
		compare(t, fmt.Sprintf("%+v %v", pooled, c), got, wide(want), 2e-6, 2e-6)
	}
}

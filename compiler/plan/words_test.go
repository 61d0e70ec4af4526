package plan_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/runtime"
)

func TestDescribe(t *testing.T) {
	size := func(h, w int) runtime.Size { return runtime.Size{H: h, W: w} }
	map7 := runtime.Shape{C: 64, H: 7, W: 7}
	relu := runtime.Act{Kind: runtime.ReLU}
	before := []runtime.Norm{{Kind: runtime.BatchNorm, Before: true}, {Kind: runtime.LearnedScale}}
	tests := []struct {
		step      plan.Step
		want      string
		algorithm string
	}{
		{
			plan.Step{Op: &runtime.Conv{In: map7, Kernel: size(3, 3), Stride: size(2, 2), Dilation: size(1, 1), Groups: 32, Act: relu, Algo: runtime.Grouped},
				Norms: []runtime.Norm{{}}, Residual: new(runtime.View)},
			"conv 3x3 s2 groups 32 + bn + residual + relu", "grouped",
		},
		{
			plan.Step{Op: &runtime.Conv{In: map7, Kernel: size(1, 7), Stride: size(1, 2), Dilation: size(2, 2), Groups: 64, Algo: runtime.Depthwise}},
			"conv 1x7 s1x2 d2 depthwise", "depthwise",
		},
		{
			plan.Step{Op: &runtime.Conv{In: map7, Kernel: size(1, 1), Stride: size(1, 1), Dilation: size(1, 1), Groups: 1, InNorm: true, InAct: relu, Gate: true}, Norms: before},
			"bn + relu + gate + conv 1x1 + scale", "direct",
		},
		{
			plan.Step{Op: &runtime.Conv{In: map7, Kernel: size(1, 1), Stride: size(1, 1), Dilation: size(1, 1), Groups: 1, InAct: relu, InPool: size(2, 3)}},
			"relu + average pool 2x3 + conv 1x1", "direct",
		},
		{plan.Step{Op: &runtime.Linear{In: map7, Act: runtime.Act{Kind: runtime.LeakyReLU}}, Norms: before}, "bn + linear + scale + leakyrelu", "linear"},
		{plan.Step{Op: &runtime.Affine{Act: relu}, Norms: []runtime.Norm{{Kind: runtime.Constant}}}, "scale and shift by constant + relu", ""},
		{plan.Step{Op: &runtime.AdaptivePool{Out: runtime.Shape{C: 64, H: 1, W: 1}}}, "global average pool", ""},
		{plan.Step{Op: &runtime.Pick{Channels: []int{3, 1}}}, "pick channels 3, 1", ""},
		{plan.Step{Op: &runtime.Softmax{}}, "softmax", ""},
	}
	for _, tt := range tests {
		if got := tt.step.Describe(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
		if got := tt.step.Algorithm(); got != tt.algorithm {
			t.Errorf("%s: algorithm %q, want %q", tt.want, got, tt.algorithm)
		}
	}
}

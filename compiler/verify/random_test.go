package verify_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/compiler/verify/verifytest"
)

// TestRandom runs networks with random weights on a picture, on another, and on nearly
// the same: outputs stay in range and depend on the picture, but not wildly.
func TestRandom(t *testing.T) {
	for _, tt := range []struct{ net, set string }{
		{"lenet5", ""},
		{"alexnet_2012", "classes=10 pixels=131"},
		{"vgg19", "classes=10 pixels=64"},
		{"googlenet_2014", "classes=10"},
		{"inception_v3", "classes=10 pixels=151"},
		{"resnet152", "classes=10 pixels=96"},
		{"resnext101_64x4d", "classes=10 pixels=64"},
		{"xception", "classes=10 pixels=131"},
		{"mobilenet_v3_large", "classes=10"},
		{"mobilenet_v3_small", "classes=10"},
		{"densenet201", "classes=10 pixels=96"},
		{"efficientnet_b7", "classes=10 pixels=128"},
		{"efficientnet_v2_l", "classes=10 pixels=96"},
		{"convnext_small", "classes=10 pixels=96"},
	} {
		t.Run(tt.net, func(t *testing.T) {
			r := verifytest.Compile(t, tt.net, compiler.Options{Overrides: overrides(tt.set)})
			verifytest.SkipSlow(t, r.Plan.Params, 3*r.Plan.MACs)
			m, err := exec.Load(r.Plan, verify.Random(r.Elaborated))
			if err != nil {
				t.Fatal(err)
			}
			in := r.Plan.Inputs[0].Shape
			images := verify.Picture("random", 3, in[0], in[1], in[2])
			n := in.Elems()
			const nudge = 1e-3
			for i, noise := range verify.Seeded("nudge", n, -nudge, nudge) {
				images[2*n+i] = images[i] + noise
			}
			out := forward(t, m, images, 3, 2)
			y := out[:len(out)/3]
			size := distance(make([]float32, len(y)), wide(y))
			other := distance(out[len(y):2*len(y)], wide(y))
			near := distance(out[2*len(y):], wide(y))
			t.Logf("size %.3g, another picture %.3g, nudged %.3g: %.3g times", size, other/size, near/size, near/other/nudge)
			if !(size > 0.05 && size < 10) {
				t.Errorf("outputs of size %.3g", size)
			}
			if !(other > 1e-4*size) {
				t.Errorf("another picture changes outputs of size %.3g by %.3g", size, other)
			}
			if !(near < 10*nudge*other) {
				t.Errorf("a nudge of %v changes outputs by %.3g, another picture by %.3g", nudge, near, other)
			}
		})
	}
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

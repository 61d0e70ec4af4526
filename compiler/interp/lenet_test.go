package interp_test

import (
	"math"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/interp"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/compiler/verify/verifytest"
)

// TestLeNet5 runs the network of 1998 on seeded weights and expects what PyTorch
// computed, layer by layer.
func TestLeNet5(t *testing.T) {
	text, err := os.ReadFile("testdata/lenet5.ir")
	if err != nil {
		t.Fatal(err)
	}
	g := parse(t, string(text))
	want := verifytest.Reference(t, "lenet5")
	if n := ir.ParamCount(g); n != want.Params {
		t.Errorf("%d parameters, want %d", n, want.Params)
	}
	if n := ir.MACs(g); n != want.MACs {
		t.Errorf("%d multiply-accumulates, want %d", n, want.MACs)
	}
	var tensors []ir.Param
	for _, p := range want.Tensors {
		tensors = append(tensors, ir.Param{Key: p.Key, Shape: p.Shape})
	}
	if diff := cmp.Diff(tensors, ir.Params(g)); diff != "" {
		t.Errorf("checkpoint tensors (-want +got):\n%s", diff)
	}

	weights := verify.Weights(want)
	traced := map[string][]float64{}
	in := want.Input.Shape
	out, err := interp.Run(g,
		func(key string, _ []int) ([]float32, error) { return weights.Read(key) },
		interp.Tensors{"image": wide(verify.Picture(want.Input.Image, in[0], in[1], in[2], in[3]))}, in[0],
		interp.Options{Trace: func(v *ir.Value, data []float64) { traced[v.Name] = slices.Clone(data) }})
	if err != nil {
		t.Fatal(err)
	}
	// The reference has nine digits.
	near := func(a, b float64) bool { return math.Abs(a-b) <= 6e-9*max(1, math.Abs(b)) }
	for _, layer := range want.Trace {
		got := traced[layer.Name]
		for i, at := range layer.At {
			if at >= len(got) || !near(got[at], layer.Value[i]) {
				t.Fatalf("layer %s of %d elements: element %d differs from %v", layer.Name, len(got), at, layer.Value[i])
			}
		}
		mean, square := 0.0, 0.0
		for _, x := range got {
			mean += x / float64(len(got))
			square += x * x / float64(len(got))
		}
		if !near(mean, layer.Mean) || !near(math.Sqrt(square), layer.RMS) {
			t.Fatalf("layer %s: mean %v, rms %v; want %v, %v", layer.Name, mean, math.Sqrt(square), layer.Mean, layer.RMS)
		}
	}
	for i, w := range want.Output {
		if got := out["logits"][i]; !near(got, w) {
			t.Errorf("logit %d is %v, want %v", i, got, w)
		}
	}
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

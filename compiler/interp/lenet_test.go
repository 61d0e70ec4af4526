package interp_test

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/interp"
	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// reference is what lenet5.json holds of interest here.
type reference struct {
	Params, MACs int64
	Input        struct {
		Image string
		Shape []int
	}
	Output  []float64
	Tensors []struct {
		Key    string
		Shape  []int
		Lo, Hi float64
	}
	Trace []struct {
		Name      string
		Shape     []int
		Mean, RMS float64
		At        []int
		Value     []float64
	}
}

// TestLeNet5 runs the network of 1998 on seeded weights and expects what PyTorch
// computed, layer by layer.
func TestLeNet5(t *testing.T) {
	text, err := os.ReadFile("testdata/lenet5.ir")
	if err != nil {
		t.Fatal(err)
	}
	g, err := ir.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var want reference
	data, err := os.ReadFile("testdata/lenet5.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}

	if n := ir.ParamCount(g); n != want.Params {
		t.Errorf("%d parameters, want %d", n, want.Params)
	}
	if n := ir.MACs(g); n != want.MACs {
		t.Errorf("%d multiply-accumulates, want %d", n, want.MACs)
	}
	weights := map[string][]float32{}
	var keys []ir.Param
	for _, p := range want.Tensors {
		keys = append(keys, ir.Param{Key: p.Key, Shape: p.Shape})
		n := 1
		for _, d := range p.Shape {
			n *= d
		}
		u := uniform(p.Key, n)
		tensor := make([]float32, n)
		for i := range tensor {
			tensor[i] = float32(p.Lo + (p.Hi-p.Lo)*u[i])
		}
		weights[p.Key] = tensor
	}
	if diff := cmp.Diff(keys, ir.Params(g)); diff != "" {
		t.Errorf("checkpoint tensors (-want +got):\n%s", diff)
	}

	traced := map[string][]float64{}
	out, err := interp.Run(g,
		func(key string, _ []int) ([]float32, error) { return weights[key], nil },
		interp.Tensors{"image": picture(want.Input.Image, want.Input.Shape)}, want.Input.Shape[0],
		interp.Options{Trace: func(v *ir.Value, data []float64) { traced[v.Name] = append([]float64(nil), data...) }})
	if err != nil {
		t.Fatal(err)
	}
	// The reference has nine digits.
	close := func(a, b float64) bool { return math.Abs(a-b) <= 6e-9*max(1, math.Abs(b)) }
	for _, layer := range want.Trace {
		got := traced[layer.Name]
		for i, at := range layer.At {
			if at >= len(got) || !close(got[at], layer.Value[i]) {
				t.Fatalf("layer %s of %d elements: element %d differs from %v", layer.Name, len(got), at, layer.Value[i])
			}
		}
		mean, square := 0.0, 0.0
		for _, x := range got {
			mean += x / float64(len(got))
			square += x * x / float64(len(got))
		}
		if !close(mean, layer.Mean) || !close(math.Sqrt(square), layer.RMS) {
			t.Fatalf("layer %s: mean %v, rms %v; want %v, %v", layer.Name, mean, math.Sqrt(square), layer.Mean, layer.RMS)
		}
	}
	for i, w := range want.Output {
		if got := out["logits"][i]; !close(got, w) {
			t.Errorf("logit %d is %v, want %v", i, got, w)
		}
	}
}

// uniform returns the seeded numbers in [0, 1) of a key: splitmix64 keyed by
// the key's FNV-1a hash.
func uniform(key string, n int) []float64 {
	h := fnv.New64a()
	h.Write([]byte(key))
	u := make([]float64, n)
	for i := range u {
		z := h.Sum64() + uint64(i+1)*0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		u[i] = float64(z>>11) * 0x1p-53
	}
	return u
}

// picture returns the seeded picture of a name: 7x7 patches under fine noise.
func picture(name string, shape []int) []float64 {
	n, c, h, w := shape[0], shape[1], shape[2], shape[3]
	coarse, fine := uniform(name+":coarse", n*c*49), uniform(name+":fine", n*c*h*w)
	x := make([]float64, len(fine))
	for i := range x {
		plane, y, col := i/(h*w), i/w%h, i%w
		u := 0.75*coarse[plane*49+y*7/h*7+col*7/w] + 0.25*fine[i]
		x[i] = float64(float32(-2 + 4.5*u))
	}
	return x
}

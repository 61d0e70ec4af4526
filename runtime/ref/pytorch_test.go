package ref

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

// pytorchCase is an entry of testdata/pytorch.json.
type pytorchCase struct {
	Op     string
	Dims   [4]int
	Params struct {
		K, S, D, P               [2]int
		G, Size                  int
		Left, Right, Top, Bottom int
		Bias, Count              bool
		Eps, Alpha, Beta         float64
	}
	Out  []int
	Want []float64
}

// tensor returns the inputs that testdata/pytorch.py has: numbers in [-2, 2]
// that follow from seed and index.
func tensor(seed, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64((i*7919+seed*104729)%1009)/252 - 2
	}
	return x
}

// TestPyTorch compares every primitive with what PyTorch computes.
func TestPyTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/pytorch.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []pytorchCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%d-%s", i, c.Op), func(t *testing.T) {
			got := c.run(t)
			if len(got) != len(c.Want) {
				t.Fatalf("%d elements, want %d", len(got), len(c.Want))
			}
			for i, w := range c.Want {
				if math.Abs(got[i]-w) > 1e-12*max(1, math.Abs(w)) {
					t.Fatalf("%+v: element %d is %v, want %v", c.Params, i, got[i], w)
				}
			}
		})
	}
}

func (c *pytorchCase) run(t *testing.T) []float64 {
	in := Dims{c.Dims[0], c.Dims[1], c.Dims[2], c.Dims[3]}
	out := in
	if len(c.Out) == 4 {
		out = Dims{c.Out[0], c.Out[1], c.Out[2], c.Out[3]}
	}
	p := c.Params
	win := Window{
		KH: p.K[0], KW: p.K[1], StrideH: p.S[0], StrideW: p.S[1], DilationH: p.D[0], DilationW: p.D[1],
		Top: p.P[0], Left: p.P[1], Bottom: p.P[0], Right: p.P[1],
	}
	channels := func(seed int) []float64 { return tensor(seed, in.C) }
	src, dst := tensor(1, in.Len()), make([]float64, out.Len())
	switch c.Op {
	case "conv":
		var bias []float64
		if p.Bias {
			bias = tensor(3, out.C)
		}
		w := tensor(2, out.C*in.C/p.G*win.KH*win.KW)
		Conv(dst, src, w, bias, ConvParams{in, out, win, p.G})
	case "linear":
		dst = make([]float64, c.Out[0]*c.Out[1])
		Linear(dst, src, tensor(2, in.C*c.Out[1]), tensor(3, c.Out[1]), in.N, in.C, c.Out[1])
	case "maxpool":
		MaxPool(dst, src, PoolParams{in, out, win})
	case "avgpool":
		AvgPool(dst, src, PoolParams{in, out, win}, p.Count)
	case "adaptiveavgpool":
		AdaptiveAvgPool(dst, src, in, out)
	case "adaptivemaxpool":
		AdaptiveMaxPool(dst, src, in, out)
	case "batchnorm":
		variance := channels(3)
		Apply(variance, variance, math.Abs)
		BatchNorm(dst, src, channels(2), variance, channels(4), channels(5), p.Eps, in)
	case "layernorm":
		LayerNorm(dst, src, channels(4), channels(5), p.Eps, in)
	case "grn":
		GRN(dst, src, channels(4), channels(5), p.Eps, in)
	case "lrn":
		LRN(dst, src, p.Size, p.Alpha, p.Beta, 2, in)
	case "softmax":
		Apply(src, src, func(x float64) float64 { return 5 * x })
		Softmax(dst, src, in)
	case "shuffle":
		Shuffle(dst, src, p.G, in)
	case "upsample":
		Upsample(dst, src, in, out)
	case "pad":
		Pad(dst, src, p.Top, p.Left, p.Bottom, p.Right, in)
	default:
		f := map[string]func(float64) float64{
			"relu": ReLU, "relu6": ReLU6, "leakyrelu": LeakyReLU(0.2), "sigmoid": Sigmoid, "tanh": Tanh, "silu": SiLU,
			"hardsigmoid": HardSigmoid, "hardswish": HardSwish, "gelu": GELU, "gelutanh": GELUTanh,
		}[c.Op]
		if f == nil {
			t.Fatalf("no test for %s", c.Op)
		}
		Apply(src, src, func(x float64) float64 { return 3 * x })
		Apply(dst, src, f)
	}
	return dst
}

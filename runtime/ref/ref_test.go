package ref

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConvAsymmetric pads by Pad first, and by the convolution itself.
func TestConvAsymmetric(t *testing.T) {
	in := Dims{2, 3, 5, 6}
	padded := Dims{2, 3, 5 + 1 + 0, 6 + 2 + 3}
	out := Dims{2, 4, 4, 5}
	src, w := tensor(1, in.Len()), tensor(2, 4*3*3*3)
	want, got := make([]float64, out.Len()), make([]float64, out.Len())
	wide := make([]float64, padded.Len())
	Pad(wide, src, 1, 2, 0, 3, in)
	Conv(want, wide, w, nil, ConvParams{padded, out, Window{KH: 3, KW: 3, StrideH: 1, StrideW: 2, DilationH: 1, DilationW: 1}, 1})
	Conv(got, src, w, nil, ConvParams{in, out, Window{KH: 3, KW: 3, StrideH: 1, StrideW: 2, DilationH: 1, DilationW: 1, Top: 1, Left: 2, Right: 3}, 1})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestConvDefinition compares Conv's loops with the sum in its comment.
func TestConvDefinition(t *testing.T) {
	p := ConvParams{
		In: Dims{2, 4, 5, 7}, Out: Dims{2, 6, 3, 6}, Groups: 2,
		Window: Window{KH: 3, KW: 2, StrideH: 2, StrideW: 1, DilationH: 1, DilationW: 3, Top: 1, Left: 0, Bottom: 1, Right: 2},
	}
	src, w, bias := tensor(1, p.In.Len()), tensor(2, 6*2*3*2), tensor(3, 6)
	got := make([]float64, p.Out.Len())
	Conv(got, src, w, bias, p)
	for at, have := range got {
		x, y, o, n := at%6, at/6%3, at/18%6, at/108
		want := bias[o]
		for c := range 2 {
			for i := range 3 {
				for j := range 2 {
					sy, sx := y*2-1+i, x+j*3
					if 0 <= sy && sy < 5 && 0 <= sx && sx < 7 {
						want += w[((o*2+c)*3+i)*2+j] * src[((n*4+o/3*2+c)*5+sy)*7+sx]
					}
				}
			}
		}
		if have != want {
			t.Fatalf("(%d, %d, %d, %d) is %v, want %v", n, o, y, x, have, want)
		}
	}
}

// TestAvgPoolAsymmetric has padding of each side counted or not.
func TestAvgPoolAsymmetric(t *testing.T) {
	p := PoolParams{
		In: Dims{1, 1, 2, 2}, Out: Dims{1, 1, 2, 2},
		Window: Window{KH: 2, KW: 2, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, Bottom: 1, Left: 1},
	}
	src, dst := []float64{1, 2, 3, 4}, make([]float64, 4)
	// Rows 0-1 and 2-3 (row 3 hangs over), columns -1-0 and 1-2 (2 hangs over).
	AvgPool(dst, src, p, true)
	if diff := cmp.Diff([]float64{4.0 / 4, 6.0 / 2, 0, 0}, dst); diff != "" {
		t.Errorf("counting padding (-want +got):\n%s", diff)
	}
	AvgPool(dst, src, p, false)
	if diff := cmp.Diff([]float64{2, 3, 0, 0}, dst); diff != "" {
		t.Errorf("not counting padding (-want +got):\n%s", diff)
	}
}

func TestChannels(t *testing.T) {
	// Two images of three channels of two pixels.
	d := Dims{2, 3, 1, 2}
	x := []float64{0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121}
	for _, c := range []struct {
		name string
		f    func(dst []float64)
		want []float64
	}{
		{"pick", func(dst []float64) { Pick(dst, x, []int{2, 0, 2}, d) }, []float64{20, 21, 0, 1, 20, 21, 120, 121, 100, 101, 120, 121}},
		{"slice", func(dst []float64) { Slice(dst, x, 1, 3, d) }, []float64{10, 11, 20, 21, 110, 111, 120, 121}},
		{"concat", func(dst []float64) {
			Concat(dst, [][]float64{x, {-1, -2, -3, -4}}, []int{3, 1}, Dims{2, 4, 1, 2})
		}, []float64{0, 1, 10, 11, 20, 21, -1, -2, 100, 101, 110, 111, 120, 121, -3, -4}},
		{"mul", func(dst []float64) { Mul(dst, x, x, d, d) }, []float64{0, 1, 100, 121, 400, 441, 1e4, 101 * 101, 12100, 12321, 14400, 14641}},
		{"mul gate", func(dst []float64) { Mul(dst, x, []float64{1, 0, 2, 0, 3, 0.5}, d, Dims{2, 3, 1, 1}) },
			[]float64{0, 1, 0, 0, 40, 42, 0, 0, 330, 333, 60, 60.5}},
		{"add", func(dst []float64) { Add(dst, x, x, x) }, []float64{0, 3, 30, 33, 60, 63, 300, 303, 330, 333, 360, 363}},
		{"affine", func(dst []float64) { Affine(dst, x, []float64{1, 2, 3}, []float64{5}, d) },
			[]float64{5, 6, 25, 27, 65, 68, 105, 106, 225, 227, 365, 368}},
	} {
		got := make([]float64, len(c.want))
		c.f(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestSpecialValues has what the kernels must agree with beyond numbers.
func TestSpecialValues(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, f := range map[string]func(float64) float64{
		"relu": ReLU, "relu6": ReLU6, "leakyrelu": LeakyReLU(0.1), "sigmoid": Sigmoid, "tanh": Tanh, "silu": SiLU,
		"hardsigmoid": HardSigmoid, "hardswish": HardSwish, "gelu": GELU, "gelutanh": GELUTanh,
	} {
		if y := f(nan); !math.IsNaN(y) {
			t.Errorf("%s(NaN) = %v", name, y)
		}
	}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"sigmoid(-Inf)", Sigmoid(-inf), 0},
		{"sigmoid(Inf)", Sigmoid(inf), 1},
		{"tanh(Inf)", Tanh(inf), 1},
		{"gelu(Inf)", GELU(inf), inf},
		{"gelu(-9)", GELU(-9), -9 * 0.5 * math.Erfc(9/math.Sqrt2)}, // no cancellation far out
		{"relu6(Inf)", ReLU6(inf), 6},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}

	one := Window{KH: 2, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
	p := PoolParams{In: Dims{1, 1, 3, 1}, Out: Dims{1, 1, 2, 1}, Window: one}
	dst := make([]float64, 2)
	MaxPool(dst, []float64{inf, nan, -inf}, p)
	if !math.IsNaN(dst[0]) || !math.IsNaN(dst[1]) {
		t.Errorf("maximum with a NaN: %v", dst)
	}
	p = PoolParams{In: Dims{1, 1, 1, 1}, Out: Dims{1, 1, 1, 1}, Window: one}
	p.KH, p.DilationH, p.Top = 2, 2, 1 // both taps in the padding
	MaxPool(dst, []float64{5}, p)
	if !math.IsInf(dst[0], -1) {
		t.Errorf("maximum of nothing: %v", dst[0])
	}

	logits := []float64{1000, 1000, -inf}
	Softmax(logits, logits, Dims{1, 3, 1, 1})
	if diff := cmp.Diff([]float64{0.5, 0.5, 0}, logits); diff != "" {
		t.Errorf("softmax of large logits, in place (-want +got):\n%s", diff)
	}
}

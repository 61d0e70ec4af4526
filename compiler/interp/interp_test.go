package interp_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/interp"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/verify"
)

// seeded returns weights that follow from their keys; variances are positive.
func seeded(key string, shape []int) ([]float32, error) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	if strings.HasSuffix(key, "running_var") {
		return verify.Seeded(key, n, 0.5, 1.5), nil
	}
	return verify.Seeded(key, n, -1, 1), nil
}

// seededInputs returns a batch for every input of g.
func seededInputs(g *ir.Graph, batch int) interp.Tensors {
	in := interp.Tensors{}
	for _, v := range g.Inputs() {
		in[v.Name] = wide(verify.Seeded("input:"+v.Name, batch*v.Shape.Elems(), -2, 2))
	}
	return in
}

func parse(t *testing.T, text string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func run(t *testing.T, g *ir.Graph, inputs interp.Tensors, batch int) interp.Tensors {
	t.Helper()
	out, err := interp.Run(g, seeded, inputs, batch, interp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compare reports where two results differ by more than rounding.
func compare(t *testing.T, want, got interp.Tensors) {
	t.Helper()
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-11*max(1, math.Abs(a)) })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestEveryOp runs the graph that has every operation (a test in ir says so),
// as a batch and image by image.
func TestEveryOp(t *testing.T) {
	text, err := os.ReadFile("../ir/testdata/ops.ir")
	if err != nil {
		t.Fatal(err)
	}
	// All values as outputs: nothing stays unseen.
	g := parse(t, string(text))
	g.Outputs = nil
	for _, v := range g.Values {
		g.Outputs = append(g.Outputs, ir.Output{Name: v.Name, Value: v.ID})
	}
	const batch = 3
	inputs := seededInputs(g, batch)
	all := run(t, g, inputs, batch)
	for i := range batch {
		one := interp.Tensors{}
		for name, x := range inputs {
			one[name] = x[i*len(x)/batch : (i+1)*len(x)/batch]
		}
		want := interp.Tensors{}
		for name, x := range all {
			want[name] = x[i*len(x)/batch : (i+1)*len(x)/batch]
			for _, v := range want[name] {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s holds %v", name, v)
				}
			}
		}
		compare(t, want, run(t, g, one, 1))
	}
}

// TestFused runs pairs of graphs: as a spec would have it, and as passes would.
func TestFused(t *testing.T) {
	const input = "graph g\n%x = input : [4 6 6]\n"
	for _, c := range []struct{ name, raw, fused string }{
		{
			name: "after",
			raw: `%c = conv %x out=6 k=3 p=1 s=2 weights=c
%b = batchnorm %c eps=0.001 weights=b
%s = scale %b weights=s dims=[6 1 1]
%a = affine %s scale=[2] shift=[1 2 3 4 5 6]
%r = relu %a
output y = %r`,
			fused: `%c = conv %x out=6 k=3 p=1 s=2 weights=c after=[batchnorm{eps=0.001 weights=b} scale{weights=s dims=[6 1 1]} affine{scale=[2] shift=[1 2 3 4 5 6]}] act=relu
output y = %c`,
		},
		{
			name: "before",
			raw: `%b = batchnorm %x affine=false weights=b
%s = scale %b weights=s dims=[4]
%c = conv %s out=6 k=3 groups=2 bias=false weights=c
%r = leakyrelu %c slope=0.3
output y = %r`,
			fused: `%c = conv %x out=6 k=3 groups=2 bias=false weights=c before=[batchnorm{affine=false weights=b} scale{weights=s dims=[4]}] act=leakyrelu{slope=0.3}
output y = %c`,
		},
		{
			name: "input side, padded",
			raw: `%b = batchnorm %x weights=b
%r = relu %b
%c = conv %r out=6 k=3 p=1 weights=c
%b2 = batchnorm %c weights=b2
%r2 = relu %b2
output y = %r2
output x = %x`,
			fused: `%c = conv %x out=6 k=3 p=1 weights=c innorm=batchnorm{weights=b} inact=relu after=[batchnorm{weights=b2}] act=relu
output y = %c
output x = %x`,
		},
		{
			name: "activation on the input side alone",
			raw: `%r = hardswish %x
%c = conv %r out=6 k=1 weights=c
output y = %c`,
			fused: `%c = conv %x out=6 k=1 weights=c inact=hardswish
output y = %c`,
		},
		{
			name: "input side, then before",
			raw: `%b = batchnorm %x weights=b
%r = relu %b
%a = affine %r scale=[0.5] shift=[3]
%c = conv %a out=6 k=1 weights=c
output y = %c`,
			fused: `%c = conv %x out=6 k=1 weights=c innorm=batchnorm{weights=b} inact=relu before=[affine{scale=[0.5] shift=[3]}]
output y = %c`,
		},
		{
			name: "gate",
			raw: `%g = globalpool %x
%m = mul %g %x
%b = batchnorm %m weights=b
%c = conv %b out=4 k=1 weights=c
%s = add %c %x
%r = relu %s
output y = %r`,
			fused: `%g = globalpool %x
%c = conv %x %g %x out=4 k=1 weights=c gate=true before=[batchnorm{weights=b}] residual=true act=relu
output y = %c`,
		},
		{
			name: "residual",
			raw: `%c = conv %x out=4 k=3 p=1 weights=c
%b = batchnorm %c weights=b
%s = add %b %x
%r = relu %s
output y = %r`,
			fused: `%c = conv %x %x out=4 k=3 p=1 weights=c after=[batchnorm{weights=b}] residual=true act=relu
output y = %c`,
		},
		{
			name: "linear",
			raw: `%f = flatten %x
%b = batchnorm %f weights=b
%l = linear %b out=5 weights=l
%b2 = batchnorm %l weights=b2
%l2 = linear %b2 out=5 weights=l2
%s = add %l2 %l
%g = gelu %s
output y = %g
output l = %l`,
			fused: `%l = linear %x flatten=true out=5 weights=l before=[batchnorm{weights=b}]
%l2 = linear %l %l out=5 weights=l2 before=[batchnorm{weights=b2}] residual=true act=gelu
output y = %l2
output l = %l`,
		},
		{
			name: "linear after",
			raw: `%f = flatten %x
%l = linear %f out=5 bias=false weights=l
%b = batchnorm %l weights=b
%r = sigmoid %b
output y = %r`,
			fused: `%l = linear %x flatten=true out=5 bias=false weights=l after=[batchnorm{weights=b}] act=sigmoid
output y = %l`,
		},
		{
			name: "batch norm and sum",
			raw: `%b = batchnorm %x weights=b
%r = silu %b
%s = add %r %x %r
%t = tanh %s
output y = %t`,
			fused: `%b = batchnorm %x weights=b act=silu
%s = add %b %x %b act=tanh
output y = %s`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, fused := parse(t, input+c.raw), parse(t, input+c.fused)
			inputs := seededInputs(raw, 2)
			compare(t, run(t, raw, inputs, 2), run(t, fused, inputs, 2))
			if diff := cmp.Diff(keys(raw), keys(fused)); diff != "" {
				t.Errorf("checkpoint keys (-raw +fused):\n%s", diff)
			}
		})
	}
}

func keys(g *ir.Graph) map[string]bool {
	k := map[string]bool{}
	for _, p := range ir.Params(g) {
		k[fmt.Sprint(p)] = true
	}
	return k
}

// TestTrace sees each value once, in order, though memory is given back early,
// and inputs and weights stay as they are.
func TestTrace(t *testing.T) {
	g := parse(t, "graph g\n%x = input : [2]\n%a = relu %x\n%b = add %a %x\n%c = sigmoid %b\noutput x = %x\noutput y = %b\n")
	inputs := interp.Tensors{"x": {-1, 2}}
	var names []string
	out, err := interp.Run(g, seeded, inputs, 1, interp.Options{Trace: func(v *ir.Value, data []float64) {
		names = append(names, fmt.Sprint(v.Name, data))
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"x[-1 2]", "a[0 2]", "b[-1 4]", "c[0.2689414213699951 0.9820137900379085]"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("traced (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(interp.Tensors{"x": {-1, 2}, "y": {-1, 4}}, out); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	out["x"][0] = 7
	if inputs["x"][0] != -1 {
		t.Error("an output shares memory with an input")
	}
}

func TestRunErrors(t *testing.T) {
	const text = `graph g
%x = input : [3 2 2]
%v = input : [3]
%c = conv %x out=2 k=1 weights=c
%b = batchnorm %c weights=b
%n = layernorm %b weights=n
%s = scale %n weights=s dims=[2]
%f = linear %s out=2 flatten=true weights=f
output y = %f
output v = %v
`
	good := func() interp.Tensors { return interp.Tensors{"x": make([]float64, 12), "v": make([]float64, 3)} }
	lacking := func(key string) interp.Weights {
		return func(k string, shape []int) ([]float32, error) {
			if k == key {
				return nil, errors.New("no " + key)
			}
			return seeded(k, shape)
		}
	}
	for _, c := range []struct {
		name    string
		weights interp.Weights
		edit    func(in interp.Tensors)
		batch   int
		want    string
	}{
		{"batch", seeded, func(interp.Tensors) {}, 0, "batch is 0"},
		{"batch too large", seeded, func(interp.Tensors) {}, 1 << 30, "%x: a batch of 1073741824 of [3 2 2] is too large"},
		{"missing and unknown", seeded, func(in interp.Tensors) { delete(in, "x"); in["z"] = nil; in["a"] = nil }, 1,
			"input x is missing\nthe graph has no input named a, z"},
		{"length", seeded, func(in interp.Tensors) { in["v"] = nil }, 1, "input v has 0 elements; 1 of [3] have 3"},
		{"conv weight", lacking("c.weight"), func(interp.Tensors) {}, 1, "%c: no c.weight"},
		{"conv bias", lacking("c.bias"), func(interp.Tensors) {}, 1, "%c: no c.bias"},
		{"norm weight", lacking("b.weight"), func(interp.Tensors) {}, 1, "%b: no b.weight"},
		{"norm bias", lacking("b.bias"), func(interp.Tensors) {}, 1, "%b: no b.bias"},
		{"mean", lacking("b.running_mean"), func(interp.Tensors) {}, 1, "%b: no b.running_mean"},
		{"variance", lacking("b.running_var"), func(interp.Tensors) {}, 1, "%b: no b.running_var"},
		{"layer norm", lacking("n.bias"), func(interp.Tensors) {}, 1, "%n: no n.bias"},
		{"scale", lacking("s"), func(interp.Tensors) {}, 1, "%s: no s"},
		{"linear", lacking("f.weight"), func(interp.Tensors) {}, 1, "%f: no f.weight"},
		{"weight's length", func(string, []int) ([]float32, error) { return make([]float32, 5), nil }, func(interp.Tensors) {}, 1,
			"%c: c.weight has 5 elements, its shape [2 3 1 1] has 6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := good()
			c.edit(in)
			_, err := interp.Run(parse(t, text), c.weights, in, c.batch, interp.Options{})
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

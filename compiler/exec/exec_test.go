package exec_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/internal/graphtest"
	"github.com/cnnc-dev/cnnc/compiler/interp"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/passes"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/verify/verifytest"
	"github.com/cnnc-dev/cnnc/runtime"
)

// invented is a checkpoint of graphtest's weights with the keys of a graph.
type invented []ir.Param

func (ps invented) Keys() []string {
	var keys []string
	for _, p := range ps {
		keys = append(keys, p.Key)
	}
	return keys
}

func (ps invented) Shape(key string) ([]int, bool) {
	i := slices.IndexFunc(ps, func(p ir.Param) bool { return p.Key == key })
	if i < 0 {
		return nil, false
	}
	return ps[i].Shape, true
}

func (ps invented) Read(key string) ([]float32, error) {
	shape, _ := ps.Shape(key)
	return graphtest.Weights(key, shape)
}

// load compiles a graph, and does what does not pay on maps as small as these, too.
func load(t *testing.T, g *ir.Graph, opts compiler.Options) *exec.Model {
	t.Helper()
	r, err := compiler.FromGraph(g, opts)
	if err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(g))
	}
	p := r.Plan
	if !opts.NoPasses {
		g = r.Graph
		always := func(*ir.Value, *ir.Conv) bool { return true }
		for _, fuse := range []func(*ir.Graph) (*ir.Graph, error){passes.FuseGate(always), passes.FuseInput(always)} {
			if g, err = fuse(g); err != nil {
				t.Fatalf("%v\n%s", err, ir.Print(r.Graph))
			}
		}
		if p, err = plan.Lower(g, plan.Options{}); err != nil {
			t.Fatalf("%v\n%s", err, ir.Print(g))
		}
	}
	m, err := exec.Load(p, invented(p.Tensors))
	if err != nil {
		t.Fatalf("%v\n%s", err, plan.Print(p))
	}
	return m
}

// outputs allocates a batch of every output of a plan.
func outputs(p *plan.Plan, n int) [][]float32 {
	out := make([][]float32, len(p.Outputs))
	for i, o := range p.Outputs {
		out[i] = make([]float32, n*o.Shape.Elems())
	}
	return out
}

// inputs returns graphtest's inputs as float32.
func inputs(g *ir.Graph, n int) [][]float32 {
	var in [][]float32
	for _, v := range g.Inputs() {
		x := make([]float32, n*v.Shape.Elems())
		for i, f := range graphtest.Inputs(g, n)[v.Name] {
			x[i] = float32(f)
		}
		in = append(in, x)
	}
	return in
}

// run runs the images [from, to) of a batch.
func run(t *testing.T, s *exec.Session, p *plan.Plan, in [][]float32, from, to int) [][]float32 {
	t.Helper()
	var part [][]float32
	for i, port := range p.Inputs {
		part = append(part, in[i][from*port.Shape.Elems():to*port.Shape.Elems()])
	}
	out := outputs(p, to-from)
	if err := s.Forward(out, part, to-from); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRandom runs random graphs, with and without passes, against the
// interpreter, every value on the way included; and checks that neither threads
// nor the batch change a bit.
func TestRandom(t *testing.T) {
	const batch = 3
	for seed := range uint64(150) {
		g := ir.Compact(graphtest.Random(seed))
		want := map[string][]float64{}
		out, err := interp.Run(g, graphtest.Weights, graphtest.Inputs(g, batch), batch, interp.Options{
			Trace: func(v *ir.Value, data []float64) { want[v.Name] = slices.Clone(data) },
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		in := inputs(g, batch)

		for _, opts := range []compiler.Options{{}, {NoPasses: true}} {
			m := load(t, g, opts)
			p := m.Plan()
			s := m.NewSession(runtime.Batch(batch), runtime.Threads(1))
			s.After = func(step int) {
				for _, at := range p.Values {
					if opts.NoPasses && at.Ready == step {
						data := make([]float32, batch*at.Shape.Elems())
						s.Read(data, at)
						compare(t, at.Name, data, want[at.Name])
					}
				}
			}
			got := run(t, s, p, in, 0, batch)
			for i, o := range p.Outputs {
				compare(t, "output "+o.Name, got[i], out[o.Name])
			}
			s.After = nil

			two := m.NewSession(runtime.Batch(batch+1), runtime.Threads(2))
			same(t, "two threads", run(t, two, p, in, 0, batch), got)
			two.Close()
			for k := range batch {
				one := run(t, s, p, in, k, k+1)
				for i, o := range p.Outputs {
					n := o.Shape.Elems()
					same(t, "one image", one[i:i+1], [][]float32{got[i][k*n : (k+1)*n]})
				}
			}
			s.Close()
			if t.Failed() {
				t.Fatalf("seed %d, %+v\n%s\n%s", seed, opts, ir.Print(g), plan.Print(p))
			}
		}
	}
}

// compare checks float32 against float64 arithmetic. A random graph may amplify
// rounding, so the bound is loose; a mistake is of the size of the values.
func compare(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	scale := 1.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= 2e-4*scale) {
			t.Errorf("%s: [%d] = %g, want %g", what, i, got[i], w)
			return
		}
	}
}

func same(t *testing.T, what string, got, want [][]float32) {
	t.Helper()
	for i := range want {
		for k := range want[i] {
			if math.Float32bits(got[i][k]) != math.Float32bits(want[i][k]) {
				t.Errorf("%s: output %d [%d] = %g, want the bits of %g", what, i, k, got[i][k], want[i][k])
				return
			}
		}
	}
}

const small = `graph small
  %image = input : [3 8 8]
  %conv = conv %image out=8 k=3 p=1 weights=conv : [8 8 8]
  %relu = relu %conv : [8 8 8]
  %sum = add %relu %conv : [8 8 8]
  %pool = globalpool %sum : [8 1 1]
  %flat = flatten %pool : [8]
  %fc = linear %flat out=5 weights=fc : [5]
  output logits = %fc
  output features = %sum
`

func parse(t *testing.T) *ir.Graph {
	t.Helper()
	g, err := ir.Parse(small)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestForwardErrors(t *testing.T) {
	m := load(t, parse(t), compiler.Options{})
	s := m.NewSession(runtime.Batch(2), runtime.Threads(1))
	defer s.Close()
	img, logits, features := make([]float32, 192), make([]float32, 5), make([]float32, 512)
	tests := []struct {
		name     string
		dst, src [][]float32
		n        int
		want     string
	}{
		{"fine", [][]float32{logits, features}, [][]float32{img}, 1, ""},
		{"no images", [][]float32{logits, features}, [][]float32{img}, 0, "0 images in a session for 1 to 2"},
		{"too many images", [][]float32{logits, features}, [][]float32{img}, 3, "3 images in a session for 1 to 2"},
		{"no input", [][]float32{logits, features}, nil, 1, "0 inputs, the network has 1"},
		{"an output too few", [][]float32{logits}, [][]float32{img}, 1, "1 outputs, the network has 2"},
		{"short input", [][]float32{logits, features}, [][]float32{img[:10]}, 1, "input image has 10 floats, want 192"},
		{"long output", [][]float32{logits, features}, [][]float32{append(img, img...)}, 2, "output logits has 5 floats, want 5 for each of 2 images"},
	}
	for _, tt := range tests {
		got := ""
		if err := s.Forward(tt.dst, tt.src, tt.n); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: error is %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestChain runs convolutions depth first and one after the other: the bits are the same.
func TestChain(t *testing.T) {
	const batch = 2
	g, err := ir.Parse(`graph chain
  %x = input : [24 56 56]
  %expand = conv %x out=144 k=1 bias=false weights=expand after=[batchnorm{weights=bn}] act=silu : [144 56 56]
  %dw = conv %expand out=144 k=3 p=1 groups=144 weights=dw act=relu6 : [144 56 56]
  %project = conv %dw %x out=24 k=1 weights=project residual=true : [24 56 56]
  output y = %project
`)
	if err != nil {
		t.Fatal(err)
	}
	var results [][]float32
	for _, opts := range []plan.Options{{NoChains: true}, {}} {
		p, err := plan.Lower(g, opts)
		if err != nil {
			t.Fatal(err)
		}
		if steps := len(p.Steps); steps == 1 == opts.NoChains {
			t.Fatalf("%+v: %d steps", opts, steps)
		}
		m, err := exec.Load(p, invented(p.Tensors))
		if err != nil {
			t.Fatal(err)
		}
		for _, threads := range []int{1, 2, 3} {
			s := m.NewSession(runtime.Threads(threads), runtime.Batch(batch))
			in, out := inputs(g, batch), outputs(p, batch)
			allocs := verifytest.Allocs(func() {
				if err := s.Forward(out, in, batch); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Errorf("%+v, %d threads: Forward allocates %v times", opts, threads, allocs)
			}
			s.Close()
			if results = append(results, out[0]); !slices.Equal(out[0], results[0]) {
				t.Errorf("%+v, %d threads: other bits", opts, threads)
			}
		}
	}
}

func TestLoadErrors(t *testing.T) {
	r, err := compiler.FromGraph(parse(t), compiler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tensors := slices.Clone(invented(r.Plan.Tensors))
	tensors[0].Key = "other"
	_, err = exec.Load(r.Plan, tensors)
	if err == nil || !strings.Contains(err.Error(), "conv.weight") || !strings.Contains(err.Error(), "other") {
		t.Errorf("error is %v, want one that names conv.weight and other", err)
	}
	r.Plan.Steps[0].Op = 7
	if _, err = exec.Load(r.Plan, invented(r.Plan.Tensors)); err == nil || !strings.Contains(err.Error(), "internal error: step conv") {
		t.Errorf("error is %v, want an internal one", err)
	}
}

// TestHook checks when After is called and that steps can be timed between calls.
func TestHook(t *testing.T) {
	g := parse(t)
	m := load(t, g, compiler.Options{})
	s := m.NewSession(runtime.Threads(1))
	defer s.Close()
	var seen []int
	s.After = func(step int) { seen = append(seen, step) }
	run(t, s, m.Plan(), inputs(g, 1), 0, 1)
	want := []int{}
	for i := range len(m.Plan().Steps) + 2 {
		want = append(want, i-1)
	}
	if !slices.Equal(seen, want) {
		t.Errorf("After was called with %v, want %v", seen, want)
	}
}

func TestForwardAllocatesNothing(t *testing.T) {
	g := parse(t)
	m := load(t, g, compiler.Options{})
	for _, threads := range []int{1, 2} {
		s := m.NewSession(runtime.Threads(threads))
		in, out := inputs(g, 1), outputs(m.Plan(), 1)
		n := verifytest.Allocs(func() {
			if err := s.Forward(out, in, 1); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%d threads: Forward allocates %v times", threads, n)
		}
		s.Close()
	}
}

package verify_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/specs"
)

// nets returns the names of the references in testdata.
func nets(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no references: %v", err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	return names
}

// tolerance returns what is claimed of a net's output, as an absolute error; 0 for
// verify's own default.
func tolerance(name string) float64 {
	if name == "resnext50_32x4d" {
		return 2e-5
	}
	return 0
}

// reference reads testdata/NAME.json.
func reference(t testing.TB, name string) *verify.Reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := verify.ParseReference(data)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// compile compiles a net of the library.
func compile(t testing.TB, name string, opts compiler.Options) *compiler.Result {
	t.Helper()
	net, ok := specs.Find(name)
	if !ok {
		t.Fatalf("no net %s", name)
	}
	r, diags := compiler.Compile(&elaborate.Loader{Library: specs.FS()}, net.File, net.Name, opts)
	for _, d := range diags {
		t.Error(d)
	}
	if r == nil {
		t.FailNow()
	}
	return r
}

// TestNets verifies every net that testdata has a reference of, layer by layer.
func TestNets(t *testing.T) {
	for _, name := range nets(t) {
		t.Run(name, func(t *testing.T) {
			ref := reference(t, name)
			p := compile(t, name, compiler.Options{}).Plan
			layered := compile(t, name, compiler.Options{NoPasses: true}).Plan
			r, err := verify.Run(ref, p, layered, verify.Options{Tolerance: tolerance(name)})
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for _, l := range r.Layers {
				worst = max(worst, l.Relative)
			}
			t.Logf("output %.2g of %.2g, %d layers to %.2g", r.Output.MaxError, r.Output.Tolerance, len(r.Layers), worst)
			if !r.OK {
				text, _ := json.MarshalIndent(r, "", "\t")
				t.Errorf("%s", text)
			}
			if len(r.Unmatched) > len(r.Layers) {
				t.Errorf("only %d layers compared, unmatched %v", len(r.Layers), r.Unmatched)
			}
			if over := float64(p.Arena)/float64(p.LowerBound) - 1; over > 0.1 {
				t.Errorf("arena is %.1f%% above its lower bound", 100*over)
			}
		})
	}
}

// TestISAs runs TestNets on every set of kernels this machine has: CNNC_CPU is
// read when a program starts, so each gets a process.
func TestISAs(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: plain Go needs seconds for ResNeXt-50")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, isa := range []string{"generic", "avx2", "avx512"} {
		t.Run(isa, func(t *testing.T) {
			cmd := osexec.Command(self, "-test.run=^TestNets$", "-test.v")
			cmd.Env = append(os.Environ(), "CNNC_CPU="+isa)
			out, err := cmd.CombinedOutput()
			if err != nil && strings.Contains(string(out), "this machine has") {
				t.Skipf("%s is not available", isa)
			}
			if err != nil || strings.Count(string(out), "--- PASS: TestNets/") != len(nets(t)) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestSameBits checks that neither the number of threads nor the batch changes a
// bit of what a net computes.
func TestSameBits(t *testing.T) {
	for _, name := range nets(t) {
		t.Run(name, func(t *testing.T) {
			p := compile(t, name, compiler.Options{}).Plan
			m, err := exec.Load(p, verify.Weights(reference(t, name)))
			if err != nil {
				t.Fatal(err)
			}
			const batch = 3
			in := p.Inputs[0].Shape
			images := verify.Picture("batch", batch, in[0], in[1], in[2])
			want := forward(t, m, images, batch, runtime.Batch(batch), runtime.Threads(1))
			same(t, "two threads", forward(t, m, images, batch, runtime.Batch(batch), runtime.Threads(2)), want)
			same(t, "a larger session", forward(t, m, images, batch, runtime.Batch(batch+1), runtime.Threads(1)), want)
			var alone []float32
			for i := range batch {
				alone = append(alone, forward(t, m, images[i*in.Elems():(i+1)*in.Elems()], 1, runtime.Threads(1))...)
			}
			same(t, "one by one", alone, want)
		})
	}
}

func forward(t *testing.T, m *exec.Model, images []float32, n int, opts ...runtime.Option) []float32 {
	t.Helper()
	s := m.NewSession(opts...)
	defer s.Close()
	out := make([]float32, n*m.Plan().Outputs[0].Shape.Elems())
	if err := s.Forward([][]float32{out}, [][]float32{images}, n); err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Errorf("%s: [%d] = %v, want the bits of %v", what, i, got[i], want[i])
			return
		}
	}
}

// TestDifferences spoils LeNet-5 and reads where the report says it differs.
func TestDifferences(t *testing.T) {
	ref := reference(t, "lenet5")
	good := ir.Print(compile(t, "lenet5", compiler.Options{}).Elaborated)
	tests := []struct {
		name  string
		spoil func(string) string
		check func(*verify.Report) string // what is wrong with the report
	}{
		{
			"activation",
			func(s string) string { return replace(t, s, " = sigmoid %s2 ", " = tanh %s2 ") },
			func(r *verify.Report) string {
				if r.OK || r.Output.OK || r.FirstDifference != "c3.0" {
					return fmt.Sprintf("first difference is %q", r.FirstDifference)
				}
				return ""
			},
		},
		{
			"shape of a layer",
			func(s string) string {
				s = replace(t, s, "%f6 = linear %flatten out=84", "%f6 = linear %flatten out=85")
				return strings.ReplaceAll(s, "[84]", "[85]")
			},
			func(r *verify.Report) string {
				if r.OK || r.Output != nil || len(r.Tensors.Misshapen) != 3 || r.Params.Got == r.Params.Want || r.MACs.Got == r.MACs.Want {
					return fmt.Sprintf("%+v", r)
				}
				return ""
			},
		},
		{
			"key",
			func(s string) string { return strings.ReplaceAll(s, "weights=c5", "weights=c_5") },
			func(r *verify.Report) string {
				miss, extra := strings.Join(r.Tensors.Missing, " "), strings.Join(r.Tensors.Unexpected, " ")
				if r.OK || r.Output != nil || miss != "c_5.weight c_5.bias" || extra != "c5.weight c5.bias" {
					return fmt.Sprintf("%+v", r.Tensors)
				}
				return ""
			},
		},
		{
			"name",
			func(s string) string { return strings.ReplaceAll(s, "%c5 ", "%other ") },
			func(r *verify.Report) string {
				if !r.OK || strings.Join(r.Unmatched, " ") != "c5" {
					return fmt.Sprintf("unmatched %v", r.Unmatched)
				}
				return ""
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, err := ir.Parse(tt.spoil(good))
			if err != nil {
				t.Fatal(err)
			}
			r, err := verify.Run(ref, lower(t, g, false), lower(t, g, true), verify.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if complaint := tt.check(r); complaint != "" {
				t.Error(complaint)
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		})
	}
}

func lower(t *testing.T, g *ir.Graph, noPasses bool) *plan.Plan {
	t.Helper()
	r, err := compiler.FromGraph(g, compiler.Options{NoPasses: noPasses})
	if err != nil {
		t.Fatal(err)
	}
	return r.Plan
}

func replace(t *testing.T, s, old, new string) string {
	t.Helper()
	if !strings.Contains(s, old) {
		t.Fatalf("%q does not occur in\n%s", old, s)
	}
	return strings.Replace(s, old, new, 1)
}

// TestNotANumber feeds weights that overflow: the report says so, in JSON.
func TestNotANumber(t *testing.T) {
	ref := reference(t, "lenet5")
	for i := range ref.Tensors {
		if ref.Tensors[i].Key == "output.weight" {
			ref.Tensors[i].Lo, ref.Tensors[i].Hi = 3e38, 3e38
		}
	}
	p := compile(t, "lenet5", compiler.Options{}).Plan
	r, err := verify.Run(ref, p, compile(t, "lenet5", compiler.Options{NoPasses: true}).Plan, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.OK || r.Output.OK || r.Output.MaxError != -1 || r.FirstDifference != "output" {
		t.Errorf("%+v", r)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

// TestOtherInput compares a net with a reference of another resolution.
func TestOtherInput(t *testing.T) {
	p := compile(t, "lenet5", compiler.Options{}).Plan
	ref := reference(t, "lenet5")
	ref.Input.Shape = []int{1, 1, 28, 28}
	r, err := verify.Run(ref, p, nil, verify.Options{})
	if err != nil || r.OK || r.Input != "the network takes [1 32 32], the reference [1 28 28]" {
		t.Errorf("%+v, %v", r, err)
	}
	ref = reference(t, "lenet5")
	ref.Output = ref.Output[1:]
	r, err = verify.Run(ref, p, nil, verify.Options{})
	if err != nil || r.OK || r.Input != "the network returns [10] for each of 1 images, the reference 9 values" {
		t.Errorf("%+v, %v", r, err)
	}
}

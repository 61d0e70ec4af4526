package verify_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/interp"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/compiler/verify/verifytest"
	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/specs"
)

// TestReferences verifies every network that there is a reference of, layer by
// layer, under each instruction set. Plain Go is slow: there, outputs are enough,
// and the networks that have a package leave them to its test.
func TestReferences(t *testing.T) {
	verifytest.EachISA(t, func(t *testing.T) {
		for _, name := range verifytest.References(t) {
			t.Run(name, func(t *testing.T) {
				ref := verifytest.Reference(t, name)
				verifytest.SkipSlow(t, ref.Params, ref.MACs)
				plain := os.Getenv("CNNC_CPU") == "generic"
				if _, err := os.Stat("../../generated/" + name); plain && err == nil {
					t.Skipf("the test of generated/%s runs it in plain Go", name)
				}
				var opts compiler.Options
				if name != ref.Name { // NAME-PIXELS, and another number of classes
					opts.Overrides = overrides(fmt.Sprintf("pixels=%d classes=%d", ref.Input.Shape[3], len(ref.Output)/ref.Input.Shape[0]))
				}
				p := verifytest.Compile(t, ref.Name, opts).Plan
				var layered *plan.Plan
				if !plain {
					opts.NoPasses = true
					layered = verifytest.Compile(t, ref.Name, opts).Plan
				}
				r, err := verify.Run(ref, p, layered, verify.Options{Tolerance: verifytest.Tolerance(ref)})
				if err != nil {
					t.Fatal(err)
				}
				check(t, ref, r)
				if over := float64(p.Arena)/float64(p.LowerBound) - 1; over > 0.1 {
					t.Errorf("arena is %.1f%% above its lower bound", 100*over)
				}
			})
		}
	})
}

// TestExamples verifies those of examples/ that have a reference.
func TestExamples(t *testing.T) {
	verifytest.EachISA(t, func(t *testing.T) {
		paths, err := filepath.Glob("../../examples/testdata/*.json")
		if err != nil || len(paths) == 0 {
			t.Fatal("no references", err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := verify.ParseReference(data)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(ref.Name, func(t *testing.T) {
				verifytest.SkipSlow(t, ref.Params, ref.MACs)
				file := exampleOf(t, ref.Name)
				example := func(opts compiler.Options) *plan.Plan {
					l := &elaborate.Loader{Library: specs.FS(), Read: os.ReadFile}
					r, diags := compiler.Compile(l, file, ref.Name, opts)
					if len(diags) > 0 {
						t.Fatal(diags)
					}
					return r.Plan
				}
				var layered *plan.Plan
				if os.Getenv("CNNC_CPU") != "generic" {
					layered = example(compiler.Options{NoPasses: true})
				}
				r, err := verify.Run(ref, example(compiler.Options{}), layered, verify.Options{})
				if err != nil {
					t.Fatal(err)
				}
				check(t, ref, r)
			})
		}
	})
}

// exampleOf returns the file of examples/ that declares net.
func exampleOf(t *testing.T, net string) string {
	files, err := filepath.Glob("../../examples/*.cnn")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		nets, _ := elaborate.Nets(&elaborate.Loader{Library: specs.FS(), Read: os.ReadFile}, file)
		if slices.ContainsFunc(nets, func(n elaborate.NetInfo) bool { return n.Name == net }) {
			return file
		}
	}
	t.Fatalf("no example has the net %s", net)
	return ""
}

// TestNoWinograd verifies a network of 3x3 convolutions without Winograd's algorithm,
// which its plan has otherwise.
func TestNoWinograd(t *testing.T) {
	ref := verifytest.Reference(t, "resnet18")
	if !verifytest.Compile(t, ref.Name, compiler.Options{}).Plan.UsesWinograd() {
		t.Error("the usual plan has no convolution by Winograd")
	}
	p := verifytest.Compile(t, ref.Name, compiler.Options{NoWinograd: true}).Plan
	if p.UsesWinograd() {
		t.Error("NoWinograd leaves a convolution to Winograd")
	}
	r, err := verify.Run(ref, p, nil, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, ref, r)
	if want := verify.TimesNoise * ref.Noise; r.Output.Tolerance != want {
		t.Errorf("tolerance %v, want %v", r.Output.Tolerance, want)
	}
}

// check complains of a report that is not as it should be.
func check(t *testing.T, ref *verify.Reference, r *verify.Report) {
	if !r.OK {
		text, _ := json.MarshalIndent(r, "", "\t")
		t.Fatalf("%s", text)
	}
	worst := 0.0
	for _, l := range r.Layers {
		worst = max(worst, l.Relative)
	}
	t.Logf("output %.2g of %.2g, %d layers to %.2g", r.Output.MaxError, r.Output.Tolerance, len(r.Layers), worst)
	for _, name := range r.Unmatched {
		for _, tensor := range ref.Tensors {
			if strings.HasPrefix(tensor.Key, name+".") {
				t.Errorf("no layer is called %s, which owns %s", name, tensor.Key)
			}
		}
	}
}

// TestSizes runs networks of every family for pictures of other sizes, odd ones,
// with other numbers of classes, widths and whatever else their parameters change:
// batches of 1, 3 and 8 give the same bits, which are close to what the
// interpreter makes of the elaborated graph.
func TestSizes(t *testing.T) {
	tests := []struct{ net, set string }{
		{"lenet5", "pixels=28"},
		{"lenet5_dense", "classes=26 pixels=45"},
		{"alexnet", "classes=7 pixels=131"},
		{"alexnet_2012", "classes=7 pixels=131"},
		{"vgg11_bn", "classes=5 pixels=70"},
		{"googlenet", "classes=10 pixels=111 transform_input=true"},
		{"googlenet_2014", "classes=10 pixels=111"},
		{"inception_v3", "classes=11 pixels=113"},
		{"resnet18", "classes=2 pixels=97"},
		{"resnet50", "classes=12 pixels=75 stride_first=true"},
		{"resnext50", "classes=13 pixels=65 groups=16 width=8"},
		{"xception", "classes=6 pixels=95 pointwise_first=true"},
		{"mobilenet_v1", "classes=3 alpha=0.25 rho=4/7"},
		{"mobilenet_v2", "classes=4 alpha=0.35 pixels=99"},
		{"mobilenet_v3_small", "classes=17 alpha=0.75 pixels=77"},
		{"densenet121", "classes=9 growth=12 pixels=72"},
		{"efficientnet", "classes=8 phi=0.5 pixels=63"},
		{"efficientnet_v2_s", "classes=14 pixels=61"},
		{"convnext_tiny", "classes=15 kernel=5 pixels=68"},
		{"roadmap_one_norm", "classes=16 pixels=66"},
	}
	const n = 8 // pictures
	verifytest.EachISA(t, func(t *testing.T) {
		for _, tt := range tests {
			t.Run(tt.net+" "+tt.set, func(t *testing.T) {
				r := verifytest.Compile(t, tt.net, compiler.Options{Overrides: overrides(tt.set)})
				verifytest.SkipSlow(t, r.Plan.Params, n*r.Plan.MACs)
				in := r.Plan.Inputs[0].Shape
				images := verify.Picture("sizes", n, in[0], in[1], in[2])
				weights, want := truth(t, r.Elaborated, images[:in.Elems()])
				m, err := exec.Load(r.Plan, weights)
				if err != nil {
					t.Fatal(err)
				}
				got := forward(t, m, images, n, 2)
				three := forward(t, m, images[:3*in.Elems()], 3, 2)
				verifytest.SameBits(t, "three pictures and among eight", three, got[:3*len(want)])
				last := forward(t, m, images[(n-1)*in.Elems():], 1, 1)
				verifytest.SameBits(t, "one picture on one thread and among eight", last, got[(n-1)*len(want):])
				// Outputs are about one, and another picture changes them by so much.
				verifytest.Within(t, "output", got[:len(want)], want, 1e-3*min(1, distance(got[len(want):][:len(want)], want)))
			})
		}
	})
}

// forward runs n images in one session.
func forward(t *testing.T, m *exec.Model, images []float32, n, threads int) []float32 {
	t.Helper()
	s := m.NewSession(runtime.Batch(n), runtime.Threads(threads))
	defer s.Close()
	out := make([]float32, n*m.Plan().Outputs[0].Shape.Elems())
	if err := s.Forward([][]float32{out}, [][]float32{images}, n); err != nil {
		t.Fatal(err)
	}
	return out
}

// truth invents weights for a graph and returns them with what the graph makes of
// an image in float64.
func truth(t *testing.T, g *ir.Graph, image []float32) (runtime.Tensors, []float64) {
	t.Helper()
	w := verify.Random(g)
	read := func(key string, _ []int) ([]float32, error) { return w.Read(key) }
	out, err := interp.Run(g, read, interp.Tensors{g.Inputs()[0].Name: wide(image)}, 1, interp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w, out[g.Outputs[0].Name]
}

// distance is the root mean square of the differences.
func distance(a []float32, b []float64) float64 {
	sum := 0.0
	for i := range b {
		d := float64(a[i]) - b[i]
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(b)))
}

// overrides reads "name=value name=value".
func overrides(set string) []elaborate.Override {
	var all []elaborate.Override
	for s := range strings.FieldsSeq(set) {
		name, value, _ := strings.Cut(s, "=")
		all = append(all, elaborate.Override{Name: name, Value: value})
	}
	return all
}

package onnx_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
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
	"github.com/cnnc-dev/cnnc/compiler/internal/graphtest"
	"github.com/cnnc-dev/cnnc/compiler/interp"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/onnx"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/specs"
)

// These tests run models in ONNX Runtime, and need a Python for it: see the
// Makefile's target onnx.
var (
	python = flag.String("python", "", "a Python that has the packages of testdata/requirements.txt")
	nets   = flag.String("nets", "lenet5,alexnet,alexnet_2012,vgg11_bn,googlenet,googlenet_2014,inception_v3,resnet50,resnext50_32x4d,xception,"+
		"mobilenetv1_100,mobilenet_v2,mobilenet_v3_large,densenet121,efficientnet_b0,efficientnet_v2_s,convnext_tiny",
		"networks to compare, separated by commas, or all")
)

// tolerance is how far ONNX Runtime's values may be from ours, in units of the
// largest of them: both add up float32.
const tolerance = 2e-5

// batch is more than one, so that the batch axis is seen to work.
const batch = 2

// witnessed is a model for testdata/witness.py, which describes these fields.
type witnessed struct {
	Model   string   `json:"model"`
	Inputs  []tensor `json:"inputs"`
	Outputs []tensor `json:"outputs"`
}

type tensor struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	File  string `json:"file"`
}

type testimony struct {
	Error   string `json:"error"`
	Outputs []struct {
		Name     string  `json:"name"`
		MaxError float64 `json:"max_error"`
		MaxValue float64 `json:"max_value"`
	} `json:"outputs"`
}

// newCase writes g's model and the tensors into a folder.
func newCase(t *testing.T, dir string, g *ir.Graph, w runtime.Tensors, inputs, outputs map[string][]float32) witnessed {
	t.Helper()
	data, err := onnx.Export(g, w)
	if err != nil {
		t.Fatal(err)
	}
	c := witnessed{Model: write(t, dir, "model.onnx", data)}
	for _, v := range g.Inputs() {
		c.Inputs = append(c.Inputs, newTensor(t, dir, "in_"+v.Name, v, inputs[v.Name]))
	}
	for _, o := range g.Outputs {
		out := newTensor(t, dir, "out_"+o.Name, g.Value(o.Value), outputs[o.Name])
		out.Name = o.Name
		c.Outputs = append(c.Outputs, out)
	}
	return c
}

func newTensor(t *testing.T, dir, file string, v *ir.Value, data []float32) tensor {
	t.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, data); err != nil {
		t.Fatal(err)
	}
	return tensor{Name: v.Name, Shape: append([]int{batch}, v.Shape...), File: write(t, dir, file, b.Bytes())}
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// witness checks cases, names of which are for messages.
func witness(t *testing.T, names []string, cases []witnessed) {
	t.Helper()
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(*python, filepath.Join("testdata", "witness.py"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []testimony
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(cases) {
		t.Fatalf("%d answers to %d cases: %v\n%s", len(answers), len(cases), err, out)
	}
	for i, a := range answers {
		if a.Error != "" {
			t.Errorf("%s: %s", names[i], a.Error)
		}
		for _, o := range a.Outputs {
			what := fmt.Sprintf("%s, output %s: largest error %.2g of values up to %.3g", names[i], o.Name, o.MaxError, o.MaxValue)
			if o.MaxError > tolerance*max(1, o.MaxValue) {
				t.Error(what)
			} else if len(cases) < 5 {
				t.Log(what)
			}
		}
	}
}

// needPython skips a test that nobody has given a Python to.
func needPython(t *testing.T) {
	t.Helper()
	if *python == "" {
		t.Skip("needs ONNX Runtime: make onnx installs it and runs this test")
	}
}

// TestWitnessOps runs every operation, corners and random graphs in ONNX
// Runtime, in all states in which a graph may be exported, against the
// interpreter.
func TestWitnessOps(t *testing.T) {
	needPython(t)
	graphs := []*ir.Graph{readGraph(t, "../ir/testdata/ops.ir"), readGraph(t, "../ir/testdata/fused.ir"), readGraph(t, "testdata/corners.ir")}
	for i, g := range graphs {
		graphs[i] = everything(g)
	}
	for seed := range uint64(100) {
		graphs = append(graphs, ir.Compact(graphtest.Random(seed)))
	}
	var names []string
	var cases []witnessed
	for _, g := range graphs {
		in := graphtest.Inputs(g, batch)
		want, err := interp.Run(g, graphtest.Weights, in, batch, interp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		inputs, outputs := narrow(in), narrow(want)
		for _, s := range states {
			names = append(names, g.Name+" "+s.name)
			cases = append(cases, newCase(t, t.TempDir(), s.of(t, g), weightsOf(g), inputs, outputs))
		}
	}
	witness(t, names, cases)
}

// A state is how far a graph has come through the passes.
type state struct{ name, last string }

// states begin with the two of cnnc export onnx, the second with --fold.
var states = []state{{"unfolded", "drop-identities"}, {"folded", "fold-batchnorm-forward"}, {"fused", "dce"}, {"as it is", ""}}

func (s state) of(t *testing.T, g *ir.Graph) *ir.Graph {
	t.Helper()
	if s.last == "" {
		return g
	}
	r, err := compiler.FromGraph(g, compiler.Options{StopAfter: s.last})
	if err != nil {
		t.Fatal(err)
	}
	return r.Graph
}

// TestWitnessNets runs networks in ONNX Runtime, folded and not, against exec.
func TestWitnessNets(t *testing.T) {
	needPython(t)
	list := strings.Split(*nets, ",")
	if *nets == "all" {
		list = nil
		for _, n := range specs.Nets() {
			list = append(list, n.Name)
		}
	}
	for _, name := range list {
		t.Run(name, func(t *testing.T) {
			net, ok := specs.Find(name)
			if !ok {
				t.Fatal("no such net")
			}
			r, diags := compiler.Compile(&elaborate.Loader{Library: specs.FS()}, net.File, net.Name, compiler.Options{})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			w := verify.Random(r.Elaborated)
			m, err := exec.Load(r.Plan, w)
			if err != nil {
				t.Fatal(err)
			}
			inputs, outputs := forward(t, m)
			for name, data := range outputs {
				if d := distance(data[:len(data)/2], data[len(data)/2:]); d < 10*tolerance {
					t.Fatalf("two pictures change output %s by no more than %.2g", name, d)
				}
			}
			// One after the other: a model may have half a gigabyte.
			for _, s := range states[:2] {
				dir := t.TempDir()
				c := newCase(t, dir, s.of(t, r.Elaborated), w, inputs, outputs)
				witness(t, []string{name + " " + s.name}, []witnessed{c})
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func narrow(tensors interp.Tensors) map[string][]float32 {
	out := map[string][]float32{}
	for name, data := range tensors {
		for _, x := range data {
			out[name] = append(out[name], float32(x))
		}
	}
	return out
}

// forward runs a model on pictures.
func forward(t *testing.T, m *exec.Model) (inputs, outputs map[string][]float32) {
	t.Helper()
	inputs, outputs = map[string][]float32{}, map[string][]float32{}
	var src, dst [][]float32
	for _, in := range m.Plan().Inputs {
		data := verify.Picture(in.Name, batch, in.Shape.Channels(), in.Shape.Height(), in.Shape.Width())
		inputs[in.Name], src = data, append(src, data)
	}
	for _, out := range m.Plan().Outputs {
		data := make([]float32, batch*out.Shape.Elems())
		outputs[out.Name], dst = data, append(dst, data)
	}
	s := m.NewSession(runtime.Batch(batch))
	defer s.Close()
	if err := s.Forward(dst, src, batch); err != nil {
		t.Fatal(err)
	}
	return inputs, outputs
}

// distance returns the largest difference, in units of the largest value.
func distance(a, b []float32) float64 {
	var difference, largest float64
	for i := range a {
		difference = max(difference, math.Abs(float64(a[i])-float64(b[i])))
		largest = max(largest, math.Abs(float64(a[i])))
	}
	return difference / largest
}

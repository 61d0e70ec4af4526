package onnx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/cnnc-dev/cnnc/compiler/internal/graphtest"
	"github.com/cnnc-dev/cnnc/compiler/interp"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/onnx"
	"github.com/cnnc-dev/cnnc/compiler/onnx/internal/pb"
	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

func readGraph(t *testing.T, path string) *ir.Graph {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

func parse(t *testing.T, text string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// everything returns g with all its values as outputs, beside those it has.
func everything(g *ir.Graph) *ir.Graph {
	all := *g
	all.Outputs = slices.Clone(g.Outputs)
	for _, v := range g.Values {
		all.Outputs = append(all.Outputs, ir.Output{Name: "value." + v.Name, Value: v.ID})
	}
	return &all
}

// weightsOf returns a checkpoint for g.
func weightsOf(g *ir.Graph) weights.Map {
	m := weights.Map{}
	for _, p := range ir.Params(g) {
		data, _ := graphtest.Weights(p.Key, p.Shape)
		m[p.Key] = weights.Tensor{Shape: p.Shape, Data: data}
	}
	return m
}

func export(t *testing.T, g *ir.Graph, w runtime.Tensors) *pb.ModelProto {
	t.Helper()
	data, err := onnx.Export(g, w)
	if err != nil {
		t.Fatal(err)
	}
	var m pb.ModelProto
	if err := proto.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return &m
}

// TestNames holds models to what readers of ONNX count on: tensors are made
// once, and before they are read; names are different. And to what Export says
// of them: inputs, outputs, nodes and initializers have the names of the graph
// and the checkpoint.
func TestNames(t *testing.T) {
	graphs := []*ir.Graph{readGraph(t, "../ir/testdata/ops.ir"), readGraph(t, "testdata/corners.ir")}
	for seed := range uint64(50) {
		graphs = append(graphs, ir.Compact(graphtest.Random(seed)))
	}
	for _, g := range graphs {
		t.Run(g.Name, func(t *testing.T) {
			graph := export(t, g, weightsOf(g)).Graph
			tensors, nodes := map[string]bool{}, map[string]bool{}
			define := func(kind string, names map[string]bool, name string) {
				if names[name] || name == "" {
					t.Errorf("there are two %s %q", kind, name)
				}
				names[name] = true
			}
			for _, in := range graph.Input {
				define("tensors", tensors, in.GetName())
			}
			initializers := map[string]bool{}
			for _, i := range graph.Initializer {
				define("tensors", tensors, i.GetName())
				initializers[i.GetName()] = true
			}
			for _, n := range graph.Node {
				define("nodes", nodes, n.GetName())
				for _, in := range n.Input {
					if in != "" && !tensors[in] { // "" is an input that is left out
						t.Errorf("node %s reads %s, which nothing has made yet", n.GetName(), in)
					}
				}
				for _, out := range n.Output {
					define("tensors", tensors, out)
				}
			}
			for _, v := range g.Values {
				if v.Op != ir.OpInput && !nodes[v.Name] {
					t.Errorf("no node is named %s", v.Name)
				}
			}
			for i, o := range g.Outputs {
				if name := graph.Output[i].GetName(); name != o.Name || !tensors[name] {
					t.Errorf("output %d is named %s, not %s; it exists: %v", i, name, o.Name, tensors[name])
				}
			}
			for i, v := range g.Inputs() {
				if name := graph.Input[i].GetName(); name != v.Name {
					t.Errorf("input %d is named %s, not %s", i, name, v.Name)
				}
			}
			for _, p := range ir.Params(g) {
				// Corners have keys that clash, and some that are folded into others.
				if !initializers[p.Key] && g.Name != "corners" {
					t.Errorf("no initializer is named %s", p.Key)
				}
			}
		})
	}
}

// TestDeterminism exports twice.
func TestDeterminism(t *testing.T) {
	g := readGraph(t, "testdata/corners.ir")
	a, errA := onnx.Export(g, weightsOf(g))
	b, errB := onnx.Export(g, weightsOf(g))
	if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a, b) {
		t.Errorf("two exports are equal: %v; %v", bytes.Equal(a, b), err)
	}
}

// unreadable is a checkpoint whose tensors are there, but cannot be read.
type unreadable struct{ runtime.Tensors }

func (unreadable) Read(string) ([]float32, error) { return nil, errors.New("the disk is gone") }

// short is a checkpoint whose tensors have fewer values than their shapes say.
type short struct{ runtime.Tensors }

func (short) Read(string) ([]float32, error) { return []float32{1}, nil }

func TestErrors(t *testing.T) {
	g := parse(t, `graph g
%x = input : [3 4 4]
%c = conv %x out=2 k=1 weights=c
%b = batchnorm %c weights=b
output y = %b
`)
	misfit := weightsOf(g)
	delete(misfit, "c.bias")
	delete(misfit, "b.weight")
	misfit["c.weight"] = weights.Tensor{Shape: []int{3}, Data: make([]float32, 3)}
	misfit["d"] = weights.Tensor{Shape: []int{1}, Data: make([]float32, 1)}
	huge := parse(t, `graph g
%x = input : [262144]
%a = linear %x out=2048 weights=a
output y = %a
`)
	for _, c := range []struct {
		name    string
		g       *ir.Graph
		weights runtime.Tensors
		want    []string
	}{
		{"misfit", g, misfit, []string{"2 tensors missing", "c.bias [2]", "b.weight [2]", "c.weight is [3], the network wants [2 3 1 1]", "not used by the network", "\n  d"}},
		{"unreadable", g, unreadable{weightsOf(g)}, []string{"%c: c.weight: the disk is gone"}},
		{"short", g, short{weightsOf(g)}, []string{"%c: c.weight: 1 values instead of 6"}},
		{"huge", huge, weights.Map{}, []string{"too large for one ONNX file", "2147491840 bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := onnx.Export(c.g, c.weights)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q:\n%v", want, err)
				}
			}
		})
	}
}

// TestFold runs layers with the weights of a folded model, and compares with
// what they computed before.
func TestFold(t *testing.T) {
	const layers = `graph g
%x = input : [6 5 5]
%a = conv %x out=6 k=3 groups=3 weights=a{a}
%b = conv %a out=4 k=3 p=1 bias={bias} weights=b{b}
%flat = flatten %b
%fc = linear %flat out=3 bias={bias} weights=fc{fc}
output y = %fc
`
	folded := parse(t, strings.NewReplacer("{bias}", "false",
		"{a}", " before=[batchnorm{weights=a1 affine=false} scale{weights=a2 dims=[6]}] after=[batchnorm{weights=a3}]",
		"{b}", " after=[affine{scale=[0.5] shift=[1 2 3 4]} scale{weights=b1 dims=[4 1 1]} batchnorm{weights=b2 eps=0.1}]",
		"{fc}", " before=[batchnorm{weights=fc1}] after=[batchnorm{weights=fc2}]").Replace(layers))
	plain := parse(t, strings.NewReplacer("{bias}", "true", "{a}", "", "{b}", "", "{fc}", "").Replace(layers))

	w := weightsOf(folded)
	initializers := map[string][]float32{}
	for _, i := range export(t, folded, w).Graph.Initializer {
		data := make([]float32, len(i.RawData)/4)
		if _, err := binary.Decode(i.RawData, binary.LittleEndian, data); err != nil {
			t.Fatal(err)
		}
		initializers[i.GetName()] = data
	}
	if diff := cmp.Diff(weightsOf(folded), w); diff != "" {
		t.Errorf("exporting changed the weights, which may be the file itself (-want +got):\n%s", diff)
	}

	inputs := graphtest.Inputs(folded, 1)
	want, errWant := interp.Run(folded, graphtest.Weights, inputs, 1, interp.Options{})
	got, errGot := interp.Run(plain, func(key string, _ []int) ([]float32, error) { return initializers[key], nil }, inputs, 1, interp.Options{})
	if err := errors.Join(errWant, errGot); err != nil {
		t.Fatal(err)
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a)) })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

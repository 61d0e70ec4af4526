package onnx_test

import (
	"os"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/internal/graphtest"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

func readGraph(t *testing.T, path string) *ir.Graph {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := ir.Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return g
}

// everything returns g with all its values as outputs, beside those it has.
func everything(g *ir.Graph) *ir.Graph {
	all := *g
	all.Outputs = append([]ir.Output{}, g.Outputs...)
	for _, v := range g.Values {
		all.Outputs = append(all.Outputs, ir.Output{Name: "value." + v.Name, Value: v.ID})
	}
	return &all
}

// weightsOf returns a checkpoint for g.
func weightsOf(g *ir.Graph) runtime.Tensors {
	m := weights.Map{}
	for _, p := range ir.Params(g) {
		data, _ := graphtest.Weights(p.Key, p.Shape)
		m[p.Key] = weights.Tensor{Shape: p.Shape, Data: data}
	}
	return m
}

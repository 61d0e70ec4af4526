package ir_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

func TestBuilder(t *testing.T) {
	at := diag.Span{Start: diag.Pos{File: "n.cnn", Line: 2, Col: 3}, End: diag.Pos{File: "n.cnn", Line: 2, Col: 9}}
	b := ir.NewBuilder("net")
	x, err := b.Input("x", shape.Shape{3, 8, 8}, at)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if x, err = b.Add(ir.OpReLU, nil, b.UniqueName("relu"), at, x); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Add(ir.OpLinear, &ir.Linear{Out: 2, Weights: "fc"}, "fc", at, x); !errors.As(err, new(*shape.Error)) {
		t.Errorf("a linear layer on a map: %v, want a *shape.Error", err)
	}
	if _, err := b.Add(ir.OpReLU, nil, "relu", at, x); err == nil || errors.As(err, new(*shape.Error)) {
		t.Errorf("a name taken: %v, want an error that is no *shape.Error", err)
	}
	b.Rename(1, "act")
	if name := b.UniqueName("relu"); name != "relu" {
		t.Errorf("the name relu was given up, but UniqueName says %s", name)
	}
	b.Output("y", x)
	b.Scope("s", "block", x)
	g, err := b.Graph()
	if err != nil {
		t.Fatal(err)
	}
	want := `graph net
  %x = input : [3 8 8]   # n.cnn:2:3-2:9
  %act = relu %x : [3 8 8]   # n.cnn:2:3-2:9
  %relu.2 = relu %act : [3 8 8]   # n.cnn:2:3-2:9
  output y = %relu.2
  scope s = block %relu.2
`
	if got := ir.Print(g); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestBuilderLimit asks for weights without end, each tensor within the limit.
func TestBuilderLimit(t *testing.T) {
	b := ir.NewBuilder("greedy")
	x, err := b.Input("x", shape.Shape{1 << 15}, diag.Span{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if x, err = b.Add(ir.OpLinear, &ir.Linear{Out: 1 << 15, Weights: fmt.Sprint("fc", i)}, fmt.Sprint("fc", i), diag.Span{}, x); err != nil {
			t.Fatal(err)
		}
	}
	_, err = b.Add(ir.OpLinear, &ir.Linear{Out: 1, Bias: true, Weights: "one"}, "one", diag.Span{}, x)
	var e *shape.Error
	if !errors.As(err, &e) || e.Code != shape.CodeLimit {
		t.Errorf("got %v, want a %s", err, shape.CodeLimit)
	}
}

// Package ir is the compiler's middle: a graph of values with static shapes.
// It is built by elaborate, rewritten by passes, and lowered by plan.
package ir

import (
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// ID names a value: its index in Graph.Values.
type ID int32

// Graph is one network. Values are in topological order: arguments come before
// their users. Inputs have Op Input and stand in declaration order.
type Graph struct {
	Name    string // the net's name, such as resnext50_32x4d
	Source  string // the spec's slash-separated path, for comments in emitted code
	Values  []*Value
	Outputs []Output
	// Scopes holds what each labelled block call returned, in order of
	// completion: layer1.0 names the value that block computed. Debugging and
	// verification use it; passes keep the IDs right.
	Scopes []Scope

	Preprocess *Preprocess // nil if the net states none
	Labels     []string    // class names; nil if the net states none
}

// Value is one operation and its one result.
type Value struct {
	ID    ID
	Name  string // unique, scopes joined with dots: layer1.0.conv1
	Op    Op
	Args  []ID
	Attr  Attr        // the op's attribute struct; nil where the op has none
	Shape shape.Shape // of one image: [c h w] or [features]
	// Span is where the spec wrote the operation, the innermost place; a fused
	// value keeps the span of the operation that does the arithmetic.
	Span diag.Span
	// Covers names the values fused into this one, in order of computation,
	// itself included; empty if nothing was fused.
	Covers []string
}

// Output is one named result of the network.
type Output struct {
	Name  string
	Value ID
}

// Scope is a labelled block call and its (first) result.
type Scope struct {
	Name  string // layer1.0
	Block string // the block called, as the spec names it: bottleneck
	Value ID
}

// Param is one tensor a value needs from the checkpoint.
type Param struct {
	Key   string // full state-dict key
	Shape []int  // as the checkpoint has it: conv [out, in/groups, kh, kw], linear [out, in]
	// Buffer marks what PyTorch keeps out of its parameter count: running statistics.
	Buffer bool
}

// Preprocess is the contract between picture and network: decode to RGB, resize
// the shorter side to Resize with Filter (antialiased), cut the centre Crop,
// multiply by Scale, subtract Mean and divide by Std a channel.
type Preprocess struct {
	Resize   int        `ir:"resize"`
	Crop     shape.Size `ir:"crop"`
	Filter   string     `ir:"filter"` // "bilinear", "bicubic", "nearest", "box" or "lanczos"
	Scale    float64    `ir:"scale"`
	Mean     []float64  `ir:"mean"` // a channel, after Scale
	Std      []float64  `ir:"std"`
	Channels string     `ir:"channels"` // "rgb", "bgr" or "gray"
}

// Value returns the value of an ID.
func (g *Graph) Value(id ID) *Value { return g.Values[id] }

// Inputs returns the input values in declaration order.
func (g *Graph) Inputs() []*Value {
	var in []*Value
	for _, v := range g.Values {
		if v.Op == OpInput {
			in = append(in, v)
		}
	}
	return in
}

// Package plan is the waist of the compiler: kernel calls in order, where each
// buffer lies in the one arena, which tensors of the checkpoint each layer packs.
// codegen writes a Plan as Go; exec runs it in the process. Both make the same
// calls with the same arguments.
package plan

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Plan is one network, ready to run.
type Plan struct {
	Name   string // the net's name: resnext50_32x4d
	Source string // the spec's path, slash-separated

	Inputs  []Port // in declaration order
	Outputs []Port
	Steps   []Step // in order of execution

	// Arena is the floats a session needs an image; LowerBound is the largest
	// sum of regions alive at once, below which no assignment can go.
	Arena      int
	LowerBound int
	Regions    []Region // what the arena is divided into, in order of first use

	// Values says where each value of the graph can be seen while the plan runs:
	// those that fusion left and no chain keeps to itself, in the graph's order.
	// Scopes does so for what each labelled block call returned. Both are for
	// debugging and verification.
	Values []Place
	Scopes []Place

	Params     int64      // PyTorch's count: no running statistics
	Buffers    int64      // running statistics
	MACs       int64      // of one image; convolutions and linear layers
	Tensors    []ir.Param // what the checkpoint must hold, in the order of the spec
	Preprocess *runtime.Preprocess
	Labels     []string

	// Blocks maps the scope of each labelled block call to the block's name in
	// the spec: layer1.0 to bottleneck. Emitted types are named after it.
	Blocks map[string]string
}

// UsesWinograd reports whether a convolution is computed by one of Winograd's algorithms,
// which is less exact than a plain sum.
func (p *Plan) UsesWinograd() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool {
		op, ok := s.Op.(*runtime.Conv)
		return ok && op.Algo.IsWinograd()
	})
}

// Port is a named input or output and where it lies in the arena.
type Port struct {
	Name  string
	Shape shape.Shape // [c h w] or [features]
	View  runtime.View
}

// Place is where a value lies, complete once step Ready has run and, because
// memory is used again, not for ever. Ready is -1 for inputs.
type Place struct {
	Name  string
	Shape shape.Shape
	View  runtime.View
	Ready int
}

// Step is one kernel call.
type Step struct {
	Name   string         // the layer: layer1.0.conv1; unique
	Covers []string       // the IR values computed here, in order: conv1, bn1, relu
	Op     any            // a pointer to one of runtime's descriptions: *runtime.Conv, *runtime.MaxPool ...; or a *Chain
	Key    string         // checkpoint key prefix of Conv, Linear, LayerNorm, GRN; "" without weights
	Parts  []runtime.Part // of a Conv that was made of several; Key is "" then
	Norms  []runtime.Norm // folded into the weights (Conv, Linear), or applied (Affine; the first of Conv, if it has InNorm)

	Dst      runtime.View
	Src      []runtime.View // the arguments; a Conv's gate is its second
	Residual *runtime.View  // Conv, Linear, Chain: added before the last activation

	In     []shape.Shape // of Src
	Out    shape.Shape
	Params int64 // trainable, of this step
	MACs   int64 // of one image
	Span   diag.Span
}

// Chain is the operation of a step that runs convolutions, and maximum poolings behind
// them, depth first, a band of rows at a time, so that what they compute in between never
// gets into the arena. The step reads
// what the first reads and writes what the last writes, whose name and residual it has.
type Chain struct {
	Links []Step // without views
}

// Layers returns what s runs, one layer after the other: a chain's links, or s itself.
func (s *Step) Layers() []Step {
	if c, ok := s.Op.(*Chain); ok {
		return c.Links
	}
	return []Step{*s}
}

// AllNorms returns the norms folded into a step, its parts' first.
func (s *Step) AllNorms() []runtime.Norm {
	var all []runtime.Norm
	for _, layer := range s.Layers() {
		for _, p := range layer.Parts {
			all = append(all, p.Norms...)
		}
		all = append(all, layer.Norms...)
	}
	return all
}

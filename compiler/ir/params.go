package ir

import (
	"math"

	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// Params returns every tensor that g needs from the checkpoint, each key once,
// in the order of the values that need them. Those of folded norms are among
// them, so that passes may move entries but neither add nor remove one.
func Params(g *Graph) []Param {
	var all []Param
	seen := map[string]bool{}
	for _, v := range g.Values {
		for _, p := range v.Params(g) {
			if !seen[p.Key] {
				seen[p.Key] = true
				all = append(all, p)
			}
		}
	}
	return all
}

// Params returns the tensors that v, a value of g, needs from the checkpoint,
// those of folded norms included, in order of use.
func (v *Value) Params(g *Graph) []Param {
	if f := v.Op.Info().Params; f != nil {
		return f(v, g.ArgShapes(v))
	}
	return nil
}

// MACs returns the multiply-accumulates of v, a value of g, for one image:
// those of convolutions and linear layers, as torchvision counts.
func (v *Value) MACs(g *Graph) int64 {
	if f := v.Op.Info().MACs; f != nil {
		return f(v, g.ArgShapes(v))
	}
	return 0
}

// ArgShapes returns the shapes of v's arguments.
func (g *Graph) ArgShapes(v *Value) []shape.Shape {
	s := make([]shape.Shape, len(v.Args))
	for i, a := range v.Args {
		s[i] = g.Values[a].Shape
	}
	return s
}

// ParamCount returns the number of parameters as PyTorch counts them: all
// elements of Params but the running statistics.
func ParamCount(g *Graph) int64 { return count(g, false) }

// BufferCount returns the number of elements of the running statistics, which
// Keras counts among the parameters and PyTorch does not.
func BufferCount(g *Graph) int64 { return count(g, true) }

func count(g *Graph, buffers bool) int64 {
	var n int64
	for _, p := range Params(g) {
		if p.Buffer == buffers {
			n += p.Elems()
		}
	}
	return n
}

// Elems returns the number of elements of p.
func (p Param) Elems() int64 {
	n, _ := shape.Product(p.Shape...) // the shape rules have bounded it
	return n
}

// MACs returns the multiply-accumulates of one image, math.MaxInt64 if they
// are more than that.
func MACs(g *Graph) int64 {
	var n int64
	for _, v := range g.Values {
		m := v.MACs(g)
		if n > math.MaxInt64-m {
			return math.MaxInt64
		}
		n += m
	}
	return n
}

func convParams(v *Value, args []shape.Shape) []Param {
	a := v.Attr.(*Conv)
	in := args[0].Channels()
	var ps []Param
	if a.InNorm != nil {
		ps = a.InNorm.params(in)
	}
	ps = appendNorms(ps, a.Before, in)
	if len(a.Parts) > 0 {
		for _, p := range a.Parts {
			ps = append(ps, Param{Key: p.Weights + ".weight", Shape: []int{p.Out, p.Inputs(in), a.Kernel.H, a.Kernel.W}})
			if a.Bias {
				ps = append(ps, Param{Key: p.Weights + ".bias", Shape: []int{p.Out}})
			}
			ps = appendNorms(ps, p.After, p.Out)
		}
		return appendNorms(ps, a.After, a.Out)
	}
	dims := []int{a.Out, in / a.Groups, a.Kernel.H, a.Kernel.W}
	if a.Matrix {
		dims = dims[:2]
	}
	ps = append(ps, Param{Key: a.Weights + ".weight", Shape: dims})
	if a.Bias {
		ps = append(ps, Param{Key: a.Weights + ".bias", Shape: []int{a.Out}})
	}
	return appendNorms(ps, a.After, a.Out)
}

func linearParams(v *Value, args []shape.Shape) []Param {
	a := v.Attr.(*Linear)
	in := args[0].Elems()
	ps := appendNorms(nil, a.Before, in)
	ps = append(ps, Param{Key: a.Weights + ".weight", Shape: []int{a.Out, in}})
	if a.Bias {
		ps = append(ps, Param{Key: a.Weights + ".bias", Shape: []int{a.Out}})
	}
	return appendNorms(ps, a.After, a.Out)
}

func appendNorms(ps []Param, norms []Norm, c int) []Param {
	for _, n := range norms {
		ps = append(ps, n.params(c)...)
	}
	return ps
}

// params lists the tensors of a norm over c channels, a batch norm's in
// PyTorch's order.
func (n Norm) params(c int) []Param {
	switch n.Op {
	case OpBatchNorm:
		var ps []Param
		if n.Affine {
			ps = append(ps, Param{Key: n.Weights + ".weight", Shape: []int{c}}, Param{Key: n.Weights + ".bias", Shape: []int{c}})
		}
		return append(ps,
			Param{Key: n.Weights + ".running_mean", Shape: []int{c}, Buffer: true},
			Param{Key: n.Weights + ".running_var", Shape: []int{c}, Buffer: true})
	case OpScale:
		return []Param{{Key: n.Weights, Shape: n.Dims}}
	}
	return nil
}

func layerNormParams(v *Value, args []shape.Shape) []Param {
	a := v.Attr.(*LayerNorm)
	if !a.Affine {
		return nil
	}
	return weightAndBias(a.Weights, args[0].Channels())
}

// weightAndBias lists the tensors of a layer that has a factor and a shift a channel.
func weightAndBias(key string, c int) []Param {
	return []Param{{Key: key + ".weight", Shape: []int{c}}, {Key: key + ".bias", Shape: []int{c}}}
}

// convMACs cannot overflow: the weights and each plane are below MaxElems. What
// the zeros between parts take is not counted; what pooling first saves is.
func convMACs(v *Value, args []shape.Shape) int64 {
	a := v.Attr.(*Conv)
	inner := int64(a.Out) * int64(args[0].Channels()/a.Groups) // a pixel and tap
	if len(a.Parts) > 0 {
		inner = 0
		for _, p := range a.Parts {
			inner += int64(p.Out) * int64(p.Inputs(args[0].Channels()))
		}
	}
	at := v.Shape // where the spec's convolution has its results
	if a.Pools() && a.Pointwise() {
		at = args[0] // what a depthwise one pools, the spec pools before it
	}
	pixels := int64(at.Height()) * int64(at.Width())
	return inner * pixels * int64(a.Kernel.H) * int64(a.Kernel.W)
}

func linearMACs(v *Value, args []shape.Shape) int64 {
	return int64(args[0].Elems()) * int64(v.Shape.Elems())
}

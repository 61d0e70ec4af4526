package plan

import (
	"errors"
	"fmt"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// describe fills in what s does: the runtime's description of v, the key and the
// norms of its weights, its parameters and multiply-accumulates.
func (l *lowering) describe(v *ir.Value, s *Step) error {
	in := l.g.Value(v.Args[0]).Shape
	out := shape3(v.Shape)
	switch a := v.Attr.(type) {
	case *ir.Conv:
		if !a.ReadsPlain() && !a.Pointwise() && !a.CanPool(in.Channels()) {
			return errors.New("no kernel changes the input of a convolution that is not pointwise")
		}
		op := &runtime.Conv{
			In: shape3(in), Out: out,
			Kernel: size(a.Kernel), Stride: size(a.Stride), Dilation: size(a.Dilation), Pad: padding(a.Pad),
			Groups: a.Groups, Bias: a.Bias, Matrix: a.Matrix, Act: act(a.Act),
			InNorm: a.InNorm != nil, InAct: act(a.InAct), InPool: size(a.InPool), Gate: a.Gate,
		}
		op.Algo = chooseAlgo(op, l.opts)
		before := a.Before
		if a.InNorm != nil {
			before = append([]ir.Norm{*a.InNorm}, before...)
		}
		s.Op, s.Key, s.Norms = op, a.Weights, norms(before, a.After)
		for _, p := range a.Parts {
			s.Parts = append(s.Parts, runtime.Part{Key: p.Weights, Out: p.Out, Channels: p.Channels, Norms: norms(nil, p.After)})
		}
		if a.Residual {
			s.Residual = new(runtime.View)
		}
	case *ir.Linear:
		s.Op = &runtime.Linear{In: shape3(in), Out: a.Out, Bias: a.Bias, Act: act(a.Act)}
		s.Key, s.Norms = a.Weights, norms(a.Before, a.After)
		if a.Residual {
			s.Residual = new(runtime.View)
		}
	case *ir.BatchNorm, *ir.Scale, *ir.Affine:
		op := &runtime.Affine{Shape: out}
		n := *v
		if bn, ok := v.Attr.(*ir.BatchNorm); ok && bn.Act != (ir.Act{}) {
			plain := *bn
			plain.Act = ir.Act{}
			op.Act, n.Attr = act(bn.Act), &plain
		}
		norm, _ := ir.NormOf(&n)
		s.Op, s.Norms = op, norms(nil, []ir.Norm{norm})
	case *ir.LayerNorm:
		s.Op = &runtime.LayerNorm{Shape: out, Eps: a.Eps, Affine: a.Affine}
		s.Key = a.Weights
	case *ir.LRN:
		s.Op = &runtime.LRN{Shape: out, Size: a.Size, Alpha: a.Alpha, Beta: a.Beta, K: a.K}
	case *ir.GRN:
		s.Op = &runtime.GRN{Shape: out, Eps: a.Eps}
		s.Key = a.Weights
	case *ir.Pool:
		if v.Op == ir.OpMaxPool {
			s.Op = &runtime.MaxPool{In: shape3(in), Out: out,
				Kernel: size(a.Kernel), Stride: size(a.Stride), Dilation: size(a.Dilation), Pad: padding(a.Pad)}
		} else {
			s.Op = &runtime.AvgPool{In: shape3(in), Out: out,
				Kernel: size(a.Kernel), Stride: size(a.Stride), Pad: padding(a.Pad), CountPad: a.CountPad}
		}
	case *ir.AdaptivePool:
		s.Op = &runtime.AdaptivePool{In: shape3(in), Out: out, Max: a.Max}
	case *ir.GlobalPool:
		s.Op = &runtime.AdaptivePool{In: shape3(in), Out: out, Max: a.Max}
	case *ir.Pick:
		s.Op = &runtime.Pick{In: shape3(in), Channels: a.Channels}
	case *ir.Shuffle:
		s.Op = &runtime.Pick{In: shape3(in), Channels: shuffled(in.Channels(), a.Groups)}
	case *ir.Upsample:
		s.Op = &runtime.Upsample{In: shape3(in), Scale: size(a.Scale)}
	case *ir.Pad:
		s.Op = &runtime.Pad{In: shape3(in), Pad: padding(a.Pad)}
	default:
		switch v.Op {
		case ir.OpMul:
			other := l.g.Value(v.Args[1]).Shape
			s.Op = &runtime.Mul{Shape: out, Broadcast: in.Elems() != other.Elems()}
		case ir.OpFlatten:
			s.Op = &runtime.Flatten{In: shape3(in)}
		case ir.OpSoftmax:
			s.Op = &runtime.Softmax{Shape: out}
		default:
			f, ok := ir.ActOf(v)
			if !ok {
				return fmt.Errorf("no kernel computes %v", v.Op)
			}
			s.Op = &runtime.Activation{Shape: out, Act: act(f)}
		}
	}
	for _, p := range v.Params(l.g) {
		if !p.Buffer {
			s.Params += p.Elems()
		}
	}
	s.MACs = v.MACs(l.g)
	return nil
}

// shuffled lists the channels of a channel shuffle: [g, c/g] transposed.
func shuffled(channels, groups int) []int {
	each := channels / groups
	list := make([]int, 0, channels)
	for i := range each {
		for g := range groups {
			list = append(list, g*each+i)
		}
	}
	return list
}

// norms translates the norms folded into a layer, those before it first.
func norms(before, after []ir.Norm) []runtime.Norm {
	var list []runtime.Norm
	add := func(ns []ir.Norm, before bool) {
		for _, n := range ns {
			list = append(list, runtime.Norm{
				Kind: normKinds[n.Op], Key: n.Weights, Eps: n.Eps, Affine: n.Affine, Before: before,
				Dims: n.Dims, Scale: n.Scale, Shift: n.Shift,
			})
		}
	}
	add(before, true)
	add(after, false)
	return list
}

var normKinds = map[ir.Op]runtime.NormKind{
	ir.OpBatchNorm: runtime.BatchNorm,
	ir.OpScale:     runtime.LearnedScale,
	ir.OpAffine:    runtime.Constant,
}

var actKinds = map[ir.Op]runtime.ActKind{
	ir.OpInvalid:     runtime.None,
	ir.OpReLU:        runtime.ReLU,
	ir.OpReLU6:       runtime.ReLU6,
	ir.OpLeakyReLU:   runtime.LeakyReLU,
	ir.OpSigmoid:     runtime.Sigmoid,
	ir.OpTanh:        runtime.Tanh,
	ir.OpSiLU:        runtime.SiLU,
	ir.OpHardSigmoid: runtime.HardSigmoid,
	ir.OpHardSwish:   runtime.HardSwish,
	ir.OpGELU:        runtime.GELU,
	ir.OpGELUTanh:    runtime.GELUTanh,
}

func act(a ir.Act) runtime.Act {
	return runtime.Act{Kind: actKinds[a.Op], Slope: float32(a.Slope)}
}

func size(s shape.Size) runtime.Size { return runtime.Size{H: s.H, W: s.W} }

func padding(p shape.Padding) runtime.Padding {
	return runtime.Padding{Top: p.Top, Left: p.Left, Bottom: p.Bottom, Right: p.Right}
}

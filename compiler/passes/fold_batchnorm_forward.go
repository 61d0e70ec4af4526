package passes

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// FoldBatchNormForward makes a normalisation part of the convolution or linear
// layer after it:
//
//	W (scale*x + shift) + b = (W*scale) x + (W shift + b)
//
// A padded convolution cannot take it: the padding's zeros would have to become
// -shift/scale. Neither can one that does more to its input before it gets to the
// weights than take means. Only the layer may read what the normalisation computes. A
// linear layer must read a vector: of a map, the channels are not its inputs.
var FoldBatchNormForward = untilStable(pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	if v.Op != ir.OpConv && v.Op != ir.OpLinear {
		return nil
	}
	arg := r.Arg(v, 0)
	norm, ok := ir.NormOf(arg)
	if !ok || !r.Sole(v, 0) {
		return nil
	}
	args := append([]ir.ID{arg.Args[0]}, rest(r, v)...)
	switch a := v.Attr.(type) {
	case *ir.Conv:
		c := *a
		c.InPool = shape.Size{}
		if a.Pad != (shape.Padding{}) || !c.ReadsPlain() {
			return nil
		}
		c.InPool, c.Before = a.InPool, slices.Concat([]ir.Norm{norm}, a.Before)
		return r.Fuse(v, arg, v, &c, args...)
	case *ir.Linear:
		if a.Flatten {
			return nil
		}
		l := *a
		l.Before = slices.Concat([]ir.Norm{norm}, a.Before)
		return r.Fuse(v, arg, v, &l, args...)
	}
	return nil
}))

package passes

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

// FuseInput lets the pointwise convolution that alone reads an activation, or an
// activation of a normalisation, compute it as it reads its input, where that pays:
// DenseNet's layers, each of which has its own normalisation of all maps before it.
// Other convolutions read every pixel several times.
//
// A normalisation by itself is left to FoldBatchNormForward, which makes it cost
// nothing.
func FuseInput(pays func(x *ir.Value, conv *ir.Conv) bool) func(*ir.Graph) (*ir.Graph, error) {
	return untilStable(pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
		conv, ok := v.Attr.(*ir.Conv)
		if !ok || !conv.Pointwise() || conv.InNorm != nil || !r.Sole(v, 0) {
			return nil
		}
		arg := r.Arg(v, 0)
		if !pays(arg, conv) {
			return nil
		}
		act, isAct := ir.ActOf(arg)
		norm, isNorm := ir.NormOf(arg)
		bn, _ := arg.Attr.(*ir.BatchNorm)
		c := *conv
		free := c.InAct == ir.Act{}
		switch {
		case free && isAct:
			c.InAct = act
		case free && bn != nil && bn.Act != (ir.Act{}):
			c.InNorm, c.InAct = &norm, bn.Act
		case !free && isNorm:
			c.InNorm = &norm
		default:
			return nil
		}
		if c.Pools() && !c.CanPool(arg.Shape.Channels()) {
			return nil
		}
		return r.Fuse(v, arg, v, &c, append([]ir.ID{arg.Args[0]}, rest(r, v)...)...)
	}))
}

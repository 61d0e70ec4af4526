package passes

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

// FuseResidual makes a sum of two part of the convolution or linear layer that
// computes one of them: its epilogue adds the other before the activation. The
// layer must feed the sum alone and have no activation of its own.
//
// The fused layer stands where the sum stood, so that the other operand has
// been computed, whichever came first. If both operands qualify, the later one
// is taken: it keeps its place.
var FuseResidual = pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	sum, ok := v.Attr.(*ir.Sum)
	if !ok || len(v.Args) != 2 {
		return nil
	}
	var layer, other *ir.Value
	for i := range 2 {
		arg := r.Arg(v, i)
		if r.Sole(v, i) && takesResidual(arg) && (layer == nil || arg.ID > layer.ID) {
			layer, other = arg, r.Arg(v, 1-i)
		}
	}
	if layer == nil {
		return nil
	}
	var attr ir.Attr
	switch a := layer.Attr.(type) {
	case *ir.Conv:
		c := *a
		attr, c.Residual, c.Act = &c, true, sum.Act
	case *ir.Linear:
		l := *a
		attr, l.Residual, l.Act = &l, true, sum.Act
	}
	return r.Fuse(v, layer, layer, attr, append(slices.Clone(layer.Args), other.ID)...)
})

// takesResidual reports whether v's epilogue is free for a residual.
func takesResidual(v *ir.Value) bool {
	switch a := v.Attr.(type) {
	case *ir.Conv:
		return !a.Residual && a.Act == ir.Act{}
	case *ir.Linear:
		return !a.Residual && a.Act == ir.Act{}
	}
	return false
}

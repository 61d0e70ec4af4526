package passes

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// FusePool lets a depthwise convolution of one tap that alone reads means over windows side
// by side, LeNet-5's sub-sampling, take these means itself.
var FusePool = pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	conv, ok := v.Attr.(*ir.Conv)
	if !ok || conv.Pointwise() || conv.Pools() || !r.Sole(v, 0) {
		return nil
	}
	arg := r.Arg(v, 0)
	pool, ok := arg.Attr.(*ir.Pool)
	if !ok || !sideBySide(arg, pool, r.Value(arg.Args[0]).Shape) || !conv.CanPool(arg.Shape.Channels()) {
		return nil
	}
	c := *conv
	c.InPool = pool.Kernel
	return r.Fuse(v, arg, v, &c, append([]ir.ID{arg.Args[0]}, rest(r, v)...)...)
})

// sideBySide reports whether a pooling takes means over windows that neither overlap nor
// hang over the map that it reads, as they may in ceil mode.
func sideBySide(v *ir.Value, pool *ir.Pool, in shape.Shape) bool {
	return v.Op == ir.OpAvgPool && pool.Kernel == pool.Stride && pool.Pad == (shape.Padding{}) &&
		v.Shape.Height()*pool.Kernel.H <= in.Height() && v.Shape.Width()*pool.Kernel.W <= in.Width()
}

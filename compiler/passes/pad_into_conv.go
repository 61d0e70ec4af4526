package passes

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// PadIntoConv adds a map's padding of zeros to that of the convolution that
// alone reads it. What is done on the input side stands in the way: it would come
// to act on the zeros.
var PadIntoConv = untilStable(pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	conv, ok := v.Attr.(*ir.Conv)
	if !ok || len(conv.Before) > 0 || !conv.ReadsPlain() {
		return nil
	}
	arg := r.Arg(v, 0)
	pad, ok := arg.Attr.(*ir.Pad)
	if !ok || !r.Sole(v, 0) {
		return nil
	}
	c := *conv
	c.Pad = shape.Padding{
		Top: conv.Pad.Top + pad.Pad.Top, Left: conv.Pad.Left + pad.Pad.Left,
		Bottom: conv.Pad.Bottom + pad.Pad.Bottom, Right: conv.Pad.Right + pad.Pad.Right,
	}
	return r.Fuse(v, arg, v, &c, append([]ir.ID{arg.Args[0]}, rest(r, v)...)...)
}))

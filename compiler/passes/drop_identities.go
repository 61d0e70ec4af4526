package passes

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// DropIdentities removes operations that return their argument: dropout and
// stochastic depth at inference, and what its attributes make an identity, such
// as VGG's adaptive pooling to 7x7 of a map that is 7x7.
var DropIdentities = pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	if len(v.Args) == 1 {
		if arg := r.Arg(v, 0); isIdentity(v, arg.Shape) {
			r.Replace(v, arg)
		}
	}
	return nil
})

// isIdentity reports whether v returns its one argument, of shape in.
func isIdentity(v *ir.Value, in shape.Shape) bool {
	if v.Op.Info().Identity {
		return true
	}
	switch a := v.Attr.(type) {
	case *ir.Pool:
		return a.Kernel == shape.Square(1) && a.Stride == shape.Square(1) && a.Pad == shape.Padding{}
	case *ir.AdaptivePool:
		return a.Out == shape.Size{H: in.Height(), W: in.Width()}
	case *ir.GlobalPool:
		return in.Height() == 1 && in.Width() == 1
	case *ir.Slice:
		return a.From == 0 && a.To == in.Channels()
	case *ir.Shuffle:
		return a.Groups == 1 || a.Groups == in.Channels()
	case *ir.Upsample:
		return a.Scale == shape.Square(1)
	case *ir.Pad:
		return a.Pad == shape.Padding{}
	}
	return v.Op == ir.OpConcat
}

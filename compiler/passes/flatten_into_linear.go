package passes

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

// FlattenIntoLinear lets a linear layer read a map as it lies, its weights
// permuted when they are loaded, instead of a vector that flatten has copied.
// Normalisation that is folded into the weights goes along: it has a factor a
// feature, as they do.
var FlattenIntoLinear = pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	lin, ok := v.Attr.(*ir.Linear)
	if !ok || lin.Flatten || r.Arg(v, 0).Op != ir.OpFlatten || !r.Sole(v, 0) {
		return nil
	}
	arg := r.Arg(v, 0)
	l := *lin
	l.Flatten = true
	return r.Fuse(v, arg, v, &l, append([]ir.ID{arg.Args[0]}, rest(r, v)...)...)
})

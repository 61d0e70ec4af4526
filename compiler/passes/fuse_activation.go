package passes

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

// FuseActivation moves an activation into the epilogue of the convolution,
// linear layer, batch normalisation or sum that alone feeds it.
var FuseActivation = pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	act, ok := ir.ActOf(v)
	if !ok || !r.Sole(v, 0) {
		return nil
	}
	arg := r.Arg(v, 0)
	var attr ir.Attr
	var free bool // no activation stands there yet
	switch a := arg.Attr.(type) {
	case *ir.Conv:
		c := *a
		attr, free, c.Act = &c, a.Act == ir.Act{}, act
	case *ir.Linear:
		l := *a
		attr, free, l.Act = &l, a.Act == ir.Act{}, act
	case *ir.BatchNorm:
		n := *a
		attr, free, n.Act = &n, a.Act == ir.Act{}, act
	case *ir.Sum:
		s := *a
		attr, free, s.Act = &s, a.Act == ir.Act{}, act
	}
	if !free {
		return nil
	}
	return r.Fuse(v, arg, arg, attr, arg.Args...)
})

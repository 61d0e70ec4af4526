package passes

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// FuseGate lets the pointwise convolution that alone reads the product of a map and
// a factor a channel multiply as it reads the map, where that pays:
// squeeze-and-excitation.
func FuseGate(pays func(x *ir.Value, conv *ir.Conv) bool) func(*ir.Graph) (*ir.Graph, error) {
	return pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
		conv, ok := v.Attr.(*ir.Conv)
		if !ok || !conv.Pointwise() || !conv.ReadsPlain() {
			return nil
		}
		mul := r.Arg(v, 0)
		if mul.Op != ir.OpMul || !r.Sole(v, 0) || !pays(mul, conv) {
			return nil
		}
		x, gate := r.Value(mul.Args[0]), r.Value(mul.Args[1])
		if !isGate(gate) {
			x, gate = gate, x
		}
		if !isGate(gate) {
			return nil // a product of two maps
		}
		c := *conv
		c.Gate = true
		return r.Fuse(v, mul, v, &c, append([]ir.ID{x.ID, gate.ID}, rest(r, v)...)...)
	})
}

// isGate reports whether v is one factor a channel.
func isGate(v *ir.Value) bool { return v.Shape.Equal(shape.Shape{v.Shape.Channels(), 1, 1}) }

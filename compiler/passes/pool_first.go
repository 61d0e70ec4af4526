package passes

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

// PoolFirst lets a pointwise convolution whose result is averaged over windows side by
// side, DenseNet's transitions, average what it reads instead. Both are linear, and the
// factors of a window sum to 1, so that a bias stays what it is:
//
//	mean(W x + b) = W mean(x) + b
//
// The convolution has as many times fewer pixels as a window has. Norms may lie in
// between, which it takes over. Nothing else may read what they and it computed.
var PoolFirst = pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	pool, ok := v.Attr.(*ir.Pool)
	if !ok || !sideBySide(v, pool, r.Arg(v, 0).Shape) {
		return nil
	}
	layer, covers := r.Arg(v, 0), ir.Covered(v)
	alone := r.ReadOnce(layer)
	var norms []ir.Norm
	for norm, ok := ir.NormOf(layer); ok; norm, ok = ir.NormOf(layer) {
		norms, covers = append([]ir.Norm{norm}, norms...), slices.Concat(ir.Covered(layer), covers)
		layer = r.Value(layer.Args[0])
		alone = alone && r.ReadOnce(layer)
	}
	conv, ok := layer.Attr.(*ir.Conv)
	if !ok || !alone || !conv.Pointwise() || !conv.CanPool(r.Arg(layer, 0).Shape.Channels()) || conv.Pools() || conv.Residual || conv.Act != (ir.Act{}) {
		return nil
	}
	c := *conv
	c.InPool, c.After = pool.Kernel, slices.Concat(conv.After, norms)
	w := *layer
	w.Attr, w.Covers = &c, slices.Concat(ir.Covered(layer), covers)
	pooled, err := r.Emit(w)
	if err != nil {
		return err
	}
	r.Replace(v, pooled)
	return nil
})

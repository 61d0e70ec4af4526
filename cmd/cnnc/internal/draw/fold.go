package draw

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// folder turns the tree of a graph into what is worth drawing.
type folder struct {
	g       *ir.Graph
	users   [][]ir.ID // of each value
	outputs map[ir.ID]bool
	calls   map[string]int // of each block
}

// fold returns the items of the whole network.
func fold(g *ir.Graph) []*item {
	f := &folder{g: g, users: ir.Users(g), outputs: map[ir.ID]bool{}, calls: map[string]int{}}
	for _, o := range g.Outputs {
		f.outputs[o.Value] = true
	}
	for _, s := range g.Scopes {
		f.calls[s.Block]++
	}
	return f.repeats(f.body(tree(g)), 2)
}

// body simplifies the items of a block: small operations join larger ones, a
// block of one item is that item, and a block that only puts others in a row
// gives way to them.
func (f *folder) body(items []*item) []*item {
	var flat []*item
	for _, it := range items {
		if it.op != nil {
			flat = append(flat, it)
			continue
		}
		it.body = f.body(it.body)
		switch {
		case len(it.body) == 1:
			only := it.body[0]
			if only.op != nil {
				only.name = it.name
			}
			flat = append(flat, only)
		case f.transparent(it):
			flat = append(flat, it.body...)
		default:
			flat = append(flat, it)
		}
	}
	return f.absorb(flat)
}

// transparent reports whether a block is shown as what it consists of: a row of
// other blocks (a stage), or a row of anything that appears but once.
func (f *folder) transparent(it *item) bool {
	folded := f.repeats(it.body, 2)
	if !isChain(folded) {
		return false
	}
	other := func(b *item) bool { return b.block == "" }
	return f.calls[it.block] == 1 || !slices.ContainsFunc(folded, other)
}

// isChain reports whether each item works on the one before it alone, the first
// on one value from outside.
func isChain(items []*item) bool {
	for i, it := range items {
		if len(it.args) != 1 || i > 0 && it.args[0] != items[i-1].out.ID {
			return false
		}
	}
	return true
}

// absorb appends small operations to the item that they finish, if that is all
// that its result is for, and puts a choice of channels before the layer that
// reads it.
func (f *folder) absorb(items []*item) []*item {
	var kept []*item
	maker := map[ir.ID]*item{}
	for _, it := range items {
		if it.op != nil && len(it.args) == 1 {
			p := maker[it.args[0]]
			if p != nil && p.out.ID == it.args[0] && len(f.users[p.out.ID]) == 1 && !f.outputs[p.out.ID] {
				if p.takes(it.op.Op) {
					p.tail = append(append(p.tail, it.op), it.tail...)
					p.out = it.out
					p.outs = append(p.outs, it.outs...)
					maker[p.out.ID] = p
					continue
				}
				if p.op != nil && p.op.Op == ir.OpPick && len(p.tail) == 0 && it.op.Op == ir.OpConv {
					it.pick, it.args, it.outs = p.op, p.args, append(p.outs, it.outs...)
					kept = slices.DeleteFunc(kept, func(k *item) bool { return k == p })
				}
			}
		}
		kept = append(kept, it)
		maker[it.out.ID] = it
	}
	return kept
}

// takes reports whether an operation is drawn as a part of the item before it. The
// network's input takes none, and sums and concatenations only activations, so
// that equal blocks stay equal where something else follows the last of them.
func (it *item) takes(op ir.Op) bool {
	switch it.kind() {
	case Input:
		return false
	case Join:
		return op.Info().Activation
	}
	return isSmall(op)
}

// isSmall reports whether an operation belongs to the layer before it in people's
// minds.
func isSmall(op ir.Op) bool {
	switch op {
	case ir.OpBatchNorm, ir.OpLayerNorm, ir.OpLRN, ir.OpGRN, ir.OpDropout, ir.OpDropPath, ir.OpFlatten, ir.OpSoftmax, ir.OpAffine, ir.OpScale:
		return true
	}
	return op.Info().Activation
}

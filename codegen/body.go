package codegen

import (
	"slices"

	"github.com/cnnc-dev/cnnc/codegen/names"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/runtime"
)

// param is a view parameter of a block's forward method.
type param struct {
	name   string
	slot   int // any of the slots that it stands for
	output bool
	input  bool
}

// layer is a step of a function body: of a stage, or of a block, where it stands
// for one step of each use.
type layer struct {
	steps []*plan.Step // one a use
	field string       // of the block or Model; "" if the op is run as it stands
	parts []part       // a chain's links; of any other layer, itself

	dst      int // params
	src      []int
	residual int // -1 for none
}

// part is a layer, or a link of a chain.
type part struct {
	rel   string // name within the block; the whole name outside of one
	op    *op    // nil if it differs between uses
	param string // then, what it is called where a block is loaded
}

// name is what the description is called in the code that packs it.
func (p *part) name() string {
	if p.op == nil {
		return p.param
	}
	return p.op.name
}

// rel is the layer's name, which a chain has from its last link.
func (l *layer) rel() string { return l.parts[len(l.parts)-1].rel }

// partParam is a description that loading a block takes, because it differs between
// uses.
type partParam struct{ layer, part int }

// step returns what the parameter describes in one of the block's uses.
func (p partParam) step(u *use) *plan.Step { return &u.steps[p.layer].Layers()[p.part] }

// wiring says how the views of a scope's steps hang together. Slot i is what step
// i writes; the slots after those are what is read and was not written by an
// earlier step, in order of first use.
type wiring struct {
	src      [][]int
	residual []int
	views    []runtime.View // by slot
}

func wire(steps []*plan.Step) *wiring {
	w := &wiring{}
	for _, s := range steps {
		w.views = append(w.views, s.Dst)
	}
	holds := map[runtime.View]int{}
	read := func(v runtime.View) int {
		slot, ok := holds[v]
		if !ok {
			slot = len(w.views)
			w.views = append(w.views, v)
			holds[v] = slot
		}
		return slot
	}
	for i, s := range steps {
		var src []int
		for _, v := range s.Src {
			src = append(src, read(v))
		}
		residual := -1
		if s.Residual != nil {
			residual = read(*s.Residual)
		}
		w.src = append(w.src, src)
		w.residual = append(w.residual, residual)
		holds[s.Dst] = i
	}
	return w
}

// body works out a block's layers, and the parameters of its two functions.
func (e *emitter) body(b *block) {
	for _, u := range b.uses {
		u.views = wire(u.steps).views
	}
	w := wire(b.uses[0].steps)
	stands, outputs := b.merge(w)
	e.layers(b)
	paramOf := e.params(b, stands, outputs)
	for i := range b.layers {
		l := &b.layers[i]
		l.dst = paramOf[i]
		for _, j := range w.src[i] {
			l.src = append(l.src, paramOf[j])
		}
		l.residual = -1
		if j := w.residual[i]; j >= 0 {
			l.residual = paramOf[j]
		}
	}
}

// merge finds the slots that need no parameter of their own: where a step writes
// over its argument in every use, one stands for both. It returns for each slot
// the one that stands for it, and of these the ones that are never read here.
func (b *block) merge(w *wiring) (stands []int, outputs []int) {
	same := func(i, j int) bool {
		return !slices.ContainsFunc(b.uses, func(u *use) bool { return u.views[i] != u.views[j] })
	}
	stands = make([]int, len(w.views))
	for i := range stands {
		stands[i] = i
	}
	isRead := make([]bool, len(w.views))
	for i, args := range w.src {
		if w.residual[i] >= 0 {
			args = append(slices.Clone(args), w.residual[i])
		}
		for _, j := range args {
			isRead[j] = true
			if same(i, j) {
				stands[i] = stands[j]
			}
		}
	}
	for i := range w.src {
		if !isRead[i] {
			outputs = append(outputs, stands[i])
		}
	}
	return stands, outputs
}

// layers fills in b.layers and b.args.
func (e *emitter) layers(b *block) {
	fields := names.New()
	fields.Reserve("forward")
	args := e.top.Inner()
	for i, s := range b.uses[0].steps {
		var l layer
		for _, u := range b.uses {
			l.steps = append(l.steps, u.steps[i])
		}
		l.parts = e.parts(s, b.uses[0].scope)
		for k := range l.parts {
			p, at := &l.parts[k], partParam{i, k}
			if slices.ContainsFunc(b.uses, func(u *use) bool { return e.op(at.step(u)) != p.op }) {
				p.op, p.param = nil, args.Take(names.Unexported(p.rel, "layer"))
				b.args = append(b.args, at)
			}
		}
		if packingOf(s.Op).layer != "" || l.parts[0].op == nil {
			l.field = fields.Take(names.Unexported(l.rel(), "layer"))
		}
		b.layers = append(b.layers, l)
	}
}

// parts lists the parts of a layer in a scope.
func (e *emitter) parts(s *plan.Step, scope string) []part {
	var parts []part
	for _, link := range s.Layers() {
		parts = append(parts, part{rel: within(scope, link.Name), op: e.op(&link)})
	}
	return parts
}

// params fills in b.params, outputs first, then inputs, then what is only used in
// between, and returns the parameter of each slot.
func (e *emitter) params(b *block, stands, outputs []int) []int {
	locals := e.top.Inner()
	locals.Reserve("b") // the receiver
	paramOf := make([]int, len(stands))
	add := func(which func(param) bool) {
		for slot, s := range stands {
			p := param{slot: slot, input: slot >= len(b.layers), output: slices.Contains(outputs, slot)}
			if s != slot || !which(p) {
				continue
			}
			switch {
			case p.input:
				p.name = "x"
			case p.output && len(outputs) == 1:
				p.name = "y"
			default:
				p.name = names.Unexported(b.layers[slot].rel(), "layer")
			}
			p.name = locals.Take(p.name)
			paramOf[slot] = len(b.params)
			b.params = append(b.params, p)
		}
	}
	add(func(p param) bool { return p.output })
	add(func(p param) bool { return p.input && !p.output })
	add(func(p param) bool { return !p.input && !p.output })
	for slot, s := range stands {
		paramOf[slot] = paramOf[s]
	}
	return paramOf
}

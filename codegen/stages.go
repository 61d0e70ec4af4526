package codegen

import (
	"slices"
	"strings"
	"unicode"

	"github.com/dave/jennifer/jen"

	"github.com/cnnc-dev/cnnc/codegen/names"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// maxUnits is how many calls a function may hold: about what a reader takes in,
// and far below what the Go compiler finds slow.
const maxUnits = 64

// unit is what one statement of a stage runs: a layer, or a block.
type unit struct {
	layer *layer
	use   *use
}

// function is a stage: a method of Model.
type function struct {
	name  string
	scope string // whose layers it runs; "" if they are not all of one
	units []unit
	views []*buffer
}

// buffer is a variable of a stage: the view of a buffer from its first channel.
type buffer struct {
	offset, pitch int
	name          string
	roles         []string // what is written there, by name
	outside       bool     // the first role was there before
	parts         bool     // it is filled part by part
	shapes        []shape.Shape
}

// cut divides the tree into functions: one for each labelled scope, the outermost
// that is not too long, and one for each run of what lies between.
func (e *emitter) cut(root *node) {
	for _, piece := range e.pieces(root) {
		f := &function{}
		if len(piece) == 1 && piece[0].calls() > 1 {
			f.scope = piece[0].name
		}
		for _, n := range piece {
			n.walk(func(n *node) bool {
				u, ok := e.unit(n)
				if ok {
					f.units = append(f.units, u)
				}
				return !ok
			})
		}
		e.funcs = append(e.funcs, f)
	}
	for i, f := range e.funcs {
		f.name = e.model.Take(names.Unexported(e.functionName(i), "stage"))
	}
	next := 0 // the first step of the function
	for _, f := range e.funcs {
		e.placeBuffers(f, next)
		for _, u := range f.units {
			next += len(u.steps())
		}
	}
}

// pieces lists the subtrees of each function, in order.
func (e *emitter) pieces(root *node) [][]*node {
	var all [][]*node
	var run []*node
	flush := func() {
		if run != nil {
			all = append(all, run)
			run = nil
		}
	}
	var visit func(n *node)
	visit = func(n *node) {
		for _, k := range n.kids {
			calls := k.calls()
			_, labelled := e.plan.Blocks[k.name]
			switch {
			case calls == 1:
				if len(run) == maxUnits {
					flush()
				}
				run = append(run, k)
			case labelled && calls <= maxUnits:
				flush()
				all = append(all, []*node{k})
			default:
				visit(k)
			}
		}
	}
	visit(root)
	flush()
	return all
}

// calls counts the statements that n becomes.
func (n *node) calls() int {
	if n.step != nil || n.block != nil {
		return 1
	}
	sum := 0
	for _, k := range n.kids {
		sum += k.calls()
	}
	return sum
}

// unit returns the statement of a layer or a shared block, and gives it a field
// of Model.
func (e *emitter) unit(n *node) (unit, bool) {
	var u unit
	switch {
	case n.step != nil:
		l := &layer{rel: n.name, steps: []*plan.Step{n.step}, op: e.op(n.step)}
		u.layer = l
		if packingOf(n.step.Op).layer == "" {
			return u, true
		}
		l.field = e.model.Take(names.Unexported(n.name, "layer"))
	case n.block != nil:
		i := slices.IndexFunc(n.block.uses, func(u *use) bool { return u.steps[0].Name == n.steps()[0].Name })
		u.use = n.block.uses[i]
		u.use.field = e.model.Take(names.Unexported(n.name, "block"))
	default:
		return u, false
	}
	e.fields = append(e.fields, u)
	return u, true
}

func (u unit) steps() []*plan.Step {
	if u.use != nil {
		return u.use.steps
	}
	return u.layer.steps
}

func (u unit) name() string {
	if u.use != nil {
		return u.use.scope
	}
	return u.layer.rel
}

// functionName is the scope's name, or says from where to where a run goes; the
// runs at the two ends are the stem and the head.
func (e *emitter) functionName(i int) string {
	f := e.funcs[i]
	switch {
	case len(e.funcs) == 1:
		return "forward"
	case f.scope != "":
		return f.scope
	case i == 0:
		return "stem"
	case i == len(e.funcs)-1:
		return "head"
	case len(f.units) == 1:
		return "run." + f.units[0].name()
	}
	first, last := f.units[0].name(), f.units[len(f.units)-1].name()
	scope := first[:max(strings.LastIndexByte(first, '.'), 0)]
	return first + ".to." + within(scope, last)
}

// placeBuffers declares the views that f uses, and names each after what it
// holds; one that holds different things in turn gets a letter.
func (e *emitter) placeBuffers(f *function, first int) {
	find := func(v runtime.View) *buffer {
		i := slices.IndexFunc(f.views, func(b *buffer) bool { return b.offset == v.Offset && b.pitch == v.Pitch })
		if i < 0 {
			f.views = append(f.views, &buffer{offset: v.Offset, pitch: v.Pitch})
			i = len(f.views) - 1
		}
		return f.views[i]
	}
	read := func(v runtime.View, s shape.Shape) {
		b := find(v)
		if b.roles == nil {
			b.roles = []string{e.arriving(v, first)}
			b.outside = true
			b.hold(s)
		}
	}
	write := func(v runtime.View, s shape.Shape, role string, inPlace bool) {
		b := find(v)
		b.hold(s)
		b.parts = b.parts || v.Channel > 0
		if !inPlace && !slices.Contains(b.roles, role) {
			b.roles = append(b.roles, role)
		}
	}
	for _, u := range f.units {
		if u.layer != nil {
			s := u.layer.steps[0]
			args := slices.Clone(s.Src)
			for i, v := range s.Src {
				read(v, s.In[i])
			}
			if s.Residual != nil {
				read(*s.Residual, s.Out)
				args = append(args, *s.Residual)
			}
			write(s.Dst, s.Out, f.role(s.Name), slices.Contains(args, s.Dst))
			continue
		}
		for _, p := range u.use.block.params {
			if p.input {
				read(u.use.views[p.slot], u.use.shapeAt(p.slot))
			}
		}
		for _, p := range u.use.block.params {
			if p.output || !p.input {
				write(u.use.views[p.slot], u.use.outputShape(p.slot), p.name, p.input)
			}
		}
	}

	locals := e.top.Inner()
	locals.Reserve("m", "s")
	letter := 'a'
	for _, b := range f.views {
		switch {
		case len(b.roles) == 1 && !(b.parts && !b.outside):
			b.name = b.roles[0]
		case b.outside && b.parts, b.outside && len(b.roles) == 2 && b.roles[1] == "y":
			b.name = b.roles[0]
		case b.parts:
			b.name = "cat"
		default:
			for letter == 'm' || letter == 's' {
				letter++
			}
			b.name = "t"
			if letter <= 'z' {
				b.name = string(letter)
			}
			letter++
		}
		b.name = locals.Take(b.name)
	}
}

// role names what a layer writes: by its name in f's scope, in full if that would
// begin with a number.
func (f *function) role(layer string) string {
	name := within(f.scope, layer)
	if unicode.IsDigit(rune(name[0])) {
		name = layer
	}
	return names.Unexported(name, "layer")
}

// hold notes the shape of a tensor that the buffer holds.
func (b *buffer) hold(s shape.Shape) {
	if !slices.ContainsFunc(b.shapes, s.Equal) {
		b.shapes = append(b.shapes, s)
	}
}

// arriving names what a function finds in a view: an input of the net, or x.
func (e *emitter) arriving(v runtime.View, first int) string {
	written := slices.ContainsFunc(e.plan.Steps[:first], func(s plan.Step) bool { return s.Dst.Offset == v.Offset })
	for _, p := range e.plan.Inputs {
		if p.View == v && !written {
			return names.Unexported(p.Name, "input")
		}
	}
	return "x"
}

// shapeAt returns the shape of what a slot holds: what a step writes, or what the
// first step to read it reads.
func (u *use) shapeAt(slot int) shape.Shape {
	if slot < len(u.steps) {
		return u.steps[slot].Out
	}
	for _, s := range u.steps {
		for i, v := range s.Src {
			if v == u.views[slot] {
				return s.In[i]
			}
		}
		if s.Residual != nil && *s.Residual == u.views[slot] {
			return s.Out
		}
	}
	return nil
}

// viewCode is the code of a view in f: x, or cat.From(64).
func (f *function) viewCode(v runtime.View) *jen.Statement {
	i := slices.IndexFunc(f.views, func(b *buffer) bool { return b.offset == v.Offset && b.pitch == v.Pitch })
	name := jen.Id(f.views[i].name)
	if v.Channel == 0 {
		return name
	}
	return name.Dot("From").Call(jen.Lit(v.Channel))
}

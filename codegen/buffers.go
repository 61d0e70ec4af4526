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

// buffer is a variable of a stage: the view of a buffer from its first channel.
type buffer struct {
	offset, pitch int
	name          string
	roles         []string // what it holds, by name: what was there before, what is written
	outside       bool     // the first role was there before
	parts         bool     // it is filled part by part
	shapes        []shape.Shape
}

// placeBuffers declares the views that f uses; first is the plan's step that f
// begins with.
func (e *emitter) placeBuffers(f *function, first int) {
	for _, u := range f.units {
		if u.use != nil {
			e.placeBlock(f, u.use, first)
		} else {
			e.placeLayer(f, u.layer.steps[0], first)
		}
	}
	locals := e.top.Inner()
	letters := "abcdefghijpqruvwz"
	for _, b := range f.views {
		name := b.role()
		if name == "" {
			name = "t"
			if letters != "" {
				name, letters = letters[:1], letters[1:]
			}
		}
		b.name = locals.Take(name)
	}
}

func (e *emitter) placeLayer(f *function, s *plan.Step, first int) {
	inPlace := slices.Contains(s.Src, s.Dst)
	for i, v := range s.Src {
		e.read(f, v, s.In[i], first)
	}
	if s.Residual != nil {
		e.read(f, *s.Residual, s.Out, first)
		inPlace = inPlace || *s.Residual == s.Dst
	}
	f.write(s.Dst, s.Out, f.roleOf(s.Name), inPlace)
}

func (e *emitter) placeBlock(f *function, u *use, first int) {
	for _, p := range u.block.params {
		if p.input {
			e.read(f, u.views[p.slot], u.shapeAt(p.slot), first)
		}
	}
	for _, p := range u.block.params {
		if p.output || !p.input {
			f.write(u.views[p.slot], u.outputShape(p.slot), p.name, p.input)
		}
	}
}

// read notes that f reads a view.
func (e *emitter) read(f *function, v runtime.View, s shape.Shape, first int) {
	if b := f.buffer(v); b.roles == nil {
		b.roles = []string{e.arriving(v, first)}
		b.outside = true
		b.hold(s)
	}
}

// write notes that f writes a view, over one of the arguments or not.
func (f *function) write(v runtime.View, s shape.Shape, role string, inPlace bool) {
	b := f.buffer(v)
	b.hold(s)
	b.parts = b.parts || v.Channel > 0
	if !inPlace && !slices.Contains(b.roles, role) {
		b.roles = append(b.roles, role)
	}
}

// buffer returns the buffer of a view, a new one if there is none.
func (f *function) buffer(v runtime.View) *buffer {
	for _, b := range f.views {
		if b.offset == v.Offset && b.pitch == v.Pitch {
			return b
		}
	}
	b := &buffer{offset: v.Offset, pitch: v.Pitch}
	f.views = append(f.views, b)
	return b
}

// viewCode is the code of a view in f: x, or cat.From(64).
func (f *function) viewCode(v runtime.View) *jen.Statement {
	name := jen.Id(f.buffer(v).name)
	if v.Channel == 0 {
		return name
	}
	return name.Dot("From").Call(jen.Lit(v.Channel))
}

// role returns the name for what a buffer holds, "" if it holds different things
// in turn.
func (b *buffer) role() string {
	switch {
	case b.outside && (b.parts || len(b.roles) == 2 && b.roles[1] == "y"):
		return b.roles[0] // x, and what a block makes of x
	case b.parts:
		return "cat"
	case len(b.roles) == 1:
		return b.roles[0]
	}
	return ""
}

// roleOf names what a layer writes: by its name in f's scope, in full if that
// would begin with a number.
func (f *function) roleOf(layer string) string {
	name := within(f.scope, layer)
	if strings.IndexFunc(name, unicode.IsDigit) == 0 {
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

// outputShape returns the shape of what is in a slot at the end.
func (u *use) outputShape(slot int) shape.Shape {
	s := u.shapeAt(slot)
	for _, step := range u.steps {
		if step.Dst == u.views[slot] {
			s = step.Out
		}
	}
	return s
}

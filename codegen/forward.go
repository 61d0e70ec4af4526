package codegen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// writeForward writes the stages, then the shared blocks.
func (e *emitter) writeForward(f *jen.File) {
	for _, fn := range e.funcs {
		e.writeStage(f, fn)
	}
	for _, b := range e.blocks {
		e.writeBlock(f, b)
	}
}

func (e *emitter) writeStage(f *jen.File, fn *function) {
	f.Add(comment("%s", fn.doc())).Line().
		Func().Params(jen.Id("m").Op("*").Id("Model")).Id(fn.name).Params(jen.Id("s").Op("*").Add(rt("Session"))).BlockFunc(func(g *jen.Group) {
		g.Var().DefsFunc(func(g *jen.Group) {
			for _, b := range fn.views {
				g.Id(b.name).Op("=").Add(rt("View")).Values(
					jen.Id("Offset").Op(":").Lit(b.offset), jen.Id("Pitch").Op(":").Lit(b.pitch),
				).Comment("// " + shapesText(b.shapes))
			}
		})
		for _, u := range fn.units {
			if u.use != nil {
				fn.runBlock(g, u.use)
			} else {
				fn.runLayer(g, u.layer)
			}
		}
	})
}

func (f *function) runBlock(g *jen.Group, u *use) {
	args := []jen.Code{jen.Id("s")}
	for _, p := range u.block.params {
		args = append(args, f.viewCode(u.views[p.slot]))
	}
	g.Add(comment("%s: %s", plain(u.scope), u.sizes()))
	g.Id("m").Dot(u.field).Dot("forward").Call(args...)
}

func (f *function) runLayer(g *jen.Group, l *layer) {
	s := l.steps[0]
	var src []jen.Code
	for _, v := range s.Src {
		src = append(src, f.viewCode(v))
	}
	var residual jen.Code
	if s.Residual != nil {
		residual = f.viewCode(*s.Residual)
	}
	l.comment(g)
	g.Add(l.call("m", f.viewCode(s.Dst), src, residual))
}

// doc describes a stage: its layers, and the shapes it begins and ends with.
func (f *function) doc() string {
	first, last := f.units[0].steps(), f.units[len(f.units)-1].steps()
	var scopes []string
	for _, u := range f.units {
		scopes = append(scopes, u.names()...)
	}
	runs := ranges(scopes)
	if len(scopes) > 4 {
		runs = plain(scopes[0]) + " to " + plain(scopes[len(scopes)-1])
	}
	return fmt.Sprintf("%s runs %s: %s -> %s.", f.name, runs, first[0].In[0], last[len(last)-1].Out)
}

// sizes says which shapes a block takes and makes.
func (u *use) sizes() string {
	var in, out []string
	for _, p := range u.block.params {
		if p.input {
			in = append(in, u.shapeAt(p.slot).String())
		}
		if p.output {
			out = append(out, u.outputShape(p.slot).String())
		}
	}
	return strings.Join(in, ", ") + " -> " + strings.Join(out, ", ")
}

// comment writes what stands above a layer's call: of each part, what it computes, the
// shapes it makes, where the spec says so.
func (l *layer) comment(g *jen.Group) {
	if len(l.parts) > 1 {
		g.Add(comment("a band of rows at a time:"))
	}
	for i, p := range l.parts {
		var steps []*plan.Step
		var shapes []shape.Shape
		for _, s := range l.steps {
			link := &s.Layers()[i]
			steps = append(steps, link)
			shapes = append(shapes, link.Out)
		}
		g.Add(comment("%s: %s -> %s%s", plain(p.rel), common(steps), shapesText(shapes), at(steps[0].Span)))
	}
}

// fieldType is the type of the field that runs a layer: what the loader packs, or the
// description of an op that runs as it stands.
func (l *layer) fieldType() string {
	if packed := packingOf(l.steps[0].Op).layer; packed != "" {
		return "*cnnrt." + packed
	}
	return "*cnnrt." + opType(l.steps[0].Op)
}

// call is the statement that runs a layer; receiver has its field.
func (l *layer) call(receiver string, dst jen.Code, src []jen.Code, residual jen.Code) *jen.Statement {
	target := jen.Id(receiver).Dot(l.field)
	if l.field == "" {
		target = jen.Id(l.parts[0].op.name)
	}
	method := "Run"
	if gated(l.steps[0].Op) {
		method += "Gated"
	}
	args := append([]jen.Code{jen.Id("s"), dst}, src...)
	if residual != nil {
		method += "Add"
		args = append(args, residual)
	}
	return target.Dot(method).Call(args...)
}

func (e *emitter) writeBlock(f *jen.File, b *block) {
	var scopes []string
	for _, u := range b.uses {
		scopes = append(scopes, u.scope)
	}
	f.Add(comment("%s is the block at %s: the same layers in the same order, with weights and sizes of their own.", b.name, ranges(scopes))).Line().
		Type().Id(b.name).StructFunc(func(g *jen.Group) {
		var fields fieldList
		for _, l := range b.layers {
			if l.field != "" {
				fields.add(l.field, l.fieldType())
			}
		}
		fields.write(g)
	})

	params := []jen.Code{jen.Id("s").Op("*").Add(rt("Session"))}
	var views []jen.Code
	for _, p := range b.params {
		views = append(views, jen.Id(p.name))
	}
	params = append(params, jen.List(views...).Add(rt("View")))
	view := func(i int) jen.Code { return jen.Id(b.params[i].name) }
	f.Add(comment("%s", b.forwardDoc())).Line().
		Func().Params(jen.Id("b").Op("*").Id(b.name)).Id("forward").Params(params...).BlockFunc(func(g *jen.Group) {
		for i := range b.layers {
			l := &b.layers[i]
			var src []jen.Code
			for _, j := range l.src {
				src = append(src, view(j))
			}
			var residual jen.Code
			if l.residual >= 0 {
				residual = view(l.residual)
			}
			l.comment(g)
			g.Add(l.call("b", view(l.dst), src, residual))
		}
	})
}

// forwardDoc says which parameters of a block are what.
func (b *block) forwardDoc() string {
	var in, out, between []string
	for _, p := range b.params {
		switch {
		case p.input && p.output:
			in = append(in, p.name)
			out = append(out, p.name+" in place")
		case p.input:
			in = append(in, p.name)
		case p.output:
			out = append(out, p.name)
		default:
			between = append(between, p.name)
		}
	}
	doc := "forward computes " + list(out)
	if !strings.HasSuffix(doc, " in place") || len(in) > 1 {
		doc += " from " + list(in)
	}
	switch len(between) {
	case 0:
	case 1:
		doc += fmt.Sprintf("; %s holds that layer's result", between[0])
	default:
		doc += fmt.Sprintf("; %s hold those layers' results", list(between))
	}
	return doc + "."
}

package codegen

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"
)

// writeSession writes Session: the borders of the forward pass.
func (e *emitter) writeSession(f *jen.File) {
	f.Add(comment("Session is the working memory and the threads of one inference at a time: it belongs to one goroutine at a time.")).Line().
		Type().Id("Session").Struct(
		jen.Id("model").Op("*").Id("Model"),
		jen.Id("rt").Op("*").Add(rt("Session")),
	)
	e.writeNewSession(f)
	f.Add(comment("Close ends the session's threads. A closed session still runs, on the caller's thread alone.")).Line().
		Func().Add(ofSession()).Id("Close").Params().Block(jen.Id("s").Dot("rt").Dot("Close").Call())
	e.writeForwards(f)
	e.writeRun(f)
}

func (e *emitter) writeNewSession(f *jen.File) {
	doc, options := "NewSession allocates a session; nothing after it allocates.", jen.Null()
	if e.batch > 1 {
		doc += fmt.Sprintf(" Its batch is %d unless an option says otherwise.", e.batch)
		options = jen.Id("opts").Op("=").Append(
			jen.Index().Add(rt("Option")).Values(rt("Batch").Call(jen.Lit(e.batch))), jen.Id("opts").Op("..."))
	}
	f.Add(comment("%s", doc)).Line().
		Func().Params(jen.Id("m").Op("*").Id("Model")).Id("NewSession").
		Params(jen.Id("opts").Op("...").Add(rt("Option"))).Op("*").Id("Session").Block(
		options,
		jen.Return(jen.Op("&").Id("Session").Values(
			jen.Id("model").Op(":").Id("m"),
			jen.Id("rt").Op(":").Add(rt("NewSession")).Call(jen.Id("m").Dot("memory"), jen.Id("opts").Op("...")),
		)),
	)
}

// writeForwards writes Forward and ForwardBatch.
func (e *emitter) writeForwards(f *jen.File) {
	ports, args := e.arguments()
	f.Add(comment("%s", e.forwardDoc())).Line().
		Func().Add(ofSession()).Id("Forward").Params(args.Clone().Index().Float32()).Error().Block(
		jen.Return(jen.Id("s").Dot("ForwardBatch").Call(args, jen.Lit(1))),
	)
	f.Add(comment("ForwardBatch is Forward for n images, one after the other in each slice, in chunks of the session's batch.")).Line().
		Func().Add(ofSession()).Id("ForwardBatch").Params(args.Clone().Index().Float32(), jen.Id("n").Int()).Error().BlockFunc(func(g *jen.Group) {
		for _, p := range ports {
			g.If(
				jen.Err().Op(":=").Add(rt("CheckLen")).Call(jen.Lit(e.pkg+": "+p.arg), jen.Len(jen.Id(p.arg)), jen.Id(p.len), jen.Id("n")),
				jen.Err().Op("!=").Nil(),
			).Block(jen.Return(jen.Err()))
		}
		g.For(jen.Id("n").Op(">").Lit(0)).BlockFunc(func(g *jen.Group) {
			g.Id("k").Op(":=").Min(jen.Id("n"), jen.Id("s").Dot("rt").Dot("Batch").Call())
			g.Id("s").Dot("run").Call(args, jen.Id("k"))
			for _, p := range ports {
				g.Id(p.arg).Op("=").Id(p.arg).Index(jen.Id("k").Op("*").Id(p.len).Op(":"))
			}
			g.Id("n").Op("-=").Id("k")
		})
		g.Return(jen.Nil())
	})
}

// writeRun writes the forward pass of a chunk.
func (e *emitter) writeRun(f *jen.File) {
	_, args := e.arguments()
	images := func(p port) *jen.Statement { return jen.Id(p.arg).Index(jen.Op(":").Id("k").Op("*").Id(p.len)) }
	f.Add(comment("run computes the first k images, no more than a batch.")).Line().
		Func().Add(ofSession()).Id("run").Params(args.Index().Float32(), jen.Id("k").Int()).BlockFunc(func(g *jen.Group) {
		g.Id("rt").Op(":=").Id("s").Dot("rt")
		g.Id("rt").Dot("Begin").Call(jen.Id("k"))
		g.Defer().Id("rt").Dot("End").Call()
		for _, p := range e.inputs {
			g.Id("rt").Dot("Input").Call(viewLiteral(p.View), jen.Id(p.shape).Call(), images(p))
		}
		for _, fn := range e.funcs {
			g.Id("s").Dot("model").Dot(fn.name).Call(jen.Id("rt"))
		}
		for _, p := range e.outputs {
			g.Id("rt").Dot("Output").Call(images(p), viewLiteral(p.View), jen.Id(p.shape).Call())
		}
	})
}

// arguments returns what the forward functions take, in order, and its code.
func (e *emitter) arguments() ([]port, *jen.Statement) {
	ports := slices.Concat(e.outputs, e.inputs)
	var names []jen.Code
	for _, p := range ports {
		names = append(names, jen.Id(p.arg))
	}
	return ports, jen.List(names...)
}

func ofSession() *jen.Statement { return jen.Params(jen.Id("s").Op("*").Id("Session")) }

// forwardDoc says which slice of Forward is what.
func (e *emitter) forwardDoc() string {
	describe := func(ps []port, preposition string) string {
		var out []string
		for _, p := range ps {
			text := plain(p.Name)
			if p.arg != p.Name {
				text += " " + preposition + " " + p.arg
			}
			out = append(out, text+" ("+p.len+" floats)")
		}
		return list(out)
	}
	return fmt.Sprintf("Forward takes %s and writes %s. Maps are in the session's layout, planes of channels "+
		"by default. It allocates nothing; a slice of another length is an error.",
		describe(e.inputs, "in"), describe(e.outputs, "into"))
}

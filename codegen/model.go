package codegen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// writeModel writes what the package offers: constants, Model, Session.
func (e *emitter) writeModel(f *jen.File) {
	for _, line := range e.packageDoc() {
		f.PackageComment(strings.TrimRight("// "+line, " "))
	}
	f.Add(comment("These lines compile with a runtime that fits this code, and with no other. If they do not, generate this "+
		"package again with the cnnc of the runtime's version.")).Line().
		Const().Defs(
		jen.Id("_").Op("=").Add(rt("EnforceVersion")).Call(rt("GenVersion").Op("-").Lit(runtime.GenVersion)),
		jen.Id("_").Op("=").Add(rt("EnforceVersion")).Call(jen.Lit(runtime.GenVersion).Op("-").Add(rt("MinVersion"))),
	)
	f.Line()
	e.writeConstants(f)
	e.writeTables(f)
	e.writeType(f)
	e.writeSession(f)
}

// packageDoc is the package comment, line by line.
func (e *emitter) packageDoc() []string {
	p := e.plan
	lines := []string{
		fmt.Sprintf("Package %s runs the network %s.", e.pkg, plain(p.Name)),
		"",
	}
	width := 0
	for _, port := range slices.Concat(e.inputs, e.outputs) {
		width = max(width, len(plain(port.Name)))
	}
	for _, port := range e.inputs {
		lines = append(lines, fmt.Sprintf("\tinput   %-*s  %s", width, plain(port.Name), port.Shape))
	}
	for _, port := range e.outputs {
		lines = append(lines, fmt.Sprintf("\toutput  %-*s  %s", width, plain(port.Name), port.Shape))
	}
	return append(lines, "",
		fmt.Sprintf("It has %s parameters and takes %s multiply-accumulates", thousands(p.Params), thousands(p.MACs)),
		fmt.Sprintf("and %s of working memory an image.", megabytes(p.Arena)))
}

func rt(name string) *jen.Statement { return jen.Qual(runtimePath, name) }

func (e *emitter) writeConstants(f *jen.File) {
	p := e.plan
	f.Const().DefsFunc(func(g *jen.Group) {
		g.Add(comment("Name is the network's name in its specification."))
		g.Id("Name").Op("=").Lit(p.Name)
		g.Add(comment("Params counts the trainable parameters; running statistics are not among them."))
		g.Id("Params").Int64().Op("=").Id(strconv.FormatInt(p.Params, 10))
		g.Add(comment("MACs counts the multiply-accumulates of the convolutions and linear layers for one image."))
		g.Id("MACs").Int64().Op("=").Id(strconv.FormatInt(p.MACs, 10))
		g.Add(comment("ArenaFloats is the working memory of a session, in floats, for each image of its batch."))
		g.Id("ArenaFloats").Op("=").Lit(p.Arena)
		g.Id("ArenaBytes").Op("=").Lit(4).Op("*").Id("ArenaFloats")
	})
	f.Add(comment("Floats of one image's tensors.")).Line().Const().DefsFunc(func(g *jen.Group) {
		for _, port := range slices.Concat(e.inputs, e.outputs) {
			g.Id(port.len).Op("=").Add(product(port.Port.Shape)).Comment("// " + plain(port.Name) + " " + port.Port.Shape.String())
		}
	})
	for _, port := range slices.Concat(e.inputs, e.outputs) {
		note := ": channels, height and width"
		if !port.Port.Shape.IsMap() {
			note = ", a vector: C is its features"
		}
		f.Add(comment("%s returns the shape of %s%s.", port.shape, plain(port.Name), note)).Line().
			Func().Id(port.shape).Params().Add(rt("Shape")).Block(jen.Return(shapeLiteral(port.Port.Shape)))
	}
}

func product(s shape.Shape) *jen.Statement {
	out := jen.Lit(s[0])
	for _, d := range s[1:] {
		out.Op("*").Lit(d)
	}
	return out
}

func shapeLiteral(s shape.Shape) *jen.Statement { return must(literal(dims(s), nil)) }

// viewLiteral writes a view; of one at the arena's beginning, the offset too.
func viewLiteral(v runtime.View) *jen.Statement {
	return must(literal(v, map[string]jen.Code{"Offset": jen.Lit(v.Offset)}))
}

// must unwraps a literal of a type that always has one.
func must(s *jen.Statement, err error) *jen.Statement {
	if err != nil {
		panic(err)
	}
	return s
}

// writeTables writes the names of the layers and the preprocessing.
func (e *emitter) writeTables(f *jen.File) {
	f.Add(comment("Layers names the layers in the order in which they run.")).Line().
		Var().Id("Layers").Op("=").Index().String().Add(stringTable(e.layerNames()))
	if e.preprocess != nil {
		f.Add(comment("Preprocess says how a picture becomes the input.")).Line().
			Var().Id("Preprocess").Op("=").Add(e.preprocess)
	}
}

// describePreprocess writes the preprocessing of the plan, if it has one.
func (e *emitter) describePreprocess() (err error) {
	if p := e.plan.Preprocess; p != nil {
		e.preprocess, err = literal(*p, nil)
	}
	return err
}

func (e *emitter) layerNames() []string {
	var out []string
	for i := range e.plan.Steps {
		for _, s := range e.plan.Steps[i].Layers() {
			out = append(out, s.Name)
		}
	}
	return out
}

// stringTable writes strings between braces, several a line.
func stringTable(items []string) *jen.Statement {
	var b braced
	for _, s := range items {
		b.add("", jen.Lit(s))
	}
	return b.code()
}

// writeLabels writes the names of the classes, one a line.
func (e *emitter) writeLabels(f *jen.File) {
	labels := make([]jen.Code, len(e.plan.Labels))
	for i, l := range e.plan.Labels {
		labels[i] = jen.Lit(l)
	}
	f.Add(comment("Labels names the classes in the order of the output.")).Line().
		Var().Id("Labels").Op("=").Index().String().
		Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, labels...)
}

// writeType writes Model and what makes one.
func (e *emitter) writeType(f *jen.File) {
	f.Add(comment("Model is the network with its weights. It does not change: any number of goroutines may use it, " +
		"each through a session of its own.")).Line().
		Type().Id("Model").StructFunc(func(g *jen.Group) {
		var fields fieldList
		for _, u := range e.fields {
			if u.use != nil {
				fields.add(u.use.field, u.use.block.name)
			} else {
				fields.add(u.layer.field, u.layer.fieldType())
			}
		}
		fields.write(g)
		g.Id("memory").Add(rt("Memory"))
	})

	f.Add(comment("Load reads the weights from a safetensors file or one of torch.save.")).Line().
		Func().Id("Load").Params(jen.Id("path").String()).Params(jen.Op("*").Id("Model"), jen.Error()).Block(
		jen.List(jen.Id("weights"), jen.Err()).Op(":=").Add(rt("OpenWeights")).Call(jen.Id("path")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.Defer().Id("weights").Dot("Close").Call(),
		jen.Return(jen.Id("New").Call(jen.Id("weights"))),
	)

	f.Add(comment("New packs weights. The error lists every tensor that is missing, has another shape, or is not the network's.")).Line().
		Func().Id("New").Params(jen.Id("weights").Add(rt("Tensors"))).Params(jen.Op("*").Id("Model"), jen.Error()).Block(
		jen.Id("l").Op(":=").Add(rt("NewLoader")).Call(jen.Id("weights")),
		jen.Id("m").Op(":=").Op("&").Id("Model").Add(e.loads()),
		jen.If(jen.Err().Op(":=").Id("l").Dot("Err").Call(), jen.Err().Op("!=").Nil()).Block(
			jen.Return(jen.Nil(), jen.Err()),
		),
		jen.Id("m").Dot("memory").Op("=").Id("l").Dot("Memory").Call(jen.Id("ArenaFloats")),
		jen.Return(jen.Id("m"), jen.Nil()),
	)
}

// fieldList is the fields of a struct; neighbours of one type share a line.
type fieldList struct{ fields []field }

type field struct{ names, typ string }

func (l *fieldList) add(name, typ string) {
	const width = 70
	if n := len(l.fields); n > 0 && l.fields[n-1].typ == typ && len(l.fields[n-1].names)+len(name) < width {
		l.fields[n-1].names += ", " + name
		return
	}
	l.fields = append(l.fields, field{name, typ})
}

func (l *fieldList) write(g *jen.Group) {
	for _, f := range l.fields {
		g.Id(f.names).Id(f.typ)
	}
}

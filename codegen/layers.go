package codegen

import (
	"reflect"

	"github.com/dave/jennifer/jen"

	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/runtime"
)

// writeLayers writes the static descriptions, and what packs a shared block.
func (e *emitter) writeLayers(f *jen.File) {
	f.Add(comment("What the layers compute. Those that compute the same share a description.")).Line().Var().DefsFunc(func(g *jen.Group) {
		for _, o := range e.ops {
			g.Add(comment("%s", ranges(o.layers)))
			g.Id(o.name).Op("=").Op("&").Add(o.literal)
		}
	})
	for _, b := range e.blocks {
		e.writeLoad(f, b)
	}
	if e.norms.used {
		e.norms.write(f)
	}
}

// loads is the composite literal of a Model: every layer and block packed.
func (e *emitter) loads() jen.Code {
	var fields []jen.Code
	for _, u := range e.fields {
		if u.layer != nil {
			s := u.layer.steps[0]
			fields = append(fields, jen.Id(u.layer.field).Op(":").Add(
				e.pack(s, u.layer.parts, func(key string) *jen.Statement { return jen.Lit(key) })))
			continue
		}
		args := []jen.Code{jen.Id("l"), jen.Lit(u.use.scope)}
		for i, a := range u.use.block.args {
			arg := jen.Id(e.op(a.step(u.use)).name)
			if i == 0 {
				arg = jen.Line().Add(arg)
			}
			args = append(args, arg)
		}
		fields = append(fields, jen.Id(u.use.field).Op(":").Id(u.use.block.load).Call(args...))
	}
	return jen.Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, fields...)
}

// pack is the call of the loader for a layer, or for a chain and each of its links; of a
// layer that runs as it stands, its description.
func (e *emitter) pack(s *plan.Step, parts []part, key func(string) *jen.Statement) *jen.Statement {
	if c, ok := s.Op.(*plan.Chain); ok {
		var links []jen.Code
		for i := range c.Links {
			links = append(links, e.pack(&c.Links[i], parts[i:i+1], key))
		}
		return jen.Id("l").Dot("Chain").Custom(jen.Options{Open: "(", Close: ")", Separator: ",", Multi: true}, links...)
	}
	op := parts[0].name()
	how := packingOf(s.Op)
	if how.method == "" {
		return jen.Id(op)
	}
	var args []jen.Code
	if how.key && len(s.Parts) == 0 {
		args = append(args, key(s.Key))
	}
	args = append(args, jen.Id(op))
	if len(s.Parts) > 0 {
		how.method = "ConvParts"
		args = append(args, e.convParts(s.Parts, key))
	}
	if how.norms {
		for _, n := range s.Norms {
			var dims jen.Code
			if field, ok := dimsOf(s.Op, n); ok && op != e.op(s).name {
				values := []jen.Code{jen.Id(op).Dot(field)}
				for _, d := range n.Dims[1:] {
					values = append(values, jen.Lit(d))
				}
				dims = jen.Index().Int().Values(values...)
			}
			args = append(args, e.norms.code(n, key, dims))
		}
	}
	return jen.Id("l").Dot(how.method).Call(args...)
}

// convParts is the list of the convolutions that one was made of, one a line.
func (e *emitter) convParts(parts []runtime.Part, key func(string) *jen.Statement) *jen.Statement {
	lines := make([]jen.Code, len(parts))
	for i, p := range parts {
		replace := map[string]jen.Code{"Key": key(p.Key)}
		if len(p.Norms) > 0 {
			norms := make([]jen.Code, len(p.Norms))
			for j, n := range p.Norms {
				norms[j] = e.norms.element(n, key)
			}
			replace["Norms"] = jen.Index().Add(rt("Norm")).Values(norms...)
		}
		lines[i] = must(structFields(reflect.ValueOf(p), replace))
	}
	return jen.Index().Add(rt("Part")).Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, lines...)
}

// writeLoad writes the function that packs one use of a block.
func (e *emitter) writeLoad(f *jen.File, b *block) {
	params := []jen.Code{jen.Id("l").Op("*").Add(rt("Loader")), jen.Id("key").String()}
	for i, a := range b.args {
		p := jen.Id(b.layers[a.layer].parts[a.part].param)
		typ := opType(a.step(b.uses[0]).Op)
		if i == len(b.args)-1 || opType(b.args[i+1].step(b.uses[0]).Op) != typ {
			p.Op("*").Add(rt(typ))
		}
		params = append(params, p)
	}
	scope := b.uses[0].scope
	key := func(full string) *jen.Statement { return jen.Id("key").Op("+").Lit("." + within(scope, full)) }

	var fields []jen.Code
	for _, l := range b.layers {
		if l.field == "" {
			continue
		}
		fields = append(fields, jen.Id(l.field).Op(":").Add(e.pack(l.steps[0], l.parts, key)))
	}
	f.Add(comment("%s packs the weights whose keys begin with key.", b.load)).Line().
		Func().Id(b.load).Params(params...).Id(b.name).Block(
		jen.Return(jen.Id(b.name).Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, fields...)),
	)
}

// normHelper writes batch normalisations, which every convolution of a modern
// net has, as calls of a function batchNorm; eps is its argument if the net has
// more than one.
type normHelper struct {
	used bool
	eps  *float64 // nil if there are several
}

func newNormHelper(steps []plan.Step) normHelper {
	var h normHelper
	count := 0
	one := true
	for i := range steps {
		for _, n := range steps[i].AllNorms() {
			if !ordinary(n) {
				continue
			}
			count++
			one = one && (h.eps == nil || *h.eps == n.Eps)
			h.eps = &n.Eps
		}
	}
	if !one {
		h.eps = nil
	}
	h.used = count > 1
	return h
}

// ordinary reports whether a norm is a batch normalisation of the usual kind.
func ordinary(n runtime.Norm) bool {
	return n.Kind == runtime.BatchNorm && n.Affine && !n.Before && n.Dims == nil && n.Scale == nil && n.Shift == nil
}

// code is a norm; dims, if not nil, is code for its Dims.
func (h normHelper) code(n runtime.Norm, key func(string) *jen.Statement, dims jen.Code) *jen.Statement {
	if call, ok := h.call(n, key); ok {
		return call
	}
	return rt("Norm").Add(normFields(n, key, dims))
}

// element is a norm in a list of them, which says of what type they are.
func (h normHelper) element(n runtime.Norm, key func(string) *jen.Statement) *jen.Statement {
	if call, ok := h.call(n, key); ok {
		return call
	}
	return normFields(n, key, nil)
}

// call is a norm that batchNorm makes.
func (h normHelper) call(n runtime.Norm, key func(string) *jen.Statement) (call *jen.Statement, ok bool) {
	if !h.used || !ordinary(n) {
		return nil, false
	}
	if h.eps != nil {
		return jen.Id("batchNorm").Call(key(n.Key)), true
	}
	return jen.Id("batchNorm").Call(key(n.Key), must(number(n.Eps, 64))), true
}

// normFields is the literal of a norm without its type.
func normFields(n runtime.Norm, key func(string) *jen.Statement, dims jen.Code) *jen.Statement {
	replace := map[string]jen.Code{"Kind": rt(constantName(n.Kind))}
	if n.Key != "" {
		replace["Key"] = key(n.Key)
	}
	if dims != nil {
		replace["Dims"] = dims
	}
	return must(structFields(reflect.ValueOf(n), replace))
}

func (h normHelper) write(f *jen.File) {
	params := []jen.Code{jen.Id("key").String()}
	eps := jen.Id("eps")
	if h.eps != nil {
		eps = must(number(*h.eps, 64))
	} else {
		params = append(params, jen.Id("eps").Float64())
	}
	lit := must(literal(runtime.Norm{Affine: true}, map[string]jen.Code{
		"Kind": rt("BatchNorm"), "Key": jen.Id("key"), "Eps": eps,
	}))
	f.Add(comment("batchNorm is a batch normalisation that is folded into the layer before it.")).Line().
		Func().Id("batchNorm").Params(params...).Add(rt("Norm")).Block(jen.Return(lit))
}

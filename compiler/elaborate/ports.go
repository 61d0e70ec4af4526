package elaborate

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// input is a declared input of the network; output a named result.
type (
	input struct {
		name   string
		tensor tensor
		at     diag.Span
	}
	output struct {
		name   string
		tensor tensor
		at     diag.Span
	}
)

// netOnly reports whether the running frame is a net, where what may stand.
func (e *elab) netOnly(at diag.Span, what string) bool {
	if e.top().inNet {
		return true
	}
	e.report(errOutOfNet(at, what))
	return false
}

func (e *elab) input(s *scope, st *dsl.Input) {
	f := e.top()
	s.vars[st.Name.Name] = bad{}
	if !e.netOnly(st.Src, "input") {
		return
	}
	if s.parent != nil {
		e.report(errNestedInput(st.Src))
		return
	}
	if !f.root {
		if f.taken < len(f.args) {
			s.vars[st.Name.Name] = f.args[f.taken]
			f.taken++
		}
		return
	}
	dims := make([]int, len(st.Dims))
	for i, d := range st.Dims {
		n, ok := e.intExpr(s, d, "an axis of an input")
		if !ok {
			return
		}
		dims[i] = clampInt(n)
	}
	sh, err := shape.New(dims...)
	if err != nil {
		e.report(errInputShape(st.Src, err))
		return
	}
	for _, in := range e.inputs {
		if in.name == st.Name.Name {
			e.report(errInputTwice(st.Name.Src, in.name, in.at))
			return
		}
	}
	name, ok := e.claim(st.Name.Name, false, st.Name.Src)
	if !ok {
		return
	}
	id, err := e.b.Input(name, sh, st.Src)
	if err != nil {
		e.report(errInternal(err))
		return
	}
	e.made(name, false, st.Name.Src)
	t := tensor{id, sh}
	e.inputs = append(e.inputs, input{name, t, st.Src})
	s.vars[st.Name.Name] = t
}

func (e *elab) output(s *scope, st *dsl.Output) {
	f := e.top()
	if !e.netOnly(st.Src, "output") {
		return
	}
	var v value
	at := st.Name.Src
	if st.Value == nil {
		v = e.name(s, &dsl.Name{At: st.Name.At, Name: st.Name.Name}, false)
	} else {
		v = e.expr(s, st.Value)
		at = st.Value.Span()
	}
	t, ok := e.asTensor(argument{value: v, at: at}, "an output")
	if !ok {
		return
	}
	outs := &e.outputs
	if !f.root {
		outs = &f.outputs
	}
	for _, o := range *outs {
		if o.name == st.Name.Name {
			e.report(errOutputTwice(st.Name.Src, o.name, o.at))
			return
		}
	}
	*outs = append(*outs, output{st.Name.Name, t, st.Src})
	if s.holder(st.Name.Name) == nil {
		s.vars[st.Name.Name] = t // an output can go on being used
	}
}

// result makes the value of a net's last flow its output, the first one.
func (e *elab) result(v value, at diag.Span) bool {
	if l, ok := v.(list); ok && len(l.elems) == 1 {
		v = l.elems[0]
	}
	t, ok := e.asTensor(argument{value: v, at: at}, "the net's last flow")
	if !ok {
		return false
	}
	const name = "output"
	for _, o := range e.outputs {
		if o.name == name {
			e.report(errOutputTwice(at, name, o.at))
			return false
		}
	}
	e.outputs = slices.Insert(e.outputs, 0, output{name: name, tensor: t, at: at})
	return true
}

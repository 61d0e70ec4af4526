package elaborate

import (
	"path"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// userNet is a declared net. If base is set, it is that net with other defaults.
type userNet struct {
	decl *dsl.Net
	file *fileEnv
	base *userNet
	// params are what can be set: its own parameters, then those of the base
	// that have no namesake among them.
	params []netParam
}

type netParam struct {
	name string
	decl *dsl.Param // where it is declared
	file *fileEnv   // the file of the declaration
	// fixed is what an alias passes for it instead of the default.
	fixed dsl.Expr
	by    *fileEnv // the file that fixed is written in
}

func (n *userNet) title() string { return n.decl.Name.Name }

// signature is that of the net used as a block: its inputs come first.
func (n *userNet) signature() signature {
	s := signature{decl: n.decl.Name.Src}
	for _, in := range n.inputs() {
		s.params = append(s.params, param{name: in.Name.Name})
	}
	for _, p := range n.params {
		s.params = append(s.params, param{name: p.name, optional: p.decl.Default != nil || p.fixed != nil})
	}
	return s
}

// inputs returns the input statements.
func (n *userNet) inputs() []*dsl.Input {
	for n.base != nil {
		n = n.base
	}
	var ins []*dsl.Input
	if n.decl.Body == nil {
		return nil
	}
	for _, st := range n.decl.Body.Stmts {
		if in, ok := st.(*dsl.Input); ok {
			ins = append(ins, in)
		}
	}
	return ins
}

// net returns the net that d declares in file, or nil after reporting why there
// is none.
func (e *elab) net(file *fileEnv, d *dsl.Net) *userNet {
	if n, ok := e.nets[d]; ok {
		if n == nil {
			e.report(errNetCycle(d.Name.Src, d.Name.Name))
		}
		return n
	}
	e.nets[d] = nil // until it is complete, it must not be its own base
	n := &userNet{decl: d, file: file}
	for i := range d.Params {
		p := &d.Params[i]
		n.params = append(n.params, netParam{name: p.Name.Name, decl: p, file: file})
	}
	if d.Base != nil && !e.specialise(n) {
		return nil
	}
	e.nets[d] = n
	return n
}

// specialise gives an alias its base's parameters.
func (e *elab) specialise(n *userNet) bool {
	call := n.decl.Base
	id, ok := call.Fun.(*dsl.Name)
	if !ok {
		e.report(errNotNet(call.Fun.Span(), "this"))
		return false
	}
	if !e.enter(&frame{what: "net " + n.title(), file: n.file, call: n.decl.Src}) {
		return false
	}
	defer e.leave()
	v := e.name(newScope(nil), id, true)
	if isBad(v) {
		return false
	}
	base, ok := v.(*userNet)
	if !ok {
		e.report(errNotNet(id.Src, id.Name))
		return false
	}
	n.base = base
	fixed, ok := e.fixed(n, base)
	if !ok {
		return false
	}
	own := len(n.params)
	for i, p := range base.params {
		if slices.ContainsFunc(n.params[:own], func(q netParam) bool { return q.name == p.name }) {
			continue
		}
		if fixed[i] != nil {
			p.fixed, p.by = fixed[i], n.file
		}
		n.params = append(n.params, p)
	}
	return true
}

// fixed distributes the arguments of an alias over its base's parameters,
// unevaluated.
func (e *elab) fixed(n, base *userNet) ([]dsl.Expr, bool) {
	sig := signature{decl: base.decl.Name.Src}
	for _, p := range base.params {
		sig.params = append(sig.params, param{name: p.name, optional: true})
	}
	args := make([]argument, len(n.decl.Base.Args))
	for i, a := range n.decl.Base.Args {
		args[i] = argument{value: a.Value, at: a.Value.Span(), name: a.Name}
	}
	bound, ok := e.bind(base, sig, nil, call{args: args, at: n.decl.Base.Src}, 0)
	if !ok {
		return nil, false
	}
	out := make([]dsl.Expr, len(bound))
	for i, b := range bound {
		if b != nil {
			out[i] = b.value.(dsl.Expr)
		}
	}
	return out, true
}

// findNet returns the net that elaboration is for.
func (e *elab) findNet(f *fileEnv, name string) *userNet {
	names := f.netNames()
	at := diag.Span{Start: diag.Pos{File: f.name}, End: diag.Pos{File: f.name}}
	if name == "" && len(names) > 0 {
		name = names[0]
		if stem := strings.TrimSuffix(path.Base(f.name), ".cnn"); slices.Contains(names, stem) {
			name = stem
		}
	}
	d, ok := f.decls[name].(*dsl.Net)
	if !ok {
		if !e.diags.HasErrors() { // else it may be among what could not be read
			e.report(errNoNet(at, f.name, name, names))
		}
		return nil
	}
	return e.net(f, d)
}

// runRoot elaborates n as the network.
func (e *elab) runRoot(n *userNet, overrides []Override) {
	given, ok := e.overrides(n, overrides)
	if !ok {
		return
	}
	e.varied = len(overrides) > 0 || n.base != nil
	f := &frame{what: "net " + n.title(), inNet: true, root: true}
	value := e.runNet(n, given, f)
	if e.diags.HasErrors() || e.stopped {
		return
	}
	if len(e.inputs) == 0 {
		e.report(errNoInput(n.decl.Name.Src, n.title()))
	}
	if value != nil && !e.result(value, f.resultAt) {
		return
	}
	if len(e.outputs) == 0 {
		e.report(errNoOutput(n.decl.Name.Src, n.title()))
		return
	}
	for _, o := range e.outputs {
		e.b.Output(o.name, o.tensor.id)
	}
}

// runNet runs the body of n with what is given for its parameters, in the frame
// f, and returns the value of its last flow.
func (e *elab) runNet(n *userNet, given map[string]*argument, f *frame) value {
	if n.base != nil {
		passed, ok := e.pass(n, given, f)
		if !ok {
			return bad{}
		}
		return e.runNet(n.base, passed, f)
	}
	f.file, f.body = n.file, n.decl.Body
	if !e.enter(f) {
		return bad{}
	}
	defer e.leave()
	s := newScope(nil)
	bound := make([]*argument, len(n.params))
	for i, p := range n.params {
		bound[i] = given[p.name]
		if bound[i] == nil && p.decl.Default == nil {
			e.report(errMissingParam(p.decl.Src, n.title(), p.name))
			return bad{}
		}
	}
	if n.decl.Body == nil || !e.params(s, n, n.decl.Params, bound) {
		return bad{}
	}
	r := e.body(n.decl.Body, s)
	f.resultAt = r.at
	return r.value
}

// pass computes what an alias gives to its base: what is given from outside,
// else the argument of the alias, else its own parameter of the same name.
func (e *elab) pass(n *userNet, given map[string]*argument, outer *frame) (map[string]*argument, bool) {
	if !e.enter(&frame{what: "net " + n.title(), file: n.file, call: outer.call}) {
		return nil, false
	}
	defer e.leave()
	s := newScope(nil)
	bound := make([]*argument, len(n.decl.Params))
	for i, p := range n.decl.Params {
		bound[i] = given[p.Name.Name]
		if bound[i] == nil && p.Default == nil {
			e.report(errMissingParam(p.Src, n.title(), p.Name.Name))
			return nil, false
		}
	}
	if !e.params(s, n, n.decl.Params, bound) {
		return nil, false
	}
	fixed, ok := e.fixed(n, n.base)
	if !ok {
		return nil, false
	}
	passed := map[string]*argument{}
	for i, p := range n.base.params {
		own := slices.ContainsFunc(n.decl.Params, func(q dsl.Param) bool { return q.Name.Name == p.name })
		switch {
		case given[p.name] != nil && !own:
			passed[p.name] = given[p.name]
		case fixed[i] != nil:
			v := e.expr(s, fixed[i])
			if isBad(v) {
				return nil, false
			}
			passed[p.name] = &argument{value: v, at: fixed[i].Span()}
		case own:
			passed[p.name] = &argument{value: s.vars[p.name], at: n.decl.Name.Src}
		}
	}
	return passed, true
}

// runNetBlock runs a net as a block of another: its inputs are arguments, its
// outputs the result, its preprocessing and labels don't count.
func (e *elab) runNetBlock(n *userNet, bound []*argument, c call) value {
	f := &frame{what: "net " + n.title(), call: c.at, inNet: true}
	if !e.inherit(f, c) {
		return bad{}
	}
	ins := n.inputs()
	for i := range ins {
		t, ok := e.asTensor(*bound[i], "the input "+ins[i].Name.Name)
		if !ok {
			return bad{}
		}
		f.args = append(f.args, t)
	}
	given := map[string]*argument{}
	for i, p := range n.params {
		given[p.name] = bound[len(ins)+i]
	}
	v := e.runNet(n, given, f)
	if isBad(v) {
		return v
	}
	var outs []value
	if v != nil {
		outs = append(outs, v)
	}
	for _, o := range f.outputs {
		outs = append(outs, o.tensor)
	}
	switch len(outs) {
	case 0:
		e.report(errNoOutput(n.decl.Name.Src, n.title()))
		return bad{}
	case 1:
		v = outs[0]
	default:
		v = e.list(outs, c.at)
	}
	e.completed(f, n.title(), c.label, v)
	return v
}

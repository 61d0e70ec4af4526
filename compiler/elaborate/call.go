package elaborate

import (
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// callable is what can stand before parentheses or in a pipe: *primitive,
// *builtin, *userBlock, *userFunc, *userNet or *partial.
type callable interface {
	title() string // its name, for messages
	signature() signature
}

// signature is what arguments are distributed over.
type signature struct {
	params []param
	// variadic: the first parameter takes all positional arguments, as a list.
	variadic bool
	decl     diag.Span // where it is declared; zero if the language brings it along
}

type param struct {
	name     string
	optional bool
}

func (s signature) names() []string {
	names := make([]string, len(s.params))
	for i, p := range s.params {
		names[i] = p.name
	}
	return names
}

// argument is a value on its way into a call.
type argument struct {
	value value
	at    diag.Span
	name  *dsl.Ident // nil: positional
}

// call is one call, or one stage of a pipe.
type call struct {
	fun   value
	piped *argument // nil outside a pipe; the first argument otherwise
	args  []argument
	at    diag.Span // all of it
	name  diag.Span // what is called
	label *dsl.Label
	scope *scope // where the label's computed parts are evaluated
}

type (
	userBlock struct {
		decl *dsl.Block
		file *fileEnv
	}
	userFunc struct {
		decl *dsl.Func
		file *fileEnv
	}
	// partial is a block that waits for its tensor: some arguments are given,
	// the first is not.
	partial struct {
		of    callable
		bound []*argument // by parameter; nil where not given
	}
)

func (b *userBlock) title() string { return b.decl.Name.Name }
func (f *userFunc) title() string  { return f.decl.Name.Name }
func (p *partial) title() string   { return p.of.title() }

func (b *userBlock) signature() signature { return declared(b.decl.Params, b.decl.Name.Src) }
func (f *userFunc) signature() signature  { return declared(f.decl.Params, f.decl.Name.Src) }
func (p *partial) signature() signature   { return p.of.signature() }

func declared(params []dsl.Param, at diag.Span) signature {
	s := signature{decl: at, params: make([]param, len(params))}
	for i, p := range params {
		s.params[i] = param{name: p.Name.Name, optional: p.Default != nil}
	}
	return s
}

// call performs c. A block whose tensor is not among the arguments does not
// run: the result is the block, waiting.
func (e *elab) call(c call) value {
	if isBad(c.fun) || c.piped != nil && isBad(c.piped.value) {
		return bad{}
	}
	fun, ok := c.fun.(callable)
	if !ok {
		e.report(errNotCallable(c.name, c.fun, c.piped != nil))
		return bad{}
	}
	var pre []*argument
	if p, ok := fun.(*partial); ok {
		fun, pre = p.of, p.bound
	}
	sig := fun.signature()
	waits := false
	switch fun.(type) {
	case *builtin, *userFunc:
		if c.label != nil {
			e.report(errLabelOnFunction(c.label.Src, fun.title()))
		}
	default:
		waits = !c.givesFirst(sig)
	}
	from := 0
	if waits {
		from = 1
	}
	bound, ok := e.bind(fun, sig, pre, c, from)
	if !ok {
		return bad{}
	}
	if waits {
		return &partial{of: fun, bound: bound}
	}
	for i, p := range sig.params {
		if bound[i] == nil && !p.optional {
			e.report(errMissing(c.at, fun, p.name))
			return bad{}
		}
	}
	switch fun := fun.(type) {
	case *primitive:
		return e.runPrimitive(fun, bound, c)
	case *builtin:
		return e.runBuiltin(fun, bound, c)
	case *userFunc:
		return e.runFunc(fun, bound, c)
	case *userBlock:
		return e.runBlock(fun, bound, c)
	case *userNet:
		return e.runNetBlock(fun, bound, c)
	}
	panic("elaborate: callable of unknown type")
}

// givesFirst reports whether c has a value for the first parameter of a block:
// the piped one, a first argument that is a tensor, or one of its name.
func (c *call) givesFirst(sig signature) bool {
	if c.piped != nil {
		return true
	}
	for i, a := range c.args {
		if a.name == nil && (i == 0 && holdsTensor(a.value) || sig.variadic) {
			return true
		}
		if a.name != nil && len(sig.params) > 0 && a.name.Name == sig.params[0].name {
			return true
		}
	}
	return false
}

// bind distributes the arguments of c over the parameters. A positional one
// goes to the first parameter, counted from from, that has none yet; so those
// given by name before it are passed over. What pre holds, from an earlier
// partial call, may be replaced by name. It is not ok if an argument is wrong or
// bad.
func (e *elab) bind(fun callable, sig signature, pre []*argument, c call, from int) ([]*argument, bool) {
	bound := make([]*argument, len(sig.params))
	copy(bound, pre)
	given := make([]bool, len(sig.params))
	ok := true
	args := c.args
	if c.piped != nil {
		args = append([]argument{*c.piped}, args...)
	}
	var rest []value
	next := from
	for _, a := range args {
		ok = ok && !isBad(a.value)
		switch {
		case a.value == nil:
			e.report(errNoValue(a.at, "this argument"))
			ok = false
		case a.name != nil:
			i := indexOf(sig.params, a.name.Name)
			if i < 0 {
				e.report(errUnknownArgument(a.name.Src, fun, sig, a.name.Name))
				ok = false
				continue
			}
			if given[i] {
				e.report(errGivenTwice(a.name.Src, fun, a.name.Name))
				ok = false
				continue
			}
			bound[i], given[i] = &a, true
		case sig.variadic:
			rest = append(rest, a.value)
			if bound[0] == nil {
				bound[0] = &argument{at: a.at}
			}
		default:
			for next < len(bound) && bound[next] != nil {
				next++
			}
			if next == len(bound) {
				e.report(errTooMany(a.at, fun, sig))
				return nil, false
			}
			bound[next], given[next] = &a, true
		}
	}
	if rest != nil {
		bound[0].value = e.list(rest, c.at)
	}
	return bound, ok
}

func indexOf(params []param, name string) int {
	for i, p := range params {
		if p.name == name {
			return i
		}
	}
	return -1
}

// params makes the variables of a block, net or function: what was given, else
// the default, which sees the parameters before it.
func (e *elab) params(s *scope, who callable, decls []dsl.Param, bound []*argument) bool {
	ok := true
	for i, p := range decls {
		var v value
		switch {
		case bound[i] == nil:
			v = e.something(p.Default, e.expr(s, p.Default))
		case p.Default == nil:
			v = bound[i].value
		default:
			v = e.typed(s, who, p, *bound[i])
		}
		ok = ok && !isBad(v)
		s.vars[p.Name.Name] = v
	}
	return ok
}

// typed converts an argument to the type of the parameter's default, or
// reports that it can't. Int and size go for each other: a kernel is 3 or 1x7.
func (e *elab) typed(s *scope, who callable, p dsl.Param, a argument) value {
	var def value
	e.quietly(func() { def = e.expr(s, p.Default) })
	want, have := kind(def), kind(a.value)
	switch {
	case isBad(def), isBad(a.value), want == have, want == "nothing":
		return a.value
	case want == "float" && have == "int":
		return float64(a.value.(int64))
	case want == "int" && have == "float":
		if n, ok := whole(a.value); ok {
			return n
		}
	case want == "int" && have == "size", want == "size" && have == "int",
		want == "list" && have == "range", want == "range" && have == "list":
		return a.value
	}
	e.report(errParamType(a.at, who, p, def, a.value))
	return bad{}
}

// runFunc evaluates a function of constants.
func (e *elab) runFunc(fun *userFunc, bound []*argument, c call) value {
	if !e.enter(&frame{what: "fn " + fun.title(), file: fun.file, call: c.at}) {
		return bad{}
	}
	defer e.leave()
	s := newScope(nil)
	if !e.params(s, fun, fun.decl.Params, bound) {
		return bad{}
	}
	return e.expr(s, fun.decl.Body)
}

// runBlock runs a block; its names start with the scope of the call, and the
// call's label if there is one.
func (e *elab) runBlock(fun *userBlock, bound []*argument, c call) value {
	f := &frame{what: "block " + fun.title(), file: fun.file, call: c.at, body: fun.decl.Body}
	if !e.inherit(f, c) || !e.enter(f) {
		return bad{}
	}
	defer e.leave()
	s := newScope(nil)
	if !e.params(s, fun, fun.decl.Params, bound) {
		return bad{}
	}
	r := e.body(fun.decl.Body, s)
	if r.value == nil {
		e.report(errNoResult(fun.decl.Name.Src, fun.title()))
		return bad{}
	}
	e.completed(f, fun.title(), c.label, r.value)
	return r.value
}

// inherit makes the names of f, called by c, begin with the caller's scope and
// c's label.
func (e *elab) inherit(f *frame, c call) bool {
	caller := e.top()
	f.prefix, f.scopes = caller.prefix, caller.scopes
	if c.label == nil {
		return true
	}
	text, ok := e.label(c.scope, c.label)
	return ok && e.pushScope(f, text, c.label.Src)
}

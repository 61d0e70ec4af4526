package elaborate

import (
	"maps"
	"slices"

	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// scope holds the variables of one { }.
type scope struct {
	parent *scope // nil: the outermost of its frame
	vars   map[string]value
}

func newScope(parent *scope) *scope {
	return &scope{parent: parent, vars: map[string]value{}}
}

// holder returns the nearest scope that has name, or nil.
func (s *scope) holder(name string) *scope {
	for ; s != nil; s = s.parent {
		if _, ok := s.vars[name]; ok {
			return s
		}
	}
	return nil
}

// outermost returns the scope of the frame's own { }.
func (s *scope) outermost() *scope {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

// frame is one running block, net or function.
type frame struct {
	what string    // "block bottleneck", for messages
	file *fileEnv  // where its names are looked up
	call diag.Span // where it was called

	// prefix is the scope that names made here start with; scopes are the
	// labels it consists of, outermost first.
	prefix string
	scopes []scopeLabel

	// To explain why a name is unknown: the frame's statements, and where
	// variables were made whose { } is over.
	body  *dsl.Body
	ended map[string]diag.Span

	inNet bool // the body of a net: input, output, preprocess and labels may stand here
	root  bool // the net being compiled, not one used as a block

	// A net that runs as a block of another takes its inputs from args, and
	// its outputs go to outputs.
	args    []tensor
	taken   int
	outputs []output

	resultAt diag.Span // where a net's last flow stands
}

// fileEnv is a file's top level: what it declares, and the files it uses.
type fileEnv struct {
	ref
	ast    *dsl.File
	decls  map[string]dsl.Decl
	consts map[string]*constant
	uses   []*fileEnv
}

// constant is a top-level let, evaluated when first used.
type constant struct {
	value   value
	started bool
	done    bool
}

// own returns the names that the file declares, sorted.
func (f *fileEnv) own() []string { return slices.Sorted(maps.Keys(f.decls)) }

// lookup finds what name means: the variables of the running frame innermost
// first, then the file's declarations, those of the files it uses, and what the
// language brings along. In a call only what can be called counts, so that a
// parameter named width does not hide the function width.
func (e *elab) lookup(s *scope, name string, at diag.Span, called bool) (value, bool) {
	fits := func(v value) bool {
		if !called || isBad(v) {
			return true
		}
		_, ok := v.(callable)
		return ok
	}
	var other value
	found := false
	for sc := s; sc != nil; sc = sc.parent {
		if v, ok := sc.vars[name]; ok {
			if fits(v) {
				return v, true
			}
			if !found {
				other, found = v, true
			}
		}
	}
	for _, in := range [](func() (value, bool)){
		func() (value, bool) { return e.declared(e.top().file, name) },
		func() (value, bool) { return e.imported(e.top().file, name, at) },
		func() (value, bool) { v, ok := universe[name]; return v, ok },
	} {
		if v, ok := in(); ok {
			if fits(v) {
				return v, true
			}
			if !found {
				other, found = v, true
			}
		}
	}
	return other, found
}

// declared returns what file declares as name.
func (e *elab) declared(file *fileEnv, name string) (value, bool) {
	switch d := file.decls[name].(type) {
	case *dsl.Block:
		return &userBlock{decl: d, file: file}, true
	case *dsl.Func:
		return &userFunc{decl: d, file: file}, true
	case *dsl.Net:
		if n := e.net(file, d); n != nil {
			return n, true
		}
		return bad{}, true
	case *dsl.Let:
		return e.constant(file, d), true
	}
	return nil, false
}

// imported returns what the files that file uses declare as name. Two different
// files of the same name are an error, reported where the name is used.
func (e *elab) imported(file *fileEnv, name string, at diag.Span) (value, bool) {
	var from *fileEnv
	for _, u := range file.uses {
		if u.decls[name] == nil || u == from {
			continue
		}
		if from != nil {
			e.report(errAmbiguous(at, name, from.decls[name].Span(), u.decls[name].Span()))
			return bad{}, true
		}
		from = u
	}
	if from == nil {
		return nil, false
	}
	return e.declared(from, name)
}

// constant returns the value of a top-level let.
func (e *elab) constant(file *fileEnv, d *dsl.Let) value {
	c := file.consts[d.Name.Name]
	if c == nil {
		c = &constant{}
		file.consts[d.Name.Name] = c
	}
	switch {
	case c.done:
	case c.started:
		e.report(errConstantCycle(d.Name.Src, d.Name.Name))
		return bad{}
	default:
		c.started = true
		c.value = bad{}
		if e.enter(&frame{what: "let " + d.Name.Name, file: file, call: d.Src}) {
			v := e.expr(newScope(nil), d.Value)
			e.leave()
			if holdsTensor(v) && !isBad(v) {
				e.report(errKind(d.Value.Span(), "a constant", "a number, bool, string, size, list or block", v))
				v = bad{}
			}
			c.value = v
		}
		c.done = true
	}
	return c.value
}

// visible returns the names that could be meant at this place, for suggestions,
// nearest first.
func (e *elab) visible(s *scope) []string {
	var names []string
	for ; s != nil; s = s.parent {
		names = append(names, slices.Sorted(maps.Keys(s.vars))...)
	}
	if f := e.top().file; f != nil {
		names = append(names, f.own()...)
		for _, u := range f.uses {
			names = append(names, u.own()...)
		}
	}
	return append(names, slices.Sorted(maps.Keys(universe))...)
}

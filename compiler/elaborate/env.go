package elaborate

import (
	"iter"
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

// lookup finds what name means. In a call only what can be called counts, so that
// a parameter named width does not hide the function width.
func (e *elab) lookup(s *scope, name string, at diag.Span, called bool) (value, bool) {
	var first value
	for v := range e.meanings(s, name, at) {
		if _, ok := v.(callable); ok || !called || isBad(v) {
			return v, true
		}
		if first == nil {
			first = v
		}
	}
	return first, first != nil
}

// meanings yields what name means, nearest first: variables of the running frame,
// the file's declarations, those of the files it uses, what the language brings
// along.
func (e *elab) meanings(s *scope, name string, at diag.Span) iter.Seq[value] {
	return func(yield func(value) bool) {
		for ; s != nil; s = s.parent {
			if v, ok := s.vars[name]; ok && !yield(v) {
				return
			}
		}
		file := e.top().file
		if v, ok := e.declared(file, name); ok && !yield(v) {
			return
		}
		if v, ok := e.imported(file, name, at); ok && !yield(v) {
			return
		}
		if v, ok := universe[name]; ok {
			yield(v)
		}
	}
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

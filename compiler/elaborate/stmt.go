package elaborate

import (
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// result is what statements come to.
type result struct {
	value    value // of the last flow, or of return; nil if there is none
	returned bool
	at       diag.Span
}

// body runs the statements of { }. Its value is that of the last flow, unless
// variables are set after it.
func (e *elab) body(b *dsl.Body, s *scope) result {
	var last result
	for i, st := range b.Stmts {
		if e.stopped {
			return result{value: bad{}, returned: true}
		}
		r := e.stmt(s, st)
		switch st := st.(type) {
		case *dsl.Preprocess, *dsl.Labels, *dsl.Assert, *dsl.Input, *dsl.Output:
			continue
		case *dsl.ExprStmt:
			if i < len(b.Stmts)-1 {
				e.checkEffect(st, r.value)
			}
		}
		if last = r; r.returned {
			break
		}
	}
	return last
}

// checkEffect reports a statement that computes something nobody can see. An
// unused tensor is left to checkUsed, which knows what becomes of it.
func (e *elab) checkEffect(x *dsl.ExprStmt, v value) {
	if p, ok := v.(*partial); ok {
		e.report(errWaiting(x.Src, p))
	} else if v != nil && !holdsTensor(v) {
		e.report(errNoEffect(x.Src, v))
	}
}

// inner runs the statements of a { } inside a frame.
func (e *elab) inner(b *dsl.Body, s *scope) result {
	in := newScope(s)
	r := e.body(b, in)
	e.end(in, b.Src)
	return r
}

// end remembers the variables of a scope that is over.
func (e *elab) end(s *scope, at diag.Span) {
	f := e.top()
	for name := range s.vars {
		if f.ended == nil {
			f.ended = map[string]diag.Span{}
		}
		f.ended[name] = at
	}
}

func (e *elab) stmt(s *scope, st dsl.Stmt) result {
	switch st := st.(type) {
	case *dsl.ExprStmt:
		return result{value: e.expr(s, st.X), at: st.Src}
	case *dsl.Let:
		v := e.something(st.Value, e.expr(s, st.Value))
		if _, ok := s.vars[st.Name.Name]; ok {
			e.report(errLetTwice(st.Name.Src, st.Name.Name))
		}
		s.vars[st.Name.Name] = v
	case *dsl.Assign:
		e.assign(s, st.Targets, e.something(st.Value, e.expr(s, st.Value)), st.Value.Span())
	case *dsl.Return:
		return e.returns(s, st)
	case *dsl.If:
		c, ok := e.cond(s, st.Cond)
		switch {
		case !ok:
			return result{value: bad{}}
		case c:
			return e.inner(st.Then, s)
		}
		switch other := st.Else.(type) {
		case *dsl.If:
			return e.stmt(s, other)
		case *dsl.BodyStmt:
			return e.inner(other.Body, s)
		}
	case *dsl.BodyStmt:
		return e.inner(st.Body, s)
	case *dsl.For:
		return e.loop(s, st)
	case *dsl.Assert:
		e.assert(s, st)
	case *dsl.Scope:
		return e.scopeStmt(s, st)
	case *dsl.Input:
		e.input(s, st)
	case *dsl.Output:
		e.output(s, st)
	case *dsl.Preprocess:
		if e.netOnly(st.Src, "preprocess") {
			e.preprocess(s, st)
		}
	case *dsl.Labels:
		if e.netOnly(st.Src, "labels") {
			e.labels(s, st)
		}
	default:
		panic("elaborate: statement of unknown type")
	}
	return result{}
}

// something rejects the value of a flow that has none.
func (e *elab) something(x dsl.Expr, v value) value {
	if v == nil {
		e.report(errNoValue(x.Span(), "this"))
		return bad{}
	}
	return v
}

// assign sets variables: the nearest of the name, or a new one of the block, so
// that what the branches of an if set can be used after it.
func (e *elab) assign(s *scope, targets []dsl.Ident, v value, at diag.Span) {
	for i, v := range e.spread(targets, v, at) {
		to := s.holder(targets[i].Name)
		if to == nil {
			to = s.outermost()
		}
		to.vars[targets[i].Name] = v
	}
}

// spread deals the elements of a list to several names.
func (e *elab) spread(targets []dsl.Ident, v value, span diag.Span) []value {
	if len(targets) == 1 {
		return []value{v}
	}
	out := make([]value, len(targets))
	if kind(v) == "list" || kind(v) == "range" {
		if length(v) == int64(len(targets)) {
			for i := range out {
				out[i] = at(v, int64(i))
			}
			return out
		}
	}
	if !isBad(v) {
		e.report(errSpread(span, len(targets), v))
	}
	for i := range out {
		out[i] = bad{}
	}
	return out
}

func (e *elab) returns(s *scope, st *dsl.Return) result {
	if e.top().inNet {
		e.report(errReturnInNet(st.Src))
		return result{value: bad{}, returned: true}
	}
	if len(st.Values) == 1 {
		v := e.something(st.Values[0], e.expr(s, st.Values[0]))
		return result{value: v, returned: true, at: st.Src}
	}
	vs := make([]value, len(st.Values))
	for i, x := range st.Values {
		vs[i] = e.something(x, e.expr(s, x))
	}
	return result{value: e.list(vs, st.Src), returned: true, at: st.Src}
}

// loop runs a for.
func (e *elab) loop(s *scope, st *dsl.For) result {
	var last result
	e.turns(s, st.Vars, st.Over, st.Src, func(in *scope) bool {
		r := e.body(st.Body, in)
		e.end(in, st.Body.Src)
		if r.returned {
			last = r
		}
		return !r.returned
	})
	return last
}

// each is the list of what its expression comes to.
func (e *elab) each(s *scope, x *dsl.Each) value {
	elems := []value{}
	ok := e.turns(s, x.Vars, x.Over, x.ForAt, func(in *scope) bool {
		elems = append(elems, e.something(x.X, e.expr(in, x.X)))
		e.end(in, x.Src)
		return len(elems) <= maxList // list says what is wrong with more
	})
	if !ok {
		return bad{}
	}
	return e.list(elems, x.Src)
}

// turns runs a turn for each element of over, until one reports false. The
// variables are new in every turn. It reports false if there is nothing to go over
// or the spec has run for too long.
func (e *elab) turns(s *scope, vars []dsl.Ident, over dsl.Expr, src diag.Span, turn func(*scope) bool) bool {
	elems := e.expr(s, over)
	switch elems.(type) {
	case bad:
		return false
	case list, interval:
	default:
		e.report(with(errKind(over.Span(), "what for goes over", "a list or a range", elems), aKind(elems), "a range is written 0..n"))
		return false
	}
	n := length(elems)
	if n > maxSteps {
		e.stop(errLoopTooLong(src, n))
		return false
	}
	e.loops = append(e.loops, running{at: src})
	defer func() { e.loops = e.loops[:len(e.loops)-1] }()
	for i := range n {
		e.loops[len(e.loops)-1].turns++
		if !e.step(src) {
			return false
		}
		in := newScope(s)
		for k, v := range e.spread(vars, at(elems, i), over.Span()) {
			in.vars[vars[k].Name] = v
		}
		if !turn(in) {
			break
		}
	}
	return true
}

// scopeStmt prefixes the names made in a { }, whose variables stay visible.
func (e *elab) scopeStmt(s *scope, st *dsl.Scope) result {
	text, ok := e.label(s, st.Label)
	if !ok {
		return result{value: bad{}}
	}
	f := e.top()
	prefix, scopes := f.prefix, f.scopes
	defer func() { f.prefix, f.scopes = prefix, scopes }()
	if !e.pushScope(f, text, st.Label.Src) {
		return result{value: bad{}}
	}
	r := e.body(st.Body, s)
	if r.value != nil && !r.returned {
		e.completed(f, "", st.Label, r.value)
	}
	return r
}

func (e *elab) ifExpr(s *scope, x *dsl.IfExpr) value {
	c, ok := e.cond(s, x.Cond)
	if !ok {
		return bad{}
	}
	var r result
	if c {
		r = e.inner(x.Then, s)
	} else {
		switch other := x.Else.(type) {
		case *dsl.IfExpr:
			return e.ifExpr(s, other)
		case *dsl.Body:
			r = e.inner(other, s)
		}
	}
	if r.returned && !isBad(r.value) {
		e.report(errReturnInExpr(r.at))
		return bad{}
	}
	return r.value
}

// assert reports a condition that does not hold, with what it was made of.
func (e *elab) assert(s *scope, st *dsl.Assert) {
	c, ok := e.cond(s, st.Cond)
	if !ok || c {
		return
	}
	message := ""
	if st.Message != nil {
		switch v := e.expr(s, st.Message).(type) {
		case string:
			message = v
		case bad:
		default:
			e.report(errKind(st.Message.Span(), "the message of assert", "a string", v))
		}
	}
	e.report(errAssert(st.Cond.Span(), message, e.involved(s, st.Cond)))
}

// assigned returns where a statement of body, however deep, sets name.
func assigned(body *dsl.Body, name string) (diag.Span, bool) {
	if body == nil {
		return diag.Span{}, false
	}
	for _, st := range body.Stmts {
		var inner []*dsl.Body
		switch st := st.(type) {
		case *dsl.Assign:
			for _, t := range st.Targets {
				if t.Name == name {
					return t.Src, true
				}
			}
		case *dsl.For:
			inner = []*dsl.Body{st.Body}
		case *dsl.Scope:
			inner = []*dsl.Body{st.Body}
		case *dsl.BodyStmt:
			inner = []*dsl.Body{st.Body}
		case *dsl.If:
			inner = []*dsl.Body{st.Then}
			if st.Else != nil {
				inner = append(inner, &dsl.Body{Stmts: []dsl.Stmt{st.Else}})
			}
		}
		for _, b := range inner {
			if at, ok := assigned(b, name); ok {
				return at, true
			}
		}
	}
	return diag.Span{}, false
}

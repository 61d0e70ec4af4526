package elaborate

import (
	"math"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/dsl"
)

// expr evaluates x among the variables of s.
func (e *elab) expr(s *scope, x dsl.Expr) value {
	if !e.step(x.Span()) {
		return bad{}
	}
	switch x := x.(type) {
	case *dsl.Number:
		if x.IsInt {
			return x.Int
		}
		return x.Float
	case *dsl.String:
		return x.Value
	case *dsl.Bool:
		return x.Value
	case *dsl.Size:
		return size{x.H, x.W}
	case *dsl.Name:
		return e.name(s, x, false)
	case *dsl.List:
		elems := make([]value, len(x.Elems))
		for i, el := range x.Elems {
			elems[i] = e.expr(s, el)
		}
		return e.list(elems, x.Src)
	case *dsl.Each:
		return e.each(s, x)
	case *dsl.Range:
		lo, okLo := e.intExpr(s, x.Lo, "the start of a range")
		hi, okHi := e.intExpr(s, x.Hi, "the end of a range")
		if !okLo || !okHi {
			return bad{}
		}
		return interval{lo, max(lo, hi)}
	case *dsl.Unary:
		return e.unary(s, x)
	case *dsl.Binary:
		return e.binary(s, x)
	case *dsl.Call:
		fun := e.callee(s, x.Fun)
		args := e.args(s, x.Args)
		return e.call(call{fun: fun, args: args, at: x.Src, name: x.Fun.Span()})
	case *dsl.Index:
		return e.index(s, x)
	case *dsl.Slice:
		return e.slice(s, x)
	case *dsl.Pipe:
		return e.pipe(s, x)
	case *dsl.IfExpr:
		return e.ifExpr(s, x)
	}
	panic("elaborate: expression of unknown type")
}

// name evaluates a use of a name.
func (e *elab) name(s *scope, x *dsl.Name, called bool) value {
	v, ok := e.lookup(s, x.Name, x.Src, called)
	if !ok {
		f := e.top()
		if at, ok := f.ended[x.Name]; ok {
			e.report(errEndedName(x.Src, x.Name, at))
		} else if at, ok := assigned(f.body, x.Name); ok {
			e.report(errUnsetName(x.Src, x.Name, at))
		} else {
			e.report(errUnknownName(x.Src, x.Name, e.visible(s)))
		}
		return bad{}
	}
	return v
}

// callee evaluates what stands before the parentheses of a call, or a stage of
// a pipe: there a name means the nearest thing that can be called.
func (e *elab) callee(s *scope, x dsl.Expr) value {
	if n, ok := x.(*dsl.Name); ok {
		return e.name(s, n, true)
	}
	return e.expr(s, x)
}

// args evaluates the arguments of a call.
func (e *elab) args(s *scope, in []dsl.Arg) []argument {
	out := make([]argument, len(in))
	for i, a := range in {
		out[i] = argument{value: e.expr(s, a.Value), at: a.Value.Span(), name: a.Name}
	}
	return out
}

// intExpr evaluates x where an int is wanted; what names it in the error.
func (e *elab) intExpr(s *scope, x dsl.Expr, what string) (int64, bool) {
	return e.asInt(argument{value: e.expr(s, x), at: x.Span()}, what)
}

// asInt converts a value where an int is wanted: a float without a fraction is one.
func (e *elab) asInt(a argument, what string) (int64, bool) {
	if isBad(a.value) {
		return 0, false
	}
	if n, ok := whole(a.value); ok {
		return n, true
	}
	if f, ok := a.value.(float64); ok {
		e.report(errFraction(a.at, what, f))
	} else {
		e.report(errKind(a.at, what, "an int", a.value))
	}
	return 0, false
}

// cond evaluates a condition; ok is false if it has no value.
func (e *elab) cond(s *scope, x dsl.Expr) (cond, ok bool) {
	v := e.expr(s, x)
	b, isBool := v.(bool)
	if !isBool && !isBad(v) {
		e.report(errKind(x.Span(), "a condition", "true or false", v))
	}
	return b, isBool
}

// pipe passes a value from stage to stage.
func (e *elab) pipe(s *scope, x *dsl.Pipe) value {
	v := e.expr(s, x.X)
	at := x.X.Span()
	for i := range x.Stages {
		st := &x.Stages[i]
		if v == nil {
			e.report(errNoValue(at, "this"))
			v = bad{}
		}
		c := call{piped: &argument{value: v, at: at}, at: st.Target.Span(), label: st.Label, scope: s}
		if t, ok := st.Target.(*dsl.Call); ok {
			c.fun, c.name = e.callee(s, t.Fun), t.Fun.Span()
			c.args = e.args(s, t.Args)
		} else {
			c.fun, c.name = e.callee(s, st.Target), st.Target.Span()
		}
		v = e.call(c)
		at = st.Src
	}
	return v
}

// index is one element of a list, or channels of a tensor.
func (e *elab) index(s *scope, x *dsl.Index) value {
	v := e.operand(s, x.X)
	i := e.expr(s, x.I)
	if anyBad(v, i) {
		return bad{}
	}
	switch v := v.(type) {
	case tensor:
		if l, ok := i.(list); ok {
			if !e.spend(len(l.elems), x.Src) {
				return bad{}
			}
			channels := make([]int, len(l.elems))
			for k, c := range l.elems {
				n, ok := e.asInt(argument{value: c, at: x.I.Span()}, "a channel")
				if !ok {
					return bad{}
				}
				channels[k] = clampInt(n)
			}
			return e.op("pick", ir.OpPick, &ir.Pick{Channels: channels}, x.Src, v)
		}
		n, ok := e.asInt(argument{value: i, at: x.I.Span()}, "a channel")
		if !ok {
			return bad{}
		}
		return e.op("slice", ir.OpSlice, &ir.Slice{From: clampInt(n), To: clampInt(n) + 1}, x.Src, v)
	case list, interval:
		n, ok := e.asInt(argument{value: i, at: x.I.Span()}, "an index")
		if !ok {
			return bad{}
		}
		size := length(v)
		if n < -size || n >= size {
			e.report(errIndex(x.I.Span(), n, size))
			return bad{}
		}
		if n < 0 {
			n += size
		}
		return at(v, n)
	}
	e.report(errKind(x.X.Span(), "what [ ] follows", "a list or a tensor", v))
	return bad{}
}

// slice is a part of a list, or a range of a tensor's channels.
func (e *elab) slice(s *scope, x *dsl.Slice) value {
	v := e.operand(s, x.X)
	var size int64
	switch v := v.(type) {
	case bad:
		return v
	case tensor:
		size = int64(v.shape.Channels())
	case list, interval:
		size = length(v)
	default:
		e.report(errKind(x.X.Span(), "what [ ] follows", "a list or a tensor", v))
		return bad{}
	}
	bound := func(b dsl.Expr, missing int64) (int64, bool) {
		if b == nil {
			return missing, true
		}
		n, ok := e.intExpr(s, b, "a bound of a slice")
		if n < 0 {
			n += size
		}
		return n, ok
	}
	lo, okLo := bound(x.Lo, 0)
	hi, okHi := bound(x.Hi, size)
	if !okLo || !okHi {
		return bad{}
	}
	if t, ok := v.(tensor); ok {
		return e.op("slice", ir.OpSlice, &ir.Slice{From: clampInt(lo), To: clampInt(hi)}, x.Src, t)
	}
	if lo < 0 || hi > size || lo > hi {
		e.report(errSlice(x.Src, lo, hi, size))
		return bad{}
	}
	if v, ok := v.(interval); ok {
		return interval{v.lo + lo, v.lo + hi}
	}
	return e.list(v.(list).elems[lo:hi], x.Src)
}

// length is the number of elements of a list or range.
func length(v value) int64 {
	switch v := v.(type) {
	case list:
		return int64(len(v.elems))
	case interval:
		return v.hi - v.lo
	}
	return 0
}

// at is element i of a list or range, which has one.
func at(v value, i int64) value {
	if v, ok := v.(interval); ok {
		return v.lo + i
	}
	return v.(list).elems[i]
}

// clampInt brings n into the range of every int, so that the shape rules can
// name what is wrong with it.
func clampInt(n int64) int {
	return int(min(max(n, math.MinInt32), math.MaxInt32))
}

package elaborate

import (
	"math"
	"math/bits"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// operand evaluates what an operator works on: a block that waits for its
// tensor is not that.
func (e *elab) operand(s *scope, x dsl.Expr) value {
	v := e.expr(s, x)
	if c, ok := v.(callable); ok {
		e.report(errNotOperand(x.Span(), c))
		return bad{}
	}
	if v == nil {
		e.report(errNoValue(x.Span(), "this"))
		return bad{}
	}
	return v
}

func (e *elab) unary(s *scope, x *dsl.Unary) value {
	if x.Op == "not" {
		c, ok := e.cond(s, x.X)
		if !ok {
			return bad{}
		}
		return !c
	}
	switch v := e.operand(s, x.X).(type) {
	case bad:
		return v
	case int64:
		return e.arith(x.Src, "-", int64(0), v)
	case float64:
		return -v
	case size:
		return e.arith(x.Src, "-", size{}, v)
	case tensor:
		return e.affine(x.Src, "mul", v, -1, 0)
	default:
		e.report(errKind(x.X.Span(), "what - negates", "a number", v))
		return bad{}
	}
}

func (e *elab) binary(s *scope, x *dsl.Binary) value {
	if x.Op == "and" || x.Op == "or" {
		c, ok := e.cond(s, x.X)
		if !ok {
			return bad{}
		}
		if c == (x.Op == "or") {
			return c
		}
		if c, ok = e.cond(s, x.Y); !ok {
			return bad{}
		}
		return c
	}
	a, b := e.operand(s, x.X), e.operand(s, x.Y)
	if anyBad(a, b) {
		return bad{}
	}
	_, tensorA := a.(tensor)
	_, tensorB := b.(tensor)
	switch {
	case strings.ContainsAny(x.Op, "<>=!"):
		if tensorA || tensorB {
			e.report(errCompare(x.Src, a, b))
			return bad{}
		}
		return e.compare(x, a, b)
	case tensorA || tensorB:
		return e.tensorArith(x, a, b)
	}
	switch a := a.(type) {
	case list:
		if b, ok := b.(list); ok && x.Op == "+" {
			elems := make([]value, 0, len(a.elems)+len(b.elems))
			return e.list(append(append(elems, a.elems...), b.elems...), x.Src)
		}
	case string:
		if b, ok := b.(string); ok && x.Op == "+" {
			return e.str(a+b, x.Src)
		}
	}
	return e.arith(x.Src, x.Op, a, b)
}

// arith is a op b of numbers and sizes, those element by element.
func (e *elab) arith(at diag.Span, op string, a, b value) value {
	switch x := a.(type) {
	case int64:
		switch y := b.(type) {
		case int64:
			return e.intArith(at, op, x, y)
		case size:
			return e.sizeArith(at, op, size{x, x}, y)
		}
	case size:
		switch y := b.(type) {
		case int64:
			return e.sizeArith(at, op, x, size{y, y})
		case size:
			return e.sizeArith(at, op, x, y)
		}
	}
	x, okX := number(a)
	y, okY := number(b)
	if !okX || !okY {
		e.report(errOperands(at, op, a, b))
		return bad{}
	}
	return e.floatArith(at, op, x, y)
}

func (e *elab) sizeArith(at diag.Span, op string, a, b size) value {
	h := e.intArith(at, op, a.h, b.h)
	w := e.intArith(at, op, a.w, b.w)
	if anyBad(h, w) {
		return bad{}
	}
	hi, okH := whole(h)
	wi, okW := whole(w)
	if !okH || !okW {
		e.report(errSizeFraction(at, op, a, b))
		return bad{}
	}
	return size{hi, wi}
}

// intArith is exact: a quotient that is no int is a float, and what does not
// fit 64 bits is an error.
func (e *elab) intArith(at diag.Span, op string, a, b int64) value {
	var r int64
	ok := true
	switch op {
	case "+":
		r = a + b
		ok = (r > a) == (b > 0)
	case "-":
		r = a - b
		ok = (r < a) == (b > 0)
	case "*":
		r, ok = mulInt(a, b)
	case "/", "%":
		switch {
		case b == 0:
			e.report(errDivision(at))
			return bad{}
		case op == "%":
			if r = a % b; r != 0 && (r < 0) != (b < 0) {
				r += b // the sign of the divisor: a remainder that indexes
			}
		case a%b != 0:
			return float64(a) / float64(b)
		default:
			r, ok = a/b, !(a == math.MinInt64 && b == -1)
		}
	case "^":
		if b < 0 {
			return e.floatArith(at, op, float64(a), float64(b))
		}
		r, ok = powInt(a, b)
	default:
		e.report(errOperands(at, op, a, b))
		return bad{}
	}
	if !ok {
		e.report(errOverflow(at, op, a, b))
		return bad{}
	}
	return r
}

func mulInt(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(absInt(a), absInt(b))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	return a * b, true
}

func absInt(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

// powInt is a to the power of b, b not negative, by squaring.
func powInt(a, b int64) (int64, bool) {
	r, ok := int64(1), true
	for ok && b > 0 {
		if b&1 == 1 {
			if r, ok = mulInt(r, a); !ok {
				break
			}
		}
		if b >>= 1; b > 0 {
			a, ok = mulInt(a, a)
		}
	}
	return r, ok
}

func (e *elab) floatArith(at diag.Span, op string, a, b float64) value {
	var r float64
	switch op {
	case "+":
		r = a + b
	case "-":
		r = a - b
	case "*":
		r = a * b
	case "/":
		if b == 0 {
			e.report(errDivision(at))
			return bad{}
		}
		r = a / b
	case "^":
		r = math.Pow(a, b)
	default:
		e.report(errOperands(at, op, a, b))
		return bad{}
	}
	if math.IsNaN(r) || math.IsInf(r, 0) {
		e.report(errOverflow(at, op, a, b))
		return bad{}
	}
	return r
}

// compare is a comparison of constants.
func (e *elab) compare(x *dsl.Binary, a, b value) value {
	if x.Op == "==" || x.Op == "!=" {
		for _, v := range []value{a, b} {
			if l, ok := v.(list); ok && !e.spend(l.weight, x.Src) {
				return bad{}
			}
		}
		return equal(a, b) == (x.Op == "==")
	}
	var c int
	switch s := a.(type) {
	case string:
		t, ok := b.(string)
		if !ok {
			e.report(errCompare(x.Src, a, b))
			return bad{}
		}
		c = strings.Compare(s, t)
	default:
		f, okF := number(a)
		g, okG := number(b)
		if !okF || !okG {
			e.report(errCompare(x.Src, a, b))
			return bad{}
		}
		switch {
		case f < g:
			c = -1
		case f > g:
			c = 1
		}
	}
	switch x.Op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

// equal compares constants: numbers by value, lists and ranges by elements.
// Values of different types are not equal.
func equal(a, b value) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	if r, ok := a.(interval); ok {
		if s, ok := b.(interval); ok {
			return length(r) == length(s) && (length(r) == 0 || r == s)
		}
	}
	switch a.(type) {
	case list, interval:
		if k := kind(b); k != "list" && k != "range" || length(a) != length(b) {
			return false
		}
		for i := range length(a) {
			if !equal(at(a, i), at(b, i)) {
				return false
			}
		}
		return true
	case bool, string, size:
		return a == b
	}
	return false
}

// tensorArith is + - * of tensors, and of a tensor and a number.
func (e *elab) tensorArith(x *dsl.Binary, a, b value) value {
	t, okA := a.(tensor)
	u, okB := b.(tensor)
	if okA && okB {
		switch x.Op {
		case "-":
			negated, ok := e.affine(x.Src, "mul", u, -1, 0).(tensor)
			if !ok {
				return bad{}
			}
			u = negated
			fallthrough
		case "+":
			return e.op("add", ir.OpAdd, &ir.Sum{}, x.Src, t, u)
		case "*":
			return e.op("mul", ir.OpMul, nil, x.Src, t, u)
		}
		e.report(errTensorOp(x.OpAt, x.Op))
		return bad{}
	}
	f, okF := number(b)
	if okB {
		f, okF = number(a)
		t = u
	}
	switch {
	case !okF:
		e.report(errOperands(x.Src, x.Op, a, b))
		return bad{}
	case x.Op == "+":
		return e.affine(x.Src, "add", t, 1, f)
	case x.Op == "*":
		return e.affine(x.Src, "mul", t, f, 0)
	case x.Op == "-" && okA:
		return e.affine(x.Src, "add", t, 1, -f)
	case x.Op == "-":
		return e.affine(x.Src, "add", t, -1, f)
	case x.Op == "/" && okA && f != 0:
		return e.affine(x.Src, "mul", t, 1/f, 0)
	}
	e.report(errTensorOp(x.OpAt, x.Op))
	return bad{}
}

// affine is t * scale + shift with one number for all channels.
func (e *elab) affine(at diag.Span, name string, t tensor, scale, shift float64) value {
	return e.op(name, ir.OpAffine, &ir.Affine{Scale: []float64{scale}, Shift: []float64{shift}}, at, t)
}

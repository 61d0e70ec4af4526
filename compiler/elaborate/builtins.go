package elaborate

import (
	"math"
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// builtin is a function that the language brings along.
type builtin struct {
	name     string
	doc      string
	params   []param
	variadic bool
	// run gets an argument for each parameter, nil where an optional one is not given.
	run func(e *elab, c *builtinCall) value
}

// builtinCall is a call of a builtin being evaluated.
type builtinCall struct {
	f    *builtin
	args []*argument
	at   diag.Span
}

func (f *builtin) title() string { return f.name }

func (f *builtin) signature() signature {
	return signature{params: f.params, variadic: f.variadic}
}

func required(names ...string) []param {
	ps := make([]param, len(names))
	for i, n := range names {
		ps[i] = param{name: n}
	}
	return ps
}

// builtins is every function, numbers first, then lists, then tensors.
var builtins = []*builtin{
	{name: "floor", params: required("x"), doc: "the largest int not above x", run: rounded(math.Floor)},
	{name: "ceil", params: required("x"), doc: "the smallest int not below x", run: rounded(math.Ceil)},
	{name: "round", params: required("x"), doc: "the nearest int, an even one where two are as near (as in Python)", run: rounded(math.RoundToEven)},
	{name: "int", params: required("x"), doc: "x without its fraction", run: rounded(math.Trunc)},
	{name: "float", params: required("x"), doc: "x as a float", run: float(func(x float64) float64 { return x })},
	{name: "sqrt", params: required("x"), doc: "the square root", run: float(math.Sqrt)},
	{name: "log2", params: required("x"), doc: "the logarithm to base 2", run: float(math.Log2)},
	{name: "exp", params: required("x"), doc: "e to the power of x", run: float(math.Exp)},
	{name: "abs", params: required("x"), doc: "x without its sign", run: runAbs},
	{name: "min", params: required("values"), variadic: true, doc: "the smallest of several numbers or of a list", run: extreme("<")},
	{name: "max", params: required("values"), variadic: true, doc: "the largest of several numbers or of a list", run: extreme(">")},
	{name: "div", params: required("a", "b"), doc: "a / b rounded down, for ints and sizes", run: runDiv},
	{
		name:   "make_divisible",
		params: []param{{name: "v"}, {name: "divisor", optional: true}, {name: "min", optional: true}},
		doc:    "v rounded to a multiple of divisor (8), at least min (divisor), and not below 0.9 v: how MobileNet and its heirs round channels",
		run:    runMakeDivisible,
	},

	{name: "len", params: required("list"), doc: "the number of elements of a list", run: runLen},
	{name: "sum", params: required("list"), doc: "the sum of a list of numbers", run: runSum},
	{name: "enumerate", params: required("list"), doc: "[[0, first], [1, second], ...]", run: runEnumerate},
	{name: "zip", params: required("lists"), variadic: true, doc: "[[a0, b0], [a1, b1], ...] of lists of one length", run: runZip},
	{
		name:   "block_string",
		params: []param{{name: "text"}, {name: "act", optional: true}},
		doc: "timm's notation of a block, such as `ir_r2_k3_s2_e6_c24_se0.25`, as [type, repeats, kernel, stride, expansion, channels, squeeze, " +
			"activation, skip]; the activation is act (relu) unless the text names one",
		run: runBlockString,
	},

	{name: "channels", params: required("x"), doc: "the channels of a map, or the features of a vector", run: axis(func(t tensor) int { return t.shape.Channels() }, nil)},
	{name: "height", params: required("x"), doc: "the height of a map or size", run: axis(func(t tensor) int { return t.shape.Height() }, func(s size) int64 { return s.h })},
	{name: "width", params: required("x"), doc: "the width of a map or size", run: axis(func(t tensor) int { return t.shape.Width() }, func(s size) int64 { return s.w })},
	{name: "shape", params: required("x"), doc: "[channels, height, width] of a map, [features] of a vector", run: runShape},
	{name: "split", params: required("x", "parts"), doc: "x cut along its channels into that many equal parts, or parts of the listed sizes", run: runSplit},
}

// universe is what every file sees: primitives and builtins by name.
var universe = map[string]value{}

func init() {
	for _, p := range primitives {
		universe[p.name] = p
	}
	for _, b := range builtins {
		universe[b.name] = b
	}
}

func (e *elab) runBuiltin(f *builtin, args []*argument, c call) value {
	for _, a := range args {
		if a == nil {
			continue
		}
		if l, ok := a.value.(list); ok && !e.spend(l.weight, c.at) {
			return bad{}
		}
	}
	return f.run(e, &builtinCall{f, args, c.at})
}

// wrong reports an argument of the wrong type.
func (c *builtinCall) wrong(e *elab, i int, want string) value {
	a := c.args[i]
	e.report(errKind(a.at, c.f.params[i].name+" of "+c.f.name, want, a.value))
	return bad{}
}

// rounded is a function of one number whose result is an int.
func rounded(f func(float64) float64) func(*elab, *builtinCall) value {
	return func(e *elab, c *builtinCall) value {
		switch x := c.args[0].value.(type) {
		case int64:
			return x
		case float64:
			n, ok := whole(f(x))
			if !ok {
				e.report(errOverflow(c.at, c.f.name, x))
				return bad{}
			}
			return n
		}
		return c.wrong(e, 0, "a number")
	}
}

// float is a function of one number whose result is a float.
func float(f func(float64) float64) func(*elab, *builtinCall) value {
	return func(e *elab, c *builtinCall) value {
		x, ok := number(c.args[0].value)
		if !ok {
			return c.wrong(e, 0, "a number")
		}
		r := f(x)
		if math.IsNaN(r) || math.IsInf(r, 0) {
			e.report(errOverflow(c.at, c.f.name, x))
			return bad{}
		}
		return r
	}
}

func runAbs(e *elab, c *builtinCall) value {
	switch x := c.args[0].value.(type) {
	case int64:
		if x < 0 {
			return e.arith(c.at, "-", int64(0), x)
		}
		return x
	case float64:
		return math.Abs(x)
	}
	return c.wrong(e, 0, "a number")
}

// extreme is min or max: op says whether a value replaces the best so far.
func extreme(op string) func(*elab, *builtinCall) value {
	return func(e *elab, c *builtinCall) value {
		vs := c.args[0].value.(list).elems
		if len(vs) == 1 {
			if l, ok := vs[0].(list); ok {
				vs = l.elems
			}
		}
		if len(vs) == 0 {
			return c.wrong(e, 0, "numbers, one at least")
		}
		var best value
		for _, v := range vs {
			x, ok := number(v)
			if !ok {
				e.report(errKind(c.args[0].at, "what "+c.f.name+" compares", "a number", v))
				return bad{}
			}
			if b, _ := number(best); best == nil || op == "<" && x < b || op == ">" && x > b {
				best = v
			}
		}
		return best
	}
}

func runDiv(e *elab, c *builtinCall) value {
	a, okA := pair(c.args[0].value)
	b, okB := pair(c.args[1].value)
	switch {
	case !okA:
		return c.wrong(e, 0, "an int or a size")
	case !okB:
		return c.wrong(e, 1, "an int or a size")
	case b.h == 0 || b.w == 0:
		e.report(errDivision(c.at))
		return bad{}
	}
	q := size{floorDiv(a.h, b.h), floorDiv(a.w, b.w)}
	if kind(c.args[0].value) == "size" || kind(c.args[1].value) == "size" {
		return q
	}
	return q.h
}

// pair reads a size, or an int as a square.
func pair(v value) (size, bool) {
	if s, ok := v.(size); ok {
		return s, true
	}
	n, ok := whole(v)
	return size{n, n}, ok
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// runMakeDivisible is the rounding of TensorFlow's MobileNet code.
func runMakeDivisible(e *elab, c *builtinCall) value {
	v, ok := number(c.args[0].value)
	if !ok {
		return c.wrong(e, 0, "a number")
	}
	divisor := int64(8)
	if c.args[1] != nil {
		if divisor, ok = e.asInt(*c.args[1], "divisor of make_divisible"); !ok {
			return bad{}
		}
	}
	if divisor < 1 || divisor > math.MaxInt32 {
		return c.wrong(e, 1, "a positive int")
	}
	least := divisor
	if c.args[2] != nil {
		if least, ok = e.asInt(*c.args[2], "min of make_divisible"); !ok {
			return bad{}
		}
	}
	if math.Abs(v) > math.MaxInt32 {
		e.report(errOverflow(c.at, "make_divisible", v))
		return bad{}
	}
	n := max(least, floorDiv(int64(v+float64(divisor)/2), divisor)*divisor)
	if float64(n) < 0.9*v {
		n += divisor
	}
	return n
}

func runLen(e *elab, c *builtinCall) value {
	switch v := c.args[0].value.(type) {
	case list, interval:
		return length(v)
	}
	return c.wrong(e, 0, "a list")
}

// elems returns the elements of a list, or of a range that is not too long.
func (e *elab) elems(v value, at diag.Span) ([]value, bool) {
	switch v := v.(type) {
	case list:
		return v.elems, true
	case interval:
		n := length(v)
		if n > maxList || n < 0 {
			e.stop(errTooLarge(at, "a list", maxList, "values"))
			return nil, false
		}
		vs := make([]value, n)
		for i := range vs {
			vs[i] = v.lo + int64(i)
		}
		return vs, true
	}
	return nil, false
}

func runSum(e *elab, c *builtinCall) value {
	vs, ok := e.elems(c.args[0].value, c.args[0].at)
	if !ok {
		return c.wrong(e, 0, "a list")
	}
	var total value = int64(0)
	for _, v := range vs {
		if _, ok := number(v); !ok {
			e.report(errKind(c.args[0].at, "what sum adds", "a number", v))
			return bad{}
		}
		if total = e.arith(c.at, "+", total, v); isBad(total) {
			return total
		}
	}
	return total
}

func runEnumerate(e *elab, c *builtinCall) value {
	vs, ok := e.elems(c.args[0].value, c.args[0].at)
	if !ok {
		return c.wrong(e, 0, "a list")
	}
	out := make([]value, len(vs))
	for i, v := range vs {
		if out[i] = e.list([]value{int64(i), v}, c.at); isBad(out[i]) {
			return bad{}
		}
	}
	return e.list(out, c.at)
}

func runZip(e *elab, c *builtinCall) value {
	lists := c.args[0].value.(list).elems
	var rows [][]value
	for i, l := range lists {
		vs, ok := e.elems(l, c.args[0].at)
		if !ok {
			e.report(errKind(c.args[0].at, "what zip takes", "a list", l))
			return bad{}
		}
		if i == 0 {
			rows = make([][]value, len(vs))
		}
		if len(vs) != len(rows) {
			e.report(errZip(c.at, len(rows), len(vs)))
			return bad{}
		}
		for k, v := range vs {
			rows[k] = append(rows[k], v)
		}
	}
	out := make([]value, len(rows))
	for i, r := range rows {
		if out[i] = e.list(r, c.at); isBad(out[i]) {
			return bad{}
		}
	}
	return e.list(out, c.at)
}

// axis asks a tensor, or a size if ofSize is given, for one of its axes.
func axis(of func(tensor) int, ofSize func(size) int64) func(*elab, *builtinCall) value {
	return func(e *elab, c *builtinCall) value {
		if s, ok := c.args[0].value.(size); ok && ofSize != nil {
			return ofSize(s)
		}
		t, ok := e.asTensor(*c.args[0], "the argument of "+c.f.name)
		if !ok {
			return bad{}
		}
		return int64(of(t))
	}
}

func runShape(e *elab, c *builtinCall) value {
	t, ok := e.asTensor(*c.args[0], "the argument of shape")
	if !ok {
		return bad{}
	}
	axes := make([]value, len(t.shape))
	for i, n := range t.shape {
		axes[i] = int64(n)
	}
	return e.list(axes, c.at)
}

// runSplit cuts a tensor into slices of its channels.
func runSplit(e *elab, c *builtinCall) value {
	t, ok := e.asTensor(*c.args[0], "what split cuts")
	if !ok {
		return bad{}
	}
	total := int64(t.shape.Channels())
	var sizes []int64
	switch v := c.args[1].value.(type) {
	case list:
		for _, x := range v.elems {
			n, ok := e.asInt(argument{value: x, at: c.args[1].at}, "a size of split")
			if !ok {
				return bad{}
			}
			sizes = append(sizes, n)
		}
	default:
		n, ok := e.asInt(*c.args[1], "parts of split")
		if !ok {
			return bad{}
		}
		if n < 1 || n > total || total%n != 0 {
			e.report(errSplit(c.args[1].at, t, n))
			return bad{}
		}
		sizes = slices.Repeat([]int64{total / n}, int(n))
	}
	rest := total
	for _, n := range sizes {
		if n < 1 || n > rest {
			rest = -1
			break
		}
		rest -= n
	}
	if rest != 0 {
		e.report(errSplit(c.args[1].at, t, c.args[1].value))
		return bad{}
	}
	parts := make([]value, len(sizes))
	from := 0
	for i, n := range sizes {
		to := from + int(n)
		parts[i] = e.op("split", ir.OpSlice, &ir.Slice{From: from, To: to}, c.at, t)
		from = to
	}
	return e.list(parts, c.at)
}

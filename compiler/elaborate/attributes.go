package elaborate

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// attributes gives a primitive's build function its arguments, converted. A
// wrong one is reported, and clears ok.
type attributes struct {
	e     *elab
	p     *primitive
	at    diag.Span // the call
	in    []tensor
	key   string // the layer's full name: the prefix of its keys
	given map[string]*argument
	ok    bool
}

// get returns what was given for name, or nil.
func (a *attributes) get(name string) *argument { return a.given[name] }

func (a *attributes) what(name string) string { return name + " of " + a.p.name }

// reject reports the value of an attribute; want says what it should be.
func (a *attributes) reject(name, want string) {
	g := a.get(name)
	a.e.report(errKind(g.at, a.what(name), want, g.value))
	a.ok = false
}

func (a *attributes) int(name string) int { return a.intOr(name, 0) }

func (a *attributes) intOr(name string, def int) int {
	g := a.get(name)
	if g == nil {
		return def
	}
	n, ok := a.e.asInt(*g, a.what(name))
	a.ok = a.ok && ok
	return clampInt(n)
}

func (a *attributes) boolOr(name string, def bool) bool {
	g := a.get(name)
	if g == nil {
		return def
	}
	b, ok := g.value.(bool)
	if !ok {
		a.reject(name, "true or false")
	}
	return b
}

func (a *attributes) floatOr(name string, def float64) float64 {
	g := a.get(name)
	if g == nil {
		return def
	}
	f, ok := number(g.value)
	if !ok {
		a.reject(name, "a number")
	}
	return f
}

// floatsOr is a list of numbers, or one number.
func (a *attributes) floatsOr(name string, def float64) []float64 {
	g := a.get(name)
	if g == nil {
		return []float64{def}
	}
	if f, ok := number(g.value); ok {
		return []float64{f}
	}
	fs, ok := floats(g.value)
	if !ok {
		a.reject(name, "a number or a list of numbers")
	}
	a.ok = a.ok && a.e.spend(len(fs), g.at)
	return fs
}

// floats converts a list of numbers.
func floats(v value) ([]float64, bool) {
	l, ok := v.(list)
	if !ok {
		return nil, false
	}
	fs := make([]float64, len(l.elems))
	for i, x := range l.elems {
		if fs[i], ok = number(x); !ok {
			return nil, false
		}
	}
	return fs, true
}

func (a *attributes) size(name string) shape.Size { return a.sizeOr(name, shape.Size{}) }

// sizeOr is 3, 1x7 or [1, 7].
func (a *attributes) sizeOr(name string, def shape.Size) shape.Size {
	g := a.get(name)
	if g == nil {
		return def
	}
	switch v := g.value.(type) {
	case size:
		return shape.Size{H: clampInt(v.h), W: clampInt(v.w)}
	case list:
		if len(v.elems) == 2 {
			h, okH := whole(v.elems[0])
			w, okW := whole(v.elems[1])
			if okH && okW {
				return shape.Size{H: clampInt(h), W: clampInt(w)}
			}
		}
		a.reject(name, "an int, or a size such as 1x7")
	case int64, float64:
		n, ok := a.e.asInt(*g, a.what(name))
		a.ok = a.ok && ok
		return shape.Square(clampInt(n))
	default:
		a.reject(name, "an int, or a size such as 1x7")
	}
	return def
}

// padding is 1, 0x3 (height, width), [top, left, bottom, right], or "same" for
// what slides a window, whose w then is.
func (a *attributes) padding(name string, w *shape.Window) shape.Padding {
	g := a.get(name)
	if g == nil {
		return shape.Padding{}
	}
	want := "an int, a size such as 0x3, or [top, left, bottom, right]"
	if w != nil {
		want = `an int, a size such as 0x3, [top, left, bottom, right], or "same"`
	}
	switch v := g.value.(type) {
	case string:
		if v == "same" && w != nil {
			in := a.in[0].shape
			if !in.IsMap() || min(w.Stride.H, w.Stride.W) < 1 {
				return shape.Padding{} // the shape rule says what is wrong
			}
			top, bottom := samePadding(in.Height(), w.Kernel.H, w.Stride.H, w.Dilation.H)
			left, right := samePadding(in.Width(), w.Kernel.W, w.Stride.W, w.Dilation.W)
			return shape.Padding{Top: top, Left: left, Bottom: bottom, Right: right}
		}
	case size:
		h, wd := clampInt(v.h), clampInt(v.w)
		return shape.Padding{Top: h, Left: wd, Bottom: h, Right: wd}
	case int64, float64:
		n, ok := a.e.asInt(*g, a.what(name))
		a.ok = a.ok && ok
		return shape.PadAll(clampInt(n))
	case list:
		if len(v.elems) == 4 {
			var side [4]int
			ok := true
			for i, x := range v.elems {
				n, isInt := whole(x)
				side[i], ok = clampInt(n), ok && isInt
			}
			if ok {
				return shape.Padding{Top: side[0], Left: side[1], Bottom: side[2], Right: side[3]}
			}
		}
	}
	a.reject(name, want)
	return shape.Padding{}
}

// samePadding is TensorFlow's "same" along an axis of n pixels: as much padding
// as gives ceil(n / stride) positions, the odd pixel after.
func samePadding(n, kernel, stride, dilation int) (before, after int) {
	out := (n + stride - 1) / stride
	total := max((out-1)*stride+dilation*(kernel-1)+1-n, 0)
	return total / 2, total - total/2
}

// window reads kernel, stride, pad and, if the primitive has it, dilation.
func (a *attributes) window(stride shape.Size, dilates bool) shape.Window {
	w := shape.Window{Kernel: a.size("kernel"), Stride: a.sizeOr("stride", stride), Dilation: shape.Square(1)}
	if dilates {
		w.Dilation = a.sizeOr("dilation", w.Dilation)
	}
	w.Pad = a.padding("pad", &w)
	return w
}

// asTensor takes a tensor; what names the place in the error.
func (e *elab) asTensor(a argument, what string) (tensor, bool) {
	switch v := a.value.(type) {
	case tensor:
		return v, true
	case bad:
		return tensor{}, false
	case *partial:
		e.report(errWaiting(a.at, v))
	case nil:
		e.report(errNoValue(a.at, what))
	default:
		e.report(errKind(a.at, what, "a tensor", v))
	}
	return tensor{}, false
}

// tensors takes the tensor arguments of p: one for each name, or all that the
// positional arguments and lists hold.
func (e *elab) tensors(p *primitive, bound []*argument) ([]tensor, bool) {
	if !p.anyNumber {
		in := make([]tensor, len(p.tensors))
		ok := true
		for i, name := range p.tensors {
			what := "the input of " + p.name
			if len(p.tensors) > 1 {
				what = name + " of " + p.name
			}
			var got bool
			in[i], got = e.asTensor(*bound[i], what)
			ok = ok && got
		}
		return in, ok
	}
	var in []tensor
	ok := true
	var take func(v value)
	take = func(v value) {
		if l, isList := v.(list); isList {
			for _, x := range l.elems {
				take(x)
			}
			return
		}
		t, got := e.asTensor(argument{value: v, at: bound[0].at}, "what "+p.name+" takes")
		in, ok = append(in, t), ok && got
	}
	take(bound[0].value)
	return in, ok
}

// runPrimitive adds an operation to the graph.
func (e *elab) runPrimitive(p *primitive, bound []*argument, c call) value {
	in, ok := e.tensors(p, bound)
	if !ok {
		return bad{}
	}
	if p.op == ir.OpInvalid { // identity
		return in[0]
	}
	if len(in) < p.op.Info().MinArgs {
		if len(in) == 1 && p.anyNumber {
			return in[0] // the sum of one
		}
		e.report(errMissing(c.at, p, p.tensors[0]))
		return bad{}
	}
	name := p.name
	if c.label != nil {
		if name, ok = e.label(c.scope, c.label); !ok {
			return bad{}
		}
	} else if p.key {
		e.report(errNoLabel(c.at, p.name))
		return bad{}
	}
	a := &attributes{e: e, p: p, at: c.at, in: in, given: map[string]*argument{}, ok: true}
	for i, attr := range p.attrs {
		a.given[attr.name] = bound[len(p.tensors)+i]
	}
	a.key = join(e.top().prefix, name)
	var attr ir.Attr
	if p.build != nil {
		if attr = p.build(a); !a.ok {
			return bad{}
		}
	}
	at := c.at
	if c.label != nil {
		at = c.label.Src
	}
	return e.add(operation{name: name, nameAt: at, key: p.key, op: p.op, attr: attr, at: c.at, in: in, given: a.given})
}

// operation is what add needs to know.
type operation struct {
	name   string // within the scope
	nameAt diag.Span
	key    bool // the full name is a prefix of keys
	op     ir.Op
	attr   ir.Attr
	at     diag.Span
	in     []tensor
	given  map[string]*argument // attributes, for the places to blame
}

// op adds an operation without parameters of its own name.
func (e *elab) op(name string, op ir.Op, attr ir.Attr, at diag.Span, in ...tensor) value {
	return e.add(operation{name: name, nameAt: at, op: op, attr: attr, at: at, in: in})
}

// add adds an operation to the graph, or reports why it can't.
func (e *elab) add(o operation) value {
	if e.quiet > 0 || e.stopped {
		return bad{}
	}
	if !e.spend(len(o.in), o.at) {
		return bad{}
	}
	if len(e.used) >= maxValues {
		if l := e.busiest(); l != nil {
			e.stop(errTooManyOps(l.at))
		} else {
			e.stop(errTooManyOps(o.at))
		}
		return bad{}
	}
	args := make([]ir.ID, len(o.in))
	for i, t := range o.in {
		args[i] = t.id
	}
	name, ok := e.claim(o.name, o.key, o.nameAt)
	if !ok {
		return bad{}
	}
	id, err := e.b.Add(o.op, o.attr, name, o.at, args...)
	if err != nil {
		e.report(e.errAdd(err, o, name))
		return bad{}
	}
	e.made(name, o.key, o.nameAt)
	for _, t := range o.in {
		e.used[t.id] = true
	}
	return tensor{id, e.b.Value(id).Shape}
}

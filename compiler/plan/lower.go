package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Options change how a network is computed, and not what.
type Options struct {
	// NoWinograd computes every convolution as the sum that defines it.
	NoWinograd bool
	// NoChains runs one layer after the other, so that all values can be looked at.
	NoChains bool
}

// Lower turns a graph, which must verify, into a plan: steps in the graph's
// order, each value in its place in the arena. An error is a graph that no step
// can run, which is the compiler's fault and not the spec's.
func Lower(g *ir.Graph, opts Options) (*Plan, error) {
	l := &lowering{
		g:    g,
		opts: opts,
		p: &Plan{
			Name: g.Name, Source: g.Source, Preprocess: preprocess(g.Preprocess), Labels: g.Labels,
			Params: ir.ParamCount(g), Buffers: ir.BufferCount(g), MACs: ir.MACs(g), Tensors: ir.Params(g),
			Blocks: map[string]string{},
		},
		layout: placeValues(g),
		ready:  make([]int, len(g.Values)),
		names:  map[string]bool{},
	}
	for _, v := range g.Values {
		l.names[v.Name] = true
	}
	for _, v := range g.Values {
		if err := l.value(v); err != nil {
			return nil, fmt.Errorf("%s: %w", v.Name, err)
		}
	}
	if !opts.NoChains {
		l.chain()
	}
	l.lifetimes()
	l.shareInPlace()
	l.finish()
	if err := Verify(l.p); err != nil {
		return nil, err
	}
	return l.p, nil
}

// lowering is the state of one call of Lower. Until finish, views are homes: the
// offsets are not known.
type lowering struct {
	g      *ir.Graph
	opts   Options
	p      *Plan
	layout *layout
	steps  []homes // of p.Steps
	ready  []int   // by value: the step after which it is complete
	names  map[string]bool
}

// homes is where a step's operands live.
type homes struct {
	dst  home
	args []home // the sources, then the residual if there is one
}

// value emits the steps that compute v.
func (l *lowering) value(v *ir.Value) error {
	l.ready[v.ID] = -1
	for _, a := range v.Args {
		l.ready[v.ID] = max(l.ready[v.ID], l.ready[a])
	}
	switch v.Op {
	case ir.OpInput:
		return nil
	case ir.OpConcat:
		l.concat(v)
		return nil
	case ir.OpAdd:
		l.add(v)
		return nil
	}
	if _, _, ok := aliasOf(l.g, v); ok {
		return nil
	}
	s := Step{Name: v.Name}
	if err := l.describe(v, &s); err != nil {
		return err
	}
	args := l.operands(v.Args)
	if v.Op == ir.OpMul && args[0].shape.Elems() < args[1].shape.Elems() {
		args[0], args[1] = args[1], args[0] // the runtime broadcasts the second
	}
	l.emit(v, s, operand{l.layout.of[v.ID], v.Shape}, args...)
	return nil
}

// concat emits copies of those arguments that could not be computed in place.
func (l *lowering) concat(v *ir.Value) {
	at := l.layout.of[v.ID]
	for _, arg := range l.operands(v.Args) {
		if arg.home != at {
			s := Step{Name: l.unique(v.Name + ".copy"), Op: &runtime.Copy{Shape: shape3(arg.shape)}}
			l.emit(v, s, operand{at, arg.shape}, arg)
		}
		at.channel += arg.shape.Channels()
	}
}

// add emits a sum as a chain of sums of two, of which the last is v's step.
func (l *lowering) add(v *ir.Value) {
	dst := operand{l.layout.of[v.ID], v.Shape}
	args := l.operands(v.Args)
	sum := args[0]
	for i, arg := range args[1:] {
		op := &runtime.Add{Shape: shape3(v.Shape)}
		s := Step{Name: v.Name, Op: op}
		if i == len(args)-2 {
			op.Act = act(v.Attr.(*ir.Sum).Act)
		} else {
			s.Name = l.unique(v.Name + ".sum")
		}
		l.emit(v, s, dst, sum, arg)
		sum = dst
	}
}

// operand is a tensor and where it lives.
type operand struct {
	home
	shape shape.Shape
}

func (l *lowering) operands(ids []ir.ID) []operand {
	list := make([]operand, len(ids))
	for i, id := range ids {
		list[i] = operand{l.layout.of[id], l.g.Value(id).Shape}
	}
	return list
}

// emit appends a step of v. If it has a residual, that is the last argument.
func (l *lowering) emit(v *ir.Value, s Step, dst operand, args ...operand) {
	s.Span = v.Span
	s.Covers = v.Covers
	if len(s.Covers) == 0 {
		s.Covers = []string{v.Name}
	}
	s.Out = dst.shape
	h := homes{dst: dst.home}
	for _, a := range args {
		h.args = append(h.args, a.home)
		s.In = append(s.In, a.shape)
	}
	if s.Residual != nil {
		s.In = s.In[:len(s.In)-1]
	}
	l.ready[v.ID] = len(l.p.Steps)
	l.p.Steps = append(l.p.Steps, s)
	l.steps = append(l.steps, h)
}

// unique returns base, or base.2, base.3 ..., whichever no value and no step is
// called.
func (l *lowering) unique(base string) string {
	name := base
	for n := 2; l.names[name]; n++ {
		name = fmt.Sprintf("%s.%d", base, n)
	}
	l.names[name] = true
	return name
}

// finish assigns offsets and turns homes into views.
func (l *lowering) finish() {
	var regions []Region
	index := make([]int, len(l.layout.buffers)) // buffer to region
	for i := range l.layout.buffers {
		if b := &l.layout.buffers[i]; l.layout.root(i) == i && b.used() {
			index[i] = len(regions)
			regions = append(regions, Region{Size: b.size(), First: b.first, Last: b.last})
		}
	}
	p := l.p
	p.Arena = assign(regions)
	p.LowerBound = lowerBound(regions)
	p.Regions = slices.SortedStableFunc(slices.Values(regions), func(a, b Region) int { return cmp.Compare(a.First, b.First) })

	view := func(h home) runtime.View {
		root := l.layout.root(h.buffer)
		return runtime.View{Offset: regions[index[root]].Offset, Channel: h.channel, Pitch: l.layout.buffers[root].pitch()}
	}
	for i := range p.Steps {
		s, h := &p.Steps[i], l.steps[i]
		s.Dst = view(h.dst)
		if s.Residual != nil {
			*s.Residual = view(h.args[len(h.args)-1])
			h.args = h.args[:len(h.args)-1]
		}
		for _, a := range h.args {
			s.Src = append(s.Src, view(a))
		}
	}
	places := make([]Place, len(l.g.Values))
	for i, v := range l.g.Values {
		at := l.layout.of[v.ID]
		if !l.layout.buffers[l.layout.root(at.buffer)].used() {
			continue
		}
		places[i] = Place{Name: v.Name, Shape: v.Shape, View: view(at), Ready: l.ready[v.ID]}
		p.Values = append(p.Values, places[i])
		if v.Op == ir.OpInput {
			p.Inputs = append(p.Inputs, Port{Name: v.Name, Shape: v.Shape, View: places[i].View})
		}
	}
	for _, o := range l.g.Outputs {
		at := places[o.Value]
		p.Outputs = append(p.Outputs, Port{Name: o.Name, Shape: at.Shape, View: at.View})
	}
	for _, s := range l.g.Scopes {
		p.Blocks[s.Name] = s.Block
		if at := places[s.Value]; at.Name != "" {
			at.Name = s.Name
			p.Scopes = append(p.Scopes, at)
		}
	}
}

// preprocess returns p as the runtime has it.
func preprocess(p *ir.Preprocess) *runtime.Preprocess {
	if p == nil {
		return nil
	}
	return &runtime.Preprocess{
		Resize: p.Resize, Crop: runtime.Size(p.Crop), Filter: p.Filter,
		Scale: p.Scale, Mean: p.Mean, Std: p.Std, Channels: p.Channels,
	}
}

// shape3 returns s as the runtime has it; a vector is a map of one pixel.
func shape3(s shape.Shape) runtime.Shape {
	return runtime.Shape{C: s.Channels(), H: s.Height(), W: s.Width()}
}

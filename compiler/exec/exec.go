// Package exec runs a plan in the process: it makes the calls of the runtime that
// the emitted package would make, with the same arguments in the same order, so
// that the outputs are the same bits. With it, cnnc runs, verifies and measures
// networks without a Go toolchain.
package exec

import (
	"fmt"

	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Model is a plan with its packed weights: immutable, shared by any number of
// sessions.
type Model struct {
	plan  *plan.Plan
	calls []call // of plan.Steps
	mem   runtime.Memory
}

// call is what one step calls; one of the fields is set.
type call struct {
	one   unary
	two   binary
	add   adder
	gated *runtime.PackedConv
}

// unary is a layer or op of one argument.
type unary interface {
	Run(s *runtime.Session, dst, src runtime.View)
}

// binary is an op of two arguments.
type binary interface {
	Run(s *runtime.Session, dst, a, b runtime.View)
}

// adder is a layer with a residual.
type adder interface {
	RunAdd(s *runtime.Session, dst, src, residual runtime.View)
}

// Load packs the weights of a plan, which must verify. The error lists all
// tensors that are missing, unexpected or of the wrong shape.
func Load(p *plan.Plan, t runtime.Tensors) (*Model, error) {
	m := &Model{plan: p, calls: make([]call, len(p.Steps))}
	l := runtime.NewLoader(t)
	for i := range p.Steps {
		s := &p.Steps[i]
		c, err := bind(s, pack(l, s))
		if err != nil {
			return nil, err
		}
		m.calls[i] = c
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	m.mem = l.Memory(p.Arena)
	return m, nil
}

// pack returns what runs a step: its layer, packed, or the op itself if it runs as it
// stands.
func pack(l *runtime.Loader, s *plan.Step) any {
	switch op := s.Op.(type) {
	case *plan.Chain:
		links := make([]runtime.Link, len(op.Links))
		for i := range links {
			links[i] = pack(l, &op.Links[i]).(runtime.Link)
		}
		return l.Chain(links...)
	case *runtime.Conv:
		if len(s.Parts) > 0 {
			return l.ConvParts(op, s.Parts, s.Norms...)
		}
		return l.Conv(s.Key, op, s.Norms...)
	case *runtime.Linear:
		return l.Linear(s.Key, op, s.Norms...)
	case *runtime.Affine:
		return l.Affine(op, s.Norms...)
	case *runtime.LayerNorm:
		return l.LayerNorm(s.Key, op)
	case *runtime.GRN:
		return l.GRN(s.Key, op)
	case *runtime.Pick:
		return l.Pick(op)
	}
	return s.Op
}

// bind finds the method by which a layer computes a step.
func bind(s *plan.Step, layer any) (c call, err error) {
	var ok bool
	conv, isConv := s.Op.(*runtime.Conv)
	switch {
	case isConv && conv.Gate:
		c.gated, ok = layer.(*runtime.PackedConv)
	case s.Residual != nil:
		c.add, ok = layer.(adder)
	case len(s.Src) == 2:
		c.two, ok = layer.(binary)
	default:
		c.one, ok = layer.(unary)
	}
	if !ok {
		return c, fmt.Errorf("internal error: step %s: %T does not run on %d arguments", s.Name, layer, len(s.Src))
	}
	return c, nil
}

// run makes the call.
func (c *call) run(rt *runtime.Session, s *plan.Step) {
	switch {
	case c.one != nil:
		c.one.Run(rt, s.Dst, s.Src[0])
	case c.two != nil:
		c.two.Run(rt, s.Dst, s.Src[0], s.Src[1])
	case c.gated != nil && s.Residual != nil:
		c.gated.RunGatedAdd(rt, s.Dst, s.Src[0], s.Src[1], *s.Residual)
	case c.gated != nil:
		c.gated.RunGated(rt, s.Dst, s.Src[0], s.Src[1])
	default:
		c.add.RunAdd(rt, s.Dst, s.Src[0], *s.Residual)
	}
}

// Plan returns the plan that m runs.
func (m *Model) Plan() *plan.Plan { return m.plan }

// Memory returns what a session of m allocates.
func (m *Model) Memory() runtime.Memory { return m.mem }

// NewSession returns a session of m. Close it to end its threads.
func (m *Model) NewSession(opts ...runtime.Option) *Session {
	return &Session{model: m, rt: runtime.NewSession(m.mem, opts...)}
}

// Session runs one inference at a time of a model.
type Session struct {
	model *Model
	rt    *runtime.Session

	// After, if not nil, is called after every step with its index, before the
	// first with -1 and once the outputs have been copied with the number of
	// steps. It may call Read.
	After func(step int)
}

// Close ends the session's threads. A closed session still runs, on one.
func (s *Session) Close() { s.rt.Close() }

// Forward runs the network on n images, at most the session's batch. Each src is
// one of the plan's inputs and each dst one of its outputs, in order, n images
// one after the other in the session's layout. It allocates nothing.
func (s *Session) Forward(dst, src [][]float32, n int) error {
	p := s.model.plan
	if n < 1 || n > s.rt.Batch() {
		return fmt.Errorf("%d images in a session for 1 to %d", n, s.rt.Batch())
	}
	if err := check("input", p.Inputs, src, n); err != nil {
		return err
	}
	if err := check("output", p.Outputs, dst, n); err != nil {
		return err
	}
	s.rt.Begin(n)
	defer s.rt.End()
	for i, in := range p.Inputs {
		s.rt.Input(in.View, shape3(in.Shape), src[i])
	}
	s.after(-1)
	for i := range p.Steps {
		s.model.calls[i].run(s.rt, &p.Steps[i])
		s.after(i)
	}
	for i, out := range p.Outputs {
		s.rt.Output(dst[i], out.View, shape3(out.Shape))
	}
	s.after(len(p.Steps))
	return nil
}

func (s *Session) after(step int) {
	if s.After != nil {
		s.After(step)
	}
}

// Read copies a value that is complete out of the arena: the images of this
// inference one after the other, in the session's layout. Only After may call it.
func (s *Session) Read(dst []float32, at plan.Place) {
	s.rt.Output(dst, at.View, shape3(at.Shape))
}

// check compares what the caller passed with the ports.
func check(kind string, ports []plan.Port, data [][]float32, n int) error {
	if len(data) != len(ports) {
		return fmt.Errorf("%d %ss, the network has %d", len(data), kind, len(ports))
	}
	for i, p := range ports {
		if have, each := len(data[i]), p.Shape.Elems(); have != n*each {
			return runtime.CheckLen(kind+" "+p.Name, have, each, n)
		}
	}
	return nil
}

func shape3(s shape.Shape) runtime.Shape {
	return runtime.Shape{C: s.Channels(), H: s.Height(), W: s.Width()}
}

package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Verify checks what consumers of p assume: names are unique; regions lie in the
// arena and do not overlap while both are alive; every view lies in one region
// that is alive at its step; what is read has been written; and a destination
// meets a source only where the operation allows it. It returns every violation
// found, joined.
func Verify(p *Plan) error {
	v := verifier{plan: p, written: make([][]channels, len(p.Regions))}
	v.regions()
	v.steps()
	return errors.Join(v.errs...)
}

// channels is a range [from, to) of each pixel of a region.
type channels struct{ from, to int }

type verifier struct {
	plan    *Plan
	written [][]channels // of each region, sorted, disjoint and not adjacent
	errs    []error
}

func (v *verifier) report(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf(format, args...))
}

func (v *verifier) regions() {
	p := v.plan
	if p.LowerBound > p.Arena {
		v.report("arena: %d floats are less than the lower bound of %d", p.Arena, p.LowerBound)
	}
	for i := range p.Regions {
		r := &p.Regions[i]
		switch {
		case r.Size <= 0 || r.Offset < 0 || r.Offset+r.Size > p.Arena:
			v.report("region %d: [%d, %d) is not inside the arena of %d floats", i, r.Offset, r.Offset+r.Size, p.Arena)
		case r.Offset%align != 0 || r.Size%align != 0:
			v.report("region %d: offset %d or size %d is not a multiple of %d", i, r.Offset, r.Size, align)
		case r.First > r.Last:
			v.report("region %d: ends at step %d, before its beginning at %d", i, r.Last, r.First)
		}
		for j := range i {
			if s := &p.Regions[j]; r.together(s) && r.overlap(s) {
				v.report("regions %d and %d overlap in memory and time", j, i)
			}
		}
	}
}

func (v *verifier) steps() {
	p := v.plan
	ports := map[string]bool{}
	for _, in := range p.Inputs {
		v.unique(ports, "input", in.Name)
		v.write("input "+in.Name, -1, in.View, in.Shape)
	}
	clear(ports)
	names := map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		v.unique(names, "step", s.Name)
		what := "step " + s.Name
		if len(s.Src) != len(s.In) {
			v.report("%s: %d sources with %d shapes", what, len(s.Src), len(s.In))
			continue
		}
		for k, src := range s.Src {
			v.read(what, i, src, s.In[k])
		}
		if s.Residual != nil {
			v.read(what, i, *s.Residual, s.Out)
		}
		v.aliasing(what, s)
		v.write(what, i, s.Dst, s.Out)
	}
	for _, out := range p.Outputs {
		v.unique(ports, "output", out.Name)
		v.read("output "+out.Name, len(p.Steps), out.View, out.Shape)
	}
}

func (v *verifier) unique(seen map[string]bool, kind, name string) {
	if name == "" || seen[name] {
		v.report("%s %q: the name is taken or empty", kind, name)
	}
	seen[name] = true
}

// region returns the index of the region in which a view of a tensor lies at a
// step, or -1 after a report.
func (v *verifier) region(what string, step int, view runtime.View, s shape.Shape) int {
	size := roundUp(s.Height()*s.Width()*view.Pitch, align)
	aligned := view.Offset%align == 0 && (view.Pitch < align || view.Pitch%align == 0)
	if view.Channel < 0 || view.Channel+s.Channels() > view.Pitch || !aligned {
		v.report("%s: channels %d to %d of pitch %d at %d is not a view", what, view.Channel, view.Channel+s.Channels(), view.Pitch, view.Offset)
		return -1
	}
	i := slices.IndexFunc(v.plan.Regions, func(r Region) bool {
		return r.Offset == view.Offset && r.Size == size && r.First <= step && step <= r.Last
	})
	if i < 0 {
		v.report("%s: no region of %d floats at %d is alive", what, size, view.Offset)
	}
	return i
}

// read checks that every channel of a view has been written.
func (v *verifier) read(what string, step int, view runtime.View, s shape.Shape) {
	r := v.region(what, step, view, s)
	if r < 0 {
		return
	}
	want := channels{view.Channel, view.Channel + s.Channels()}
	if !slices.ContainsFunc(v.written[r], func(c channels) bool { return c.from <= want.from && want.to <= c.to }) {
		v.report("%s: reads channels %d to %d of region %d, which holds only %v", what, want.from, want.to, r, v.written[r])
	}
}

// write notes that the channels of a view have been written.
func (v *verifier) write(what string, step int, view runtime.View, s shape.Shape) {
	r := v.region(what, step, view, s)
	if r < 0 {
		return
	}
	c := channels{view.Channel, view.Channel + s.Channels()}
	kept := v.written[r][:0:0]
	for _, w := range v.written[r] {
		if w.to < c.from || c.to < w.from {
			kept = append(kept, w)
		} else {
			c = channels{min(c.from, w.from), max(c.to, w.to)}
		}
	}
	kept = append(kept, c)
	slices.SortFunc(kept, func(a, b channels) int { return a.from - b.from })
	v.written[r] = kept
}

// aliasing checks that the destination meets no source but the one that the
// operation may overwrite, and that one exactly.
func (v *verifier) aliasing(what string, s *Step) {
	args := s.args()
	over := overwritable(s, len(args))
	for i, a := range args {
		meets := a.Offset == s.Dst.Offset && a.Channel < s.Dst.Channel+s.Out.Channels() &&
			s.Dst.Channel < a.Channel+s.argShape(i).Channels()
		if meets && !(a == s.Dst && slices.Contains(over, i)) {
			v.report("%s: writes over argument %d", what, i+1)
		}
	}
}

// args returns all views that s reads: its sources, then its residual.
func (s *Step) args() []runtime.View {
	if s.Residual == nil {
		return s.Src
	}
	return append(slices.Clone(s.Src), *s.Residual)
}

// argShape returns the shape of args()[i].
func (s *Step) argShape(i int) shape.Shape {
	if i == len(s.Src) {
		return s.Out
	}
	return s.In[i]
}

// overwritable lists those of a step's arguments, its sources and then its
// residual, whose memory the destination may take: they are read at each place
// just before it is written.
func overwritable(s *Step, args int) []int {
	switch op := s.Op.(type) {
	case *runtime.Conv, *runtime.Linear, *Chain:
		if s.Residual != nil {
			return []int{args - 1}
		}
	case *runtime.Affine, *runtime.Activation, *runtime.LayerNorm, *runtime.GRN, *runtime.Softmax:
		return []int{0}
	case *runtime.Add:
		return []int{0, 1}
	case *runtime.Mul:
		if op.Broadcast {
			return []int{0}
		}
		return []int{0, 1}
	}
	return nil
}

package plan

import (
	"slices"

	"github.com/cnnc-dev/cnnc/runtime"
)

// Which layers run depth first is decided here, from static shapes alone; how high the
// bands are is the runtime's choice.

// joins reports whether the map between two layers should stay in the cache. It goes to
// memory and back otherwise, if it is larger than the second-level cache leaves room for;
// which matters where there is little to compute for each of its elements, as beside a
// depthwise convolution, and to a maximum pooling. Measured: at 137 multiply-adds an
// element, chains save 5 to 15%, at 290 nothing; a stem of 7x7 and its pooling, 6 to 13%.
func joins(writer, reader *Step) bool {
	const (
		cached = 200 << 10 // elements
		most   = 160       // multiply-adds an element
	)
	w, ok := writer.Op.(*runtime.Conv)
	if !ok || !w.CanChain() || w.Out.Len() <= cached {
		return false
	}
	switch r := reader.Op.(type) {
	case *runtime.Conv:
		return r.CanChain() && (w.Algo == runtime.Depthwise || r.Algo == runtime.Depthwise) &&
			macs(w)+macs(r) <= most*w.Out.Len()
	case *runtime.MaxPool:
		return true
	}
	return false
}

// macs is the multiply-accumulates of a convolution.
func macs(op *runtime.Conv) int {
	return op.Out.Len() * op.Kernel.H * op.Kernel.W * op.In.C / op.Groups
}

// fits reports whether the bands of a chain are high enough: the longer it is, the more
// rows of one band are those of the next as well. Before a pooling, which has less to gain,
// it takes more of them.
func fits(steps []Step) bool {
	chain := make([]runtime.Chainable, len(steps))
	for i := range steps {
		chain[i] = steps[i].Op.(runtime.Chainable)
	}
	least := 2 * (len(chain) - 1)
	if _, ok := steps[len(steps)-1].Op.(*runtime.MaxPool); ok {
		least = 2 * len(chain)
	}
	return runtime.BandRows(chain) >= least
}

// chain joins consecutive steps to chains. Buffers between them are then used by no step.
func (l *lowering) chain() {
	uses := make([]int, len(l.layout.buffers)) // by steps and outputs
	for _, h := range l.steps {
		uses[h.dst.buffer]++
		for _, a := range h.args {
			uses[a.buffer]++
		}
	}
	for _, o := range l.g.Outputs {
		uses[l.layout.of[o.Value].buffer]++
	}
	steps, places := l.p.Steps, l.steps
	// links reports whether step i+1 can be the next in a chain after step i, which must
	// compute a whole buffer for it alone.
	links := func(i int) bool {
		s, next := &steps[i], &steps[i+1]
		dst := places[i].dst
		return s.Residual == nil && joins(s, next) &&
			places[i+1].args[0] == dst && next.In[0].Equal(s.Out) && l.layout.whole(dst, s.Out.Channels()) && uses[dst.buffer] == 2
	}
	l.p.Steps, l.steps = nil, nil
	became := make([]int, len(steps))
	ends := chainEnds(steps, links)
	for first, end := 0, 0; first < len(steps); first = end {
		end = ends[first]
		for i := first; i < end; i++ {
			became[i] = len(l.p.Steps)
		}
		l.p.Steps = append(l.p.Steps, join(steps[first:end]))
		h := homes{dst: places[end-1].dst, args: places[first].args}
		if end-first > 1 {
			h.args = append(h.args[:1:1], places[end-1].args[1:]...) // the residual
		}
		l.steps = append(l.steps, h)
	}
	for i, step := range l.ready {
		if step >= 0 {
			l.ready[i] = became[step]
		}
	}
}

// chainEnds says for each step where a chain that begins with it ends, such that most
// floats stay within chains.
func chainEnds(steps []Step, links func(i int) bool) []int {
	ends := make([]int, len(steps))
	within := make([]int, len(steps)+1) // floats, from each step on
	for first := range slices.Backward(steps) {
		floats := 0
		for end := first + 1; end == first+1 || fits(steps[first:end]); end++ {
			if floats+within[end] >= within[first] {
				ends[first], within[first] = end, floats+within[end]
			}
			if end == len(steps) || !links(end-1) {
				break
			}
			floats += steps[end-1].Out.Elems()
		}
	}
	return ends
}

// join returns the chain of some steps, or the only one.
func join(steps []Step) Step {
	if len(steps) == 1 {
		return steps[0]
	}
	s := steps[len(steps)-1]
	s.Op, s.Key, s.Parts, s.Norms = &Chain{Links: steps}, "", nil, nil
	s.In, s.Covers, s.Params, s.MACs = steps[0].In, nil, 0, 0
	for _, link := range steps {
		s.Covers = append(s.Covers, link.Covers...)
		s.Params += link.Params
		s.MACs += link.MACs
	}
	return s
}

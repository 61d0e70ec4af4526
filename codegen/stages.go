package codegen

import (
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/codegen/names"
	"github.com/cnnc-dev/cnnc/compiler/plan"
)

// How many calls a function holds: one that runs scopes within its scope no more
// than a reader takes in at once, any function far fewer than what the Go compiler
// finds slow.
const (
	goodUnits = 20
	maxUnits  = 64
)

// unit is what one statement of a stage runs: a layer, or a block.
type unit struct {
	layer *layer
	use   *use
}

// function is a stage: a method of Model.
type function struct {
	name  string
	scope string // whose layers it runs; "" if they are not all of one
	units []unit
	views []*buffer
}

// cut divides the tree into functions: one for each scope, the outermost that is
// not too long, and one for each run of what lies between.
func (e *emitter) cut(root *node) {
	for _, piece := range e.pieces(root) {
		f := &function{}
		if len(piece) == 1 && piece[0].calls() > 1 {
			f.scope = piece[0].name
		}
		for _, n := range piece {
			n.walk(func(n *node) bool {
				u, ok := e.unit(n)
				if ok {
					f.units = append(f.units, u)
				}
				return !ok
			})
		}
		e.funcs = append(e.funcs, f)
	}
	for i, f := range e.funcs {
		f.name = e.model.Take(names.Unexported(e.functionName(i), "stage"))
	}
	next := 0 // the first step of the function
	for _, f := range e.funcs {
		e.placeBuffers(f, next)
		for _, u := range f.units {
			next += len(u.steps())
		}
	}
}

// pieces lists the subtrees of each function, in order.
func (e *emitter) pieces(root *node) [][]*node {
	var all [][]*node
	var run []*node
	flush := func() {
		if run != nil {
			all = append(all, run)
			run = nil
		}
	}
	var visit func(n *node)
	visit = func(n *node) {
		for _, k := range n.kids {
			switch {
			case k.calls() == 1:
				if len(run) == maxUnits {
					flush()
				}
				run = append(run, k)
			case e.isStage(k):
				flush()
				all = append(all, []*node{k})
			default:
				visit(k)
			}
		}
	}
	visit(root)
	flush()
	return all
}

// isStage reports whether a scope is a function of its own.
func (e *emitter) isStage(n *node) bool {
	// Names that the compiler made, such as concat.copy, look like scopes too.
	if _, labelled := e.plan.Blocks[n.name]; !labelled && !n.holdsWeights() {
		return false
	}
	limit := maxUnits
	if slices.ContainsFunc(n.kids, func(k *node) bool { return k.calls() > 1 }) {
		limit = goodUnits
	}
	return n.calls() <= limit
}

func (n *node) holdsWeights() bool {
	return slices.ContainsFunc(n.steps(), func(s *plan.Step) bool { return packingOf(s.Op).key || packingOf(s.Op).norms })
}

// calls counts the statements that n becomes.
func (n *node) calls() int {
	if n.step != nil || n.use != nil {
		return 1
	}
	sum := 0
	for _, k := range n.kids {
		sum += k.calls()
	}
	return sum
}

// unit returns the statement of a layer or a shared block, and gives it a field
// of Model.
func (e *emitter) unit(n *node) (u unit, ok bool) {
	switch {
	case n.step != nil:
		u.layer = &layer{steps: []*plan.Step{n.step}, parts: e.parts(n.step, "")}
		if packingOf(n.step.Op).layer == "" {
			return u, true
		}
		u.layer.field = e.model.Take(names.Unexported(n.name, "layer"))
	case n.use != nil:
		u.use = n.use
		u.use.field = e.model.Take(names.Unexported(n.name, "block"))
	default:
		return u, false
	}
	e.fields = append(e.fields, u)
	return u, true
}

func (u unit) steps() []*plan.Step {
	if u.use != nil {
		return u.use.steps
	}
	return u.layer.steps
}

func (u unit) name() string {
	if u.use != nil {
		return u.use.scope
	}
	return u.layer.rel()
}

// names is the unit's name, or those of a chain's links.
func (u unit) names() []string {
	if u.use != nil {
		return []string{u.use.scope}
	}
	var all []string
	for _, p := range u.layer.parts {
		all = append(all, p.rel)
	}
	return all
}

// functionName is the scope's name, or says from where to where a run goes; short
// runs at the two ends are the stem and the head.
func (e *emitter) functionName(i int) string {
	const short = 6
	f := e.funcs[i]
	switch {
	case len(e.funcs) == 1:
		return "forward"
	case f.scope != "":
		return f.scope
	case i == 0 && len(f.units) <= short:
		return "stem"
	case i == len(e.funcs)-1 && len(f.units) <= short:
		return "head"
	case len(f.units) == 1:
		return "run." + f.units[0].name()
	}
	first, last := f.units[0].name(), f.units[len(f.units)-1].name()
	scope := first[:max(strings.LastIndexByte(first, '.'), 0)]
	return first + ".to." + within(scope, last)
}

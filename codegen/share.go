package codegen

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/cnnc-dev/cnnc/codegen/names"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/runtime"
)

// block is a scope that occurs several times with the same layers between the
// same buffers: a struct of packed layers and a method that runs them. Weights,
// shapes and places in the arena may differ from one use to the next.
type block struct {
	name   string // of the type: bottleneck
	load   string // of the function that packs one
	layers []layer
	params []param // views that forward takes, in order
	args   []partParam
	uses   []*use
}

// use is one of a block's places in the net.
type use struct {
	block *block
	scope string         // layer1.0
	field string         // of Model
	steps []*plan.Step   // as block.layers
	views []runtime.View // by slot, see wiring
}

// signature is equal for scopes that can share a body, "" for one that cannot.
func signature(n *node) string {
	steps := n.steps()
	if len(steps) < 2 {
		return ""
	}
	w := wire(steps)
	var b strings.Builder
	for i, s := range steps {
		if !inScope(n.name, s) {
			return ""
		}
		fmt.Fprintf(&b, "%T %v %v", s.Op, w.src[i], w.residual[i])
		for _, layer := range s.Layers() {
			writeSignature(&b, n.name, &layer)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// writeSignature writes a layer's part of a signature.
func writeSignature(b *strings.Builder, scope string, s *plan.Step) {
	fmt.Fprintf(b, " %q %T %v %q", within(scope, s.Name), s.Op, opAct(s.Op), within(scope, s.Key))
	for _, part := range s.Parts {
		fmt.Fprintf(b, " %q %d %v %d", within(scope, part.Key), part.Out, part.Channels, len(part.Norms))
	}
	for _, norm := range s.AllNorms() {
		norm.Key = within(scope, norm.Key)
		if _, ok := dimsOf(s.Op, norm); ok {
			norm.Dims = append([]int{0}, norm.Dims[1:]...)
		}
		fmt.Fprintf(b, " %#v", norm)
	}
}

// inScope reports whether each of a step's keys can be written as the scope's name
// and a rest. No key at all can.
func inScope(scope string, s *plan.Step) bool {
	var keys []string
	for _, layer := range s.Layers() {
		keys = append(keys, layer.Key)
		for _, p := range layer.Parts {
			keys = append(keys, p.Key)
		}
	}
	for _, n := range s.AllNorms() {
		keys = append(keys, n.Key)
	}
	return !slices.ContainsFunc(keys, func(key string) bool { return key != "" && !strings.HasPrefix(key, scope+".") })
}

// within returns what follows the scope in a name.
func within(scope, name string) string {
	if scope == "" {
		return name
	}
	return strings.TrimPrefix(name, scope+".")
}

// share finds the scopes that occur more than once and gives each kind a block.
// Of scopes within scopes the outer one is taken, unless it is nothing but a
// series of shared ones: a stage whose blocks occur in other stages as well.
func (e *emitter) share(root *node) {
	sigs := map[*node]string{}
	count := map[string]int{}
	root.walk(func(n *node) bool {
		if n.step == nil && n.name != "" {
			if sig := signature(n); sig != "" {
				sigs[n] = sig
				count[sig]++
			}
		}
		return true
	})
	shared := func(n *node) bool { return count[sigs[n]] > 1 && sigs[n] != "" }
	blocks := map[string]*block{}
	root.walk(func(n *node) bool {
		if n.step != nil {
			return false
		}
		if !shared(n) || len(n.kids) > 1 && !slices.ContainsFunc(n.kids, func(k *node) bool { return !shared(k) }) {
			return true
		}
		b := blocks[sigs[n]]
		if b == nil {
			b = &block{}
			blocks[sigs[n]] = b
			e.blocks = append(e.blocks, b)
		}
		n.use = &use{block: b, scope: n.name, steps: n.steps()}
		b.uses = append(b.uses, n.use)
		return false
	})
	// A scope may turn out alone, the others having gone into larger blocks; it
	// is written out in place then.
	e.blocks = slices.DeleteFunc(e.blocks, func(b *block) bool { return len(b.uses) < 2 })
	root.walk(func(n *node) bool {
		if n.use != nil && len(n.use.block.uses) < 2 {
			n.use = nil
		}
		return n.use == nil
	})
	e.nameBlocks()
	for _, b := range e.blocks {
		e.body(b)
	}
}

// nameBlocks names the types. Of blocks that the spec gives one name, such as a
// bottleneck with and without a projection, the most frequent has it, and others
// say what they have beyond it, or do without.
func (e *emitter) nameBlocks() {
	most := map[string]*block{}
	for _, b := range e.blocks {
		name := e.specName(b)
		if m := most[name]; m == nil || len(b.uses) > len(m.uses) {
			most[name] = b
		}
	}
	take := func(b *block, name string) {
		b.name = e.top.Take(name)
		b.load = e.top.Take("load" + names.Exported(b.name, "Block"))
	}
	for _, b := range e.blocks {
		if name := e.specName(b); b == most[name] {
			take(b, name)
		}
	}
	for _, b := range e.blocks {
		if name := e.specName(b); b != most[name] {
			take(b, names.Unexported(name+"."+distinction(b.uses[0], most[name].uses[0]), "block"))
		}
	}
}

// specName is what the spec calls a block; layerBlock if layer1.0 is no block call.
func (e *emitter) specName(b *block) string {
	scope := b.uses[0].scope
	if spec := e.plan.Blocks[scope]; spec != "" {
		return names.Unexported(spec, "block")
	}
	words := strings.FieldsFunc(scope, func(r rune) bool { return r == '.' || unicode.IsDigit(r) })
	if len(words) == 0 {
		return "block"
	}
	return names.Unexported(words[len(words)-1]+".block", "block")
}

func isChain(s *plan.Step) bool {
	_, ok := s.Op.(*plan.Chain)
	return ok
}

// distinction says what sets a apart from b: downsample, without.residual; "" if
// nothing does that has a name.
func distinction(a, b *use) string {
	if extra := difference(a, b); extra != "" {
		return extra
	}
	if lack := difference(b, a); lack != "" {
		return "without." + lack
	}
	return ""
}

// difference names the first thing that a has and b has not: a layer or scope, a
// residual or a chain; "" if there is none.
func difference(a, b *use) string {
	has := map[string]bool{}
	residual := false
	for _, s := range b.steps {
		residual = residual || s.Residual != nil
		for name := within(b.scope, s.Name); name != ""; name = name[:max(strings.LastIndexByte(name, '.'), 0)] {
			has[name] = true
		}
	}
	for _, s := range a.steps {
		path := ""
		for part := range strings.SplitSeq(within(a.scope, s.Name), ".") {
			path = strings.TrimPrefix(path+"."+part, ".")
			if !has[path] && strings.Trim(part, "0123456789") != "" {
				return part
			}
		}
	}
	for _, s := range a.steps {
		if s.Residual != nil && !residual {
			return "residual"
		}
		if isChain(s) && !slices.ContainsFunc(b.steps, isChain) {
			return "chain"
		}
	}
	return ""
}

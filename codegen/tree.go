package codegen

import (
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/plan"
)

// node is a scope of layer names with what runs in it, in order: layers, and
// scopes within. A scope that is left and entered again is two nodes.
type node struct {
	name string     // layer1.0; "" for the whole net
	step *plan.Step // of a leaf
	kids []*node
	use  *use // of a shared body, if the scope has one
}

// grow makes the tree of a plan.
func grow(steps []plan.Step) *node {
	root := &node{}
	for i := range steps {
		at := root
		parts := strings.Split(steps[i].Name, ".")
		for j := range parts[:len(parts)-1] {
			at = at.enter(strings.Join(parts[:j+1], "."))
		}
		at.kids = append(at.kids, &node{name: steps[i].Name, step: &steps[i]})
	}
	return root
}

// enter returns the scope of a name in which the next layer stands.
func (n *node) enter(name string) *node {
	if len(n.kids) > 0 {
		if last := n.kids[len(n.kids)-1]; last.step == nil && last.name == name {
			return last
		}
	}
	kid := &node{name: name}
	n.kids = append(n.kids, kid)
	return kid
}

// steps returns the layers of n in order.
func (n *node) steps() []*plan.Step {
	if n.step != nil {
		return []*plan.Step{n.step}
	}
	var all []*plan.Step
	for _, k := range n.kids {
		all = append(all, k.steps()...)
	}
	return all
}

// walk calls f for n and, while f returns true, for what is below it.
func (n *node) walk(f func(*node) bool) {
	if f(n) {
		for _, k := range n.kids {
			k.walk(f)
		}
	}
}

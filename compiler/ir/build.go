package ir

import (
	"fmt"
	"strconv"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// Builder makes a graph value by value. What it accepts is valid: Graph fails
// only for what concerns the whole, such as a graph without outputs.
type Builder struct {
	g       *Graph
	names   map[string]bool
	suffix  map[string]int // the last number that UniqueName tried
	weights int64          // elements of all weights so far
}

// NewBuilder starts a graph of that name.
func NewBuilder(name string) *Builder {
	return &Builder{g: &Graph{Name: name}, names: map[string]bool{}, suffix: map[string]int{}}
}

// Input adds an input of the given shape.
func (b *Builder) Input(name string, s shape.Shape, span diag.Span) (ID, error) {
	return b.add(&Value{Name: name, Op: OpInput, Shape: s, Span: span})
}

// Add adds an operation and infers its shape. If the shapes do not fit, the
// error is a *shape.Error, for the caller to give it a position; any other
// error is a mistake of the caller's: a name taken, a wrong arity or attribute
// type.
func (b *Builder) Add(op Op, attr Attr, name string, span diag.Span, args ...ID) (ID, error) {
	return b.add(&Value{Name: name, Op: op, Attr: attr, Span: span, Args: args})
}

func (b *Builder) add(v *Value) (ID, error) {
	s, err := check(b.g.Values, v)
	if err != nil {
		return 0, err
	}
	if b.names[v.Name] {
		return 0, fmt.Errorf("the name %s is taken", v.Name)
	}
	v.ID, v.Shape = ID(len(b.g.Values)), s
	for _, p := range v.Params(b.g) {
		b.weights += p.Elems()
	}
	if err := shape.CheckWeights(b.weights); err != nil {
		return 0, err
	}
	b.names[v.Name] = true
	b.g.Values = append(b.g.Values, v)
	return v.ID, nil
}

// UniqueName returns base if no value has that name yet, and else base.2,
// base.3 and so on.
func (b *Builder) UniqueName(base string) string {
	if !b.names[base] {
		return base
	}
	for n := max(b.suffix[base], 1) + 1; ; n++ {
		if name := base + "." + strconv.Itoa(n); !b.names[name] {
			b.suffix[base] = n
			return name
		}
	}
}

// Value returns a value added before.
func (b *Builder) Value(id ID) *Value { return b.g.Values[id] }

// Output names a result of the network.
func (b *Builder) Output(name string, id ID) { b.g.Outputs = append(b.g.Outputs, Output{name, id}) }

// Scope records what a labelled call of a block returned.
func (b *Builder) Scope(name, block string, id ID) {
	b.g.Scopes = append(b.g.Scopes, Scope{name, block, id})
}

// Graph returns the graph, verified. Source, Preprocess and Labels are for the
// caller to set on it.
func (b *Builder) Graph() (*Graph, error) {
	if err := Verify(b.g); err != nil {
		return nil, err
	}
	return b.g, nil
}

// Rename gives a value another name, which must be free; its own becomes free.
func (b *Builder) Rename(id ID, name string) {
	delete(b.names, b.g.Values[id].Name)
	b.names[name] = true
	b.g.Values[id].Name = name
}

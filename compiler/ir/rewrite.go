package ir

import (
	"fmt"
	"slices"
)

// Users returns, by ID, the values that read each value, in order; one that
// reads it twice stands there twice.
func Users(g *Graph) [][]ID {
	users := make([][]ID, len(g.Values))
	for _, v := range g.Values {
		for _, a := range v.Args {
			users[a] = append(users[a], v.ID)
		}
	}
	return users
}

// Compact returns g without the values that no output needs, inputs excepted,
// renumbered. Scopes of dropped values go with them. Graphs share what is
// never changed in place: attributes, shapes, covers.
func Compact(g *Graph) *Graph {
	live := make([]bool, len(g.Values))
	for _, o := range g.Outputs {
		live[o.Value] = true
	}
	for _, v := range slices.Backward(g.Values) {
		if v.Op == OpInput {
			live[v.ID] = true
		}
		if live[v.ID] {
			for _, a := range v.Args {
				live[a] = true
			}
		}
	}

	out := &Graph{Name: g.Name, Source: g.Source, Preprocess: g.Preprocess, Labels: g.Labels}
	to := make([]ID, len(g.Values))
	for _, v := range g.Values {
		if !live[v.ID] {
			continue
		}
		w := *v
		w.ID = ID(len(out.Values))
		w.Args = make([]ID, len(v.Args))
		for i, a := range v.Args {
			w.Args[i] = to[a]
		}
		to[v.ID] = w.ID
		out.Values = append(out.Values, &w)
	}
	for _, o := range g.Outputs {
		out.Outputs = append(out.Outputs, Output{o.Name, to[o.Value]})
	}
	for _, s := range g.Scopes {
		if live[s.Value] {
			out.Scopes = append(out.Scopes, Scope{Name: s.Name, Block: s.Block, Value: to[s.Value]})
		}
	}
	return out
}

// Rewriter builds a new graph from an old one, for passes. It belongs to one
// call of Rewrite.
type Rewriter struct {
	g       *Graph   // the new graph
	to      []*Value // by old ID: what computes it in the new graph
	readers []int    // by old ID: how often it is read, outputs included
	// uses counts by new ID the reads by live new values and by old values not
	// visited yet, outputs included.
	uses []int
}

// Rewrite returns a new graph made by visiting g's live values in order, inputs
// excepted. A visit that calls Fuse or Replace on v decides what computes v in
// the new graph; otherwise v is copied. Values that nobody reads any more are
// dropped at the end, so a pass absorbs v's argument by fusing both into one
// new value: the argument by itself is dead then, if it was Sole. Outputs and
// scopes follow; a scope whose value was absorbed into a later one is dropped.
// g stays as it is, and so must attribute structs: copy one to change it.
func Rewrite(g *Graph, visit func(r *Rewriter, v *Value) error) (*Graph, error) {
	g = Compact(g)
	r := &Rewriter{
		g:       &Graph{Name: g.Name, Source: g.Source, Preprocess: g.Preprocess, Labels: g.Labels},
		to:      make([]*Value, len(g.Values)),
		readers: make([]int, len(g.Values)),
	}
	for id, users := range Users(g) {
		r.readers[id] = len(users)
	}
	for _, o := range g.Outputs {
		r.readers[o.Value]++
	}
	for _, v := range g.Values {
		if v.Op != OpInput {
			if err := visit(r, v); err != nil {
				return nil, err
			}
		}
		if r.to[v.ID] == nil {
			w := *v
			w.Args = make([]ID, len(v.Args))
			for i := range v.Args {
				w.Args[i] = r.Arg(v, i).ID
			}
			r.Replace(v, r.append(&w))
		}
		for i := range v.Args {
			r.release(r.Arg(v, i))
		}
	}
	for _, o := range g.Outputs {
		r.g.Outputs = append(r.g.Outputs, Output{o.Name, r.to[o.Value].ID})
	}
	for _, s := range g.Scopes {
		r.g.Scopes = append(r.g.Scopes, Scope{s.Name, s.Block, r.to[s.Value].ID})
	}
	return Compact(r.g), nil
}

// Arg returns what computes v's i-th argument in the new graph.
func (r *Rewriter) Arg(v *Value, i int) *Value { return r.to[v.Args[i]] }

// Value returns a value of the new graph.
func (r *Rewriter) Value(id ID) *Value { return r.g.Values[id] }

// Sole reports whether v, once, is all that reads its i-th argument, so that
// the argument disappears when v absorbs it. Outputs count as reading.
func (r *Rewriter) Sole(v *Value, i int) bool { return r.ReadOnce(r.Arg(v, i)) }

// ReadOnce reports whether v, a value of the new graph, is read once, as Sole counts.
func (r *Rewriter) ReadOnce(v *Value) bool { return r.uses[v.ID] == 1 }

// Replace makes by, a value of the new graph, compute v.
func (r *Rewriter) Replace(v, by *Value) {
	r.to[v.ID] = by
	r.uses[by.ID] += r.readers[v.ID]
}

// Emit appends a value to the new graph and returns it, its shape inferred.
// v.Args are IDs of the new graph. It is dropped at the end unless something
// comes to read it.
func (r *Rewriter) Emit(v Value) (*Value, error) {
	s, err := check(r.g.Values, &v)
	if err != nil {
		return nil, fmt.Errorf("%%%s: %w", v.Name, err)
	}
	v.Shape = s
	return r.append(&v), nil
}

// Fuse makes one new value compute what arg, a value of the new graph that v
// reads, and v did. The new value is main, which is one of the two, with other
// attributes and arguments (IDs of the new graph), and covers both.
func (r *Rewriter) Fuse(v, arg, main *Value, attr Attr, args ...ID) error {
	w := *main
	w.Attr, w.Args, w.Covers = attr, args, slices.Concat(Covered(arg), Covered(v))
	fused, err := r.Emit(w)
	if err != nil {
		return err
	}
	r.Replace(v, fused)
	return nil
}

// Covered returns the names of the operations that v does.
func Covered(v *Value) []string {
	if len(v.Covers) > 0 {
		return v.Covers
	}
	return []string{v.Name}
}

func (r *Rewriter) append(v *Value) *Value {
	v.ID = ID(len(r.g.Values))
	r.g.Values = append(r.g.Values, v)
	r.uses = append(r.uses, 0)
	for _, a := range v.Args {
		r.uses[a]++
	}
	return v
}

// release takes one read of v back; what nobody reads reads nothing either.
func (r *Rewriter) release(v *Value) {
	r.uses[v.ID]--
	if r.uses[v.ID] > 0 {
		return
	}
	for _, a := range v.Args {
		r.release(r.g.Values[a])
	}
}

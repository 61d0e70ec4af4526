package passes

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

// ShareConcats lets a concatenation that begins with all of an earlier one begin
// with that one. DenseNet's layers concatenate everything before them: written as
// the paper has it, concat(a, b), concat(a, b, c) and so on, each would be copied
// together anew; nested, they all lie in one buffer.
func ShareConcats(g *ir.Graph) (*ir.Graph, error) {
	// A trie of the arguments of the concatenations so far.
	type edge struct {
		from int
		arg  ir.ID
	}
	next := map[edge]int{}
	ends := []*ir.Value{nil} // by node: the concatenation of the arguments on the way to it

	return pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
		if v.Op != ir.OpConcat {
			return nil
		}
		var args []ir.ID
		var prefix *ir.Value
		node, used := 0, 0
		for i := range v.Args {
			e := edge{node, r.Arg(v, i).ID}
			args = append(args, e.arg)
			if _, ok := next[e]; !ok {
				next[e] = len(ends)
				ends = append(ends, nil)
			}
			node = next[e]
			if ends[node] != nil {
				prefix, used = ends[node], i+1
			}
		}
		if used == len(args) {
			r.Replace(v, prefix)
			return nil
		}
		if prefix != nil {
			args = append([]ir.ID{prefix.ID}, args[used:]...)
		}
		w := *v
		w.Args = args
		shared, err := r.Emit(w)
		if err != nil {
			return err
		}
		r.Replace(v, shared)
		ends[node] = shared
		return nil
	})(g)
}

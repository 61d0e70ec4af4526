package elaborate

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// checkUsed warns of what leads nowhere, mostly forgotten connections: variables that
// nothing reads, layers without a way to an output, inputs that nothing takes.
func (e *elab) checkUsed() {
	var lets []*dsl.Let
	for _, f := range e.read {
		for _, d := range f.ast.Decls {
			lets = append(lets, unusedLets(d)...)
		}
	}
	for _, l := range lets {
		e.report(warnUnusedLet(l.Name.Src, l.Name.Name))
	}
	for _, o := range e.outputs {
		e.used[o.tensor.id] = true
	}
	for id, used := range e.used {
		if used {
			continue
		}
		v := e.b.Value(ir.ID(id))
		switch v.Op {
		case ir.OpSlice, ir.OpPick: // a part of a split that a block has no use for
		case ir.OpInput:
			e.report(warnUnusedInput(v.Span, v.Name))
		default:
			if !slices.ContainsFunc(lets, func(l *dsl.Let) bool { return contains(l.Src, v.Span) }) {
				e.report(warnUnused(v.Span, v.Name))
			}
		}
	}
}

// unusedLets returns the lets of the bodies in d whose names do not come up again in
// their { }, whichever way a condition goes. A top-level let is for other files, too.
func unusedLets(d dsl.Decl) []*dsl.Let {
	var unused []*dsl.Let
	inScope := map[*dsl.Body]bool{} // bodies of scopes: their variables are those of the { } around
	for n := range dsl.Nodes(d) {
		switch n := n.(type) {
		case *dsl.Scope:
			inScope[n.Body] = true
		case *dsl.Body:
			if inScope[n] {
				continue
			}
			read := lastReads(n)
			for _, l := range letsOf(n) {
				if !l.Src.End.Before(read[l.Name.Name]) {
					unused = append(unused, l)
				}
			}
		}
	}
	return unused
}

// lastReads returns where each name in b is read last.
func lastReads(b *dsl.Body) map[string]diag.Pos {
	read := map[string]diag.Pos{}
	for n := range dsl.Nodes(b) {
		switch n := n.(type) {
		case *dsl.Name:
			read[n.Name] = n.Src.End
		case *dsl.Output:
			if n.Value == nil {
				read[n.Name.Name] = n.Src.End
			}
		}
	}
	return read
}

// letsOf returns the lets that make variables of b itself.
func letsOf(b *dsl.Body) []*dsl.Let {
	var lets []*dsl.Let
	for _, st := range b.Stmts {
		switch st := st.(type) {
		case *dsl.Let:
			lets = append(lets, st)
		case *dsl.Scope:
			lets = append(lets, letsOf(st.Body)...)
		}
	}
	return lets
}

func contains(outer, inner diag.Span) bool {
	return outer.Start.File == inner.Start.File && !inner.Start.Before(outer.Start) && !outer.End.Before(inner.End)
}

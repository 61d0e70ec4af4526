package dsl

import "iter"

// Nodes yields n and all nodes below it, parents first, in the order of the source.
func Nodes(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) { walk(n, yield) }
}

func walk(n Node, yield func(Node) bool) bool {
	if !yield(n) {
		return false
	}
	for _, c := range children(n) {
		if !walk(c, yield) {
			return false
		}
	}
	return true
}

// children returns the statements, expressions and bodies right below n.
func children(n Node) []Node {
	var out []Node
	add := func(xs ...Expr) {
		for _, x := range xs {
			if x != nil {
				out = append(out, x)
			}
		}
	}
	params := func(ps []Param) {
		for _, p := range ps {
			add(p.Default)
		}
	}
	args := func(as []Arg) {
		for _, a := range as {
			add(a.Value)
		}
	}
	label := func(l *Label) {
		if l != nil {
			for _, p := range l.Parts {
				add(p.X)
			}
		}
	}
	switch n := n.(type) {
	case *Let:
		add(n.Value)
	case *Func:
		params(n.Params)
		add(n.Body)
	case *Block:
		params(n.Params)
		out = append(out, n.Body)
	case *Net:
		params(n.Params)
		if n.Base != nil {
			add(n.Base)
		}
		if n.Body != nil {
			out = append(out, n.Body)
		}

	case *Body:
		for _, s := range n.Stmts {
			out = append(out, s)
		}
	case *Assign:
		add(n.Value)
	case *Input:
		add(n.Dims...)
	case *Output:
		add(n.Value)
	case *Return:
		add(n.Values...)
	case *Assert:
		add(n.Cond, n.Message)
	case *For:
		add(n.Over)
		out = append(out, n.Body)
	case *If:
		add(n.Cond)
		out = append(out, n.Then)
		if n.Else != nil {
			out = append(out, n.Else)
		}
	case *BodyStmt:
		out = append(out, n.Body)
	case *Scope:
		label(n.Label)
		out = append(out, n.Body)
	case *Preprocess:
		args(n.Fields)
	case *Labels:
		add(n.Value)
	case *ExprStmt:
		add(n.X)

	case *List:
		add(n.Elems...)
	case *Each:
		add(n.X, n.Over)
	case *Range:
		add(n.Lo, n.Hi)
	case *Unary:
		add(n.X)
	case *Binary:
		add(n.X, n.Y)
	case *Call:
		add(n.Fun)
		args(n.Args)
	case *Index:
		add(n.X, n.I)
	case *Slice:
		add(n.X, n.Lo, n.Hi)
	case *Pipe:
		add(n.X)
		for _, s := range n.Stages {
			label(s.Label)
			add(s.Target)
		}
	case *IfExpr:
		add(n.Cond)
		out = append(out, n.Then)
		if n.Else != nil {
			out = append(out, n.Else)
		}
	}
	return out
}

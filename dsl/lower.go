package dsl

import (
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// lowerer turns grammar structs into the syntax tree and reports what the
// permissive grammar let through.
type lowerer struct{ diags diag.List }

func (l *lowerer) report(d *diag.Diagnostic) {
	if len(l.diags) < maxErrors {
		l.diags = append(l.diags, d)
	}
}

// at returns the span of the tokens that a production matched.
func at(n interface{ tokens() []lexer.Token }) At {
	tokens := n.tokens()
	for len(tokens) > 0 && tokens[len(tokens)-1].Type == tokEnd {
		tokens = tokens[:len(tokens)-1]
	}
	return between(tokens[0], tokens[len(tokens)-1])
}

func between(first, last lexer.Token) At {
	return At{Src: diag.Span{Start: posOf(first.Pos), End: posOf(endOf(last))}}
}

// join returns the stretch from the start of a to the end of b.
func join(a, b diag.Span) At { return At{Src: diag.Span{Start: a.Start, End: b.End}} }

func ident(t lexer.Token) Ident { return Ident{At: between(t, t), Name: t.Value} }

func (l *lowerer) declaration(d *declaration) Decl {
	switch {
	case d.Use != nil:
		return &Use{at(d.Use), String{between(d.Use.Path, d.Use.Path), l.unquote(d.Use.Path)}}
	case d.Let != nil:
		return l.let(d.Let)
	case d.Func != nil:
		return &Func{at(d.Func), ident(d.Func.Name), l.params(d.Func.Params), l.expr(d.Func.Body)}
	case d.Block != nil:
		return &Block{at(d.Block), ident(d.Block.Name), l.params(d.Block.Params), l.body(d.Block.Body)}
	}
	return l.net(d.Net)
}

func (l *lowerer) net(n *netDef) *Net {
	out := &Net{At: at(n), Name: ident(n.Name)}
	if n.Params != nil {
		out.Params = l.params(n.Params)
	}
	if n.Body != nil {
		out.Body = l.body(n.Body)
		return out
	}
	base := l.expr(n.Base)
	switch x := base.(type) {
	case *Call:
		out.Base = x
	case *Name:
		out.Base = &Call{At: x.At, Fun: x}
	default:
		l.report(errMissing(base.Span(), "a net is made from another net", "write net name = base(argument = value), or give it a body in { }"))
		out.Base = &Call{At: At{Src: base.Span()}, Fun: base}
	}
	return out
}

func (l *lowerer) let(n *let) *Let {
	return &Let{at(n), ident(n.Name), l.expr(n.Value)}
}

func (l *lowerer) params(ps *params) []Param {
	out := make([]Param, len(ps.Params))
	for i, p := range ps.Params {
		out[i] = Param{At: atItem(p.source), Name: ident(p.Name)}
		if p.Default != nil {
			out[i].Default = l.expr(p.Default)
			l.equals(*p.Eq, p.Name.Value)
		}
		if i > 0 {
			l.comma(ps.Params[i-1].hasComma(), out[i].Src)
		}
	}
	return out
}

// equals reports a colon where = belongs after the name of an argument.
func (l *lowerer) equals(t lexer.Token, name string) {
	if t.Value == ":" {
		l.report(errColon(spanOf(t), name))
	}
}

// atItem is at without the comma that follows an element.
func atItem(s source) At {
	tokens := s.Tokens
	if s.hasComma() {
		tokens = tokens[:len(tokens)-1]
	}
	return between(tokens[0], tokens[len(tokens)-1])
}

// comma reports a missing comma before next.
func (l *lowerer) comma(present bool, next diag.Span) {
	if !present {
		l.report(errMissingComma(next))
	}
}

func (l *lowerer) body(b *body) *Body {
	out := &Body{At: at(b), Stmts: make([]Stmt, len(b.Statements))}
	for i, s := range b.Statements {
		out.Stmts[i] = l.statement(s)
		if i > 0 && b.Statements[i-1].End == nil && !endsWithBody(out.Stmts[i-1]) {
			first := s.Tokens[0]
			l.report(errSameLine(spanOf(first), first.Type == tokIdent))
		}
	}
	return out
}

// endsWithBody reports whether a statement visibly ends with its }.
func endsWithBody(s Stmt) bool {
	switch s.(type) {
	case *For, *If, *Scope, *Preprocess:
		return true
	}
	return false
}

func (l *lowerer) statement(s *statement) Stmt {
	switch {
	case s.Let != nil:
		return l.let(s.Let)
	case s.Input != nil:
		n := s.Input
		if len(n.Dims) == 0 {
			l.report(errMissing(at(n).Src, "an input needs its dimensions", "write input "+n.Name.Value+"[3, 224, 224]: channels, height, width"))
		}
		return &Input{at(n), ident(n.Name), l.items(n.Dims)}
	case s.Output != nil:
		n := s.Output
		out := &Output{At: at(n), Name: ident(n.Name)}
		if n.Value != nil {
			out.Value = l.expr(n.Value)
		}
		return out
	case s.Return != nil:
		out := &Return{At: at(s.Return)}
		for _, v := range s.Return.Values {
			out.Values = append(out.Values, l.expr(v))
		}
		return out
	case s.Assert != nil:
		out := &Assert{At: at(s.Assert), Cond: l.expr(s.Assert.Cond)}
		if s.Assert.Message != nil {
			out.Message = l.expr(s.Assert.Message)
		}
		return out
	case s.For != nil:
		vars, over := l.clause(s.For.Clause)
		return &For{at(s.For), vars, over, l.body(s.For.Body)}
	case s.Scope != nil:
		return &Scope{at(s.Scope), l.label(s.Scope.Label), l.body(s.Scope.Body)}
	case s.Preprocess != nil:
		return l.preprocess(s.Preprocess)
	case s.Labels != nil:
		return &Labels{at(s.Labels), l.expr(s.Labels.Value)}
	}
	return l.assignment(s.Assignment)
}

func (l *lowerer) preprocess(p *preprocess) *Preprocess {
	out := &Preprocess{At: at(p), Fields: make([]Arg, len(p.Fields))}
	for i, f := range p.Fields {
		out.Fields[i] = l.argument(f.Argument)
		if i > 0 && !p.Fields[i-1].End {
			l.comma(p.Fields[i-1].Argument.hasComma(), out.Fields[i].Src)
		}
	}
	return out
}

// assignment is an *Assign, or a flow on its own: an *ExprStmt or an *If.
func (l *lowerer) assignment(a *assignment) Stmt {
	if a.Right == nil {
		if len(a.Left) > 1 {
			l.report(errLooseComma(at(a).Src))
		}
		if c := loneIf(a.Left[0]); c != nil {
			return l.ifStmt(c)
		}
		x := l.expr(a.Left[0])
		return &ExprStmt{At{Src: at(a).Src}, x}
	}
	out := &Assign{At: at(a)}
	for _, x := range a.Left {
		target := l.expr(x)
		name, ok := target.(*Name)
		if !ok || name.Paren {
			l.report(errAssign(target.Span()))
			continue
		}
		out.Targets = append(out.Targets, Ident{name.At, name.Name})
	}
	out.Value = l.expr(a.Right)
	return out
}

// loneIf returns the conditional that x consists of, or nil.
func loneIf(x *expression) *conditional {
	if len(x.Stages) > 0 || len(x.Rest) > 0 || len(x.First.prefix()) > 0 || len(x.First.Suffix) > 0 {
		return nil
	}
	return x.First.If
}

func (l *lowerer) ifStmt(c *conditional) *If {
	arms := l.arms(c)
	whole := at(c).Src
	var rest Stmt
	for i := len(arms) - 1; i >= 0; i-- {
		arm := arms[i]
		if arm.cond == nil {
			rest = &BodyStmt{arm.body.At, arm.body}
			continue
		}
		rest = &If{join(arm.src, whole), arm.cond, arm.body, rest}
	}
	return rest.(*If)
}

func (l *lowerer) ifExpr(c *conditional) *IfExpr {
	arms := l.arms(c)
	whole := at(c).Src
	if arms[len(arms)-1].cond != nil {
		l.report(errNoElse(whole))
	}
	var rest Node
	for i := len(arms) - 1; i >= 0; i-- {
		arm := arms[i]
		if arm.cond == nil {
			rest = arm.body
			continue
		}
		rest = &IfExpr{join(arm.src, whole), arm.cond, arm.body, rest}
	}
	return rest.(*IfExpr)
}

// arm is one `if cond { }`, or the final else with cond nil.
type arm struct {
	src  diag.Span // from the if on
	cond Expr
	body *Body
}

func (l *lowerer) arms(c *conditional) []arm {
	arms := []arm{{at(c).Src, l.expr(c.Cond), l.body(c.Then)}}
	for i, e := range c.Elses {
		switch {
		case i == maxDepth:
			l.report(errTooLong(at(e).Src, "alternatives"))
			return arms
		case e.Cond != nil:
			arms = append(arms, arm{between(e.Tokens[1], e.Tokens[1]).Src, l.expr(e.Cond), l.body(e.Body)})
		default:
			arms = append(arms, arm{at(e).Src, nil, l.body(e.Body)})
			if i+1 < len(c.Elses) {
				l.report(errElseOrder(at(c.Elses[i+1]).Src))
				return arms
			}
		}
	}
	return arms
}

func (l *lowerer) label(n *label) *Label {
	out := &Label{At: at(n)}
	for _, p := range n.Parts {
		part := LabelPart{Text: p.Text.Value}
		if p.X != nil {
			part.X = l.expr(p.X)
		}
		out.Parts = append(out.Parts, part)
	}
	return out
}

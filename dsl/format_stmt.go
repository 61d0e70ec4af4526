package dsl

import "github.com/cnnc-dev/cnnc/dsl/diag"

// body is statements in braces. One that is a single statement on one line may
// stay there if oneLine allows it and it fits.
func (p *printer) body(b *Body, oneLine bool) document {
	if oneLine && isOneLine(b) {
		return newGroup(p.oneLineBody(b))
	}
	end := afterOpen(b.Src)
	var lines concat
	for i, s := range b.Stmts {
		g := p.between(end, s.Span().Start)
		doc := p.statement(s)
		p.hoist(&g, s)
		lines = append(lines, g.newLine(i == 0), doc)
		end = s.Span().End
	}
	lines = append(lines, p.between(end, b.Src.End).comments(len(b.Stmts) == 0)...)
	if len(lines) == 0 {
		return text("{}")
	}
	return concat{text("{"), nest{lines}, hardBreak{}, text("}")}
}

// afterOpen is the place after the opening bracket that s starts with.
func afterOpen(s diag.Span) diag.Pos {
	s.Start.Col++
	return s.Start
}

func isOneLine(b *Body) bool {
	return b.Src.Start.IsValid() && b.Src.Start.Line == b.Src.End.Line && len(b.Stmts) == 1
}

// oneLineBody is not a group of its own, so that the bodies of an if break
// together.
func (p *printer) oneLineBody(b *Body) document {
	return concat{text("{"), nest{concat{softBreak{" "}, p.statement(b.Stmts[0])}}, softBreak{" "}, text("}")}
}

func (p *printer) let(s *Let) document {
	return concat{text("let " + s.Name.Name + " = "), p.expr(s.Value, 0)}
}

func (p *printer) statement(s Stmt) document {
	switch s := s.(type) {
	case *Let:
		return p.let(s)
	case *Assign:
		return concat{text(names(s.Targets) + " = "), p.expr(s.Value, 0)}
	case *Input:
		return concat{text("input " + s.Name.Name), p.brackets(bracketPair{open: "[", close: "]", start: s.Name.Src.End, end: s.Src.End}, p.exprItems(s.Dims))}
	case *Output:
		if s.Value == nil {
			return text("output " + s.Name.Name)
		}
		return concat{text("output " + s.Name.Name + " = "), p.expr(s.Value, 0)}
	case *Return:
		return concat{text("return "), p.loose(s.Values)}
	case *Assert:
		if s.Message == nil {
			return concat{text("assert "), p.expr(s.Cond, 0)}
		}
		return concat{text("assert "), p.loose([]Expr{s.Cond, s.Message})}
	case *For:
		return concat{text("for " + names(s.Vars) + " in "), p.expr(s.Over, 0), text(" "), p.body(s.Body, true)}
	case *If:
		return p.arms(ifArms(s), s.Src)
	case *BodyStmt:
		return p.body(s.Body, true)
	case *Scope:
		return concat{text("scope "), p.label(s.Label), text(" "), p.body(s.Body, true)}
	case *Preprocess:
		return p.preprocess(s)
	case *Labels:
		return concat{text("labels "), p.expr(s.Value, 0)}
	case *ExprStmt:
		return p.expr(s.X, 0)
	}
	panic("dsl: unknown statement")
}

func names(idents []Ident) string {
	var out string
	for i, id := range idents {
		if i > 0 {
			out += ", "
		}
		out += id.Name
	}
	return out
}

// loose is values separated by commas without brackets around them.
func (p *printer) loose(values []Expr) document {
	var parts []document
	for i, v := range values {
		if i > 0 {
			g := p.between(values[i-1].Span().End, v.Span().Start)
			parts = append(parts, g.separator())
		}
		doc := concat{p.expr(v, 0)}
		if i+1 < len(values) {
			doc = append(doc, text(","))
		}
		parts = append(parts, doc)
	}
	return nest{fill{parts}}
}

// preprocess is its fields on one line with commas, or on a line each without.
func (p *printer) preprocess(s *Preprocess) document {
	end := s.Src.Start // of "preprocess {"; a newline after it breaks
	broken := false
	var lines concat
	for i, f := range s.Fields {
		g := p.between(end, f.Src.Start)
		broken = broken || g.breaks()
		if i > 0 {
			lines = append(lines, ifBroken{text: ",", flat: true})
		}
		lines = append(lines, g.comments(i == 0)...)
		if len(g.own) > 0 || g.blank && i > 0 {
			lines = append(lines, hardBreak{g.blank})
		} else {
			lines = append(lines, softBreak{" "})
		}
		lines = append(lines, p.argument(f))
		end = f.Src.End
	}
	g := p.between(end, s.Src.End)
	broken = broken || g.breaks()
	lines = append(lines, g.comments(len(s.Fields) == 0)...)
	if len(lines) == 0 {
		return text("preprocess {}")
	}
	out := newGroup(concat{text("preprocess {"), nest{lines}, softBreak{" "}, text("}")})
	out.broken = out.broken || broken
	return out
}

// printedArm is one alternative of an if; the final else has no condition.
type printedArm struct {
	cond Expr
	body *Body
}

func ifArms(s *If) []printedArm {
	arms := []printedArm{{s.Cond, s.Then}}
	for {
		switch rest := s.Else.(type) {
		case *If:
			arms = append(arms, printedArm{rest.Cond, rest.Then})
			s = rest
			continue
		case *BodyStmt:
			arms = append(arms, printedArm{nil, rest.Body})
		}
		return arms
	}
}

func ifExprArms(x *IfExpr) []printedArm {
	arms := []printedArm{{x.Cond, x.Then}}
	for {
		switch rest := x.Else.(type) {
		case *IfExpr:
			arms = append(arms, printedArm{rest.Cond, rest.Then})
			x = rest
			continue
		case *Body:
			arms = append(arms, printedArm{nil, rest})
		}
		return arms
	}
}

// arms prints an if, on one line if it was written on one and fits.
func (p *printer) arms(arms []printedArm, src diag.Span) document {
	together := src.Start.Line == src.End.Line
	for _, a := range arms {
		together = together && isOneLine(a.body)
	}
	var out concat
	for i, a := range arms {
		if i > 0 {
			out = append(out, text(" else "))
		}
		if a.cond != nil {
			out = append(out, text("if "), p.expr(a.cond, 0), text(" "))
		}
		if together {
			out = append(out, p.oneLineBody(a.body))
		} else {
			out = append(out, p.body(a.body, true))
		}
	}
	if together {
		return newGroup(out)
	}
	return out
}

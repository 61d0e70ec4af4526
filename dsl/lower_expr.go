package dsl

import (
	"errors"
	"strconv"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

func (l *lowerer) expr(x *expression) Expr {
	first := l.operation(x.First, x.Rest)
	if len(x.Stages) == 0 {
		return first
	}
	out := &Pipe{At: at(x), X: first, Stages: make([]Stage, len(x.Stages))}
	for i, s := range x.Stages {
		stage := Stage{At: between(s.Tokens[1], s.Tokens[len(s.Tokens)-1])}
		if s.Label != nil {
			stage.Label = l.label(s.Label)
		}
		stage.Target = l.operation(s.First, s.Rest)
		if len(s.Rest) > 0 {
			op := s.Rest[0].op()
			l.report(errPipeTarget(spanOf(op), op.Value))
		}
		out.Stages[i] = stage
	}
	return out
}

// clause is the variables of a for and what it goes over.
func (l *lowerer) clause(c *forClause) ([]Ident, Expr) {
	var vars []Ident
	for _, v := range c.Vars {
		if v.Type == tokIdent { // the commas between them are captured too
			vars = append(vars, ident(v))
		}
	}
	return vars, l.expr(c.Over)
}

// list is a *List or an *Each.
func (l *lowerer) list(n *list) Expr {
	items := l.items(n.Items)
	if n.Clause == nil {
		return &List{at(n), items}
	}
	vars, over := l.clause(n.Clause)
	src := at(n.Clause).Src
	if len(items) != 1 || n.Items[0].hasComma() {
		l.report(errForInList(src))
		return &List{at(n), items}
	}
	return &Each{at(n), items[0], src, vars, over}
}

func (l *lowerer) items(items []*item) []Expr {
	out := make([]Expr, len(items))
	for i, it := range items {
		out[i] = l.expr(it.X)
		if i > 0 {
			l.comma(items[i-1].hasComma(), at(it.X).Src)
		}
	}
	return out
}

func (l *lowerer) arguments(args []*argument) []Arg {
	out := make([]Arg, len(args))
	for i, a := range args {
		out[i] = l.argument(a)
		if i > 0 {
			l.comma(args[i-1].hasComma(), out[i].Src)
		}
	}
	return out
}

func (l *lowerer) argument(a *argument) Arg {
	out := Arg{At: atItem(a.source)}
	x := l.expr(a.X)
	if a.Eq == nil {
		out.Value = x
		return out
	}
	out.Value = l.expr(a.Value)
	name, ok := x.(*Name)
	if !ok || name.Paren {
		l.report(errAssign(x.Span()))
		return out
	}
	l.equals(*a.Eq, name.Name)
	out.Name = &Ident{name.At, name.Name}
	return out
}

func (l *lowerer) operand(o *operand) Expr {
	x := l.primary(o)
	if len(o.Suffix) > maxDepth {
		l.report(errTooLong(at(o).Src, "calls or indices in a row"))
		return x
	}
	start := x.Span()
	for _, s := range o.Suffix {
		src := join(start, at(s).Src)
		switch i := s.Index; {
		case i == nil:
			x = &Call{src, x, l.arguments(s.Args)}
		case i.Colon:
			slice := &Slice{At: src, X: x}
			if i.Lo != nil {
				slice.Lo = l.expr(i.Lo)
			}
			if i.Hi != nil {
				slice.Hi = l.expr(i.Hi)
			}
			x = slice
		case i.Lo == nil:
			l.report(errMissing(at(s).Src, "nothing between [ and ]", "write x[0] for an element, x[0:2] for some, x[[0, 2]] for a pick of channels"))
		default:
			x = &Index{src, x, l.expr(i.Lo)}
		}
	}
	return x
}

// primary is an operand without what stands before and after it.
func (l *lowerer) primary(p *operand) Expr {
	switch {
	case p.Paren != nil:
		x := l.expr(p.Paren)
		end := len(p.Tokens)
		for _, s := range p.Suffix {
			end -= len(s.Tokens)
		}
		x.(parenthesised).setParen(between(p.Tokens[len(p.prefix())], p.Tokens[end-1]).Src)
		return x
	case p.List != nil:
		return l.list(p.List)
	case p.If != nil:
		return l.ifExpr(p.If)
	}
	return l.atom(p.Tokens[len(p.prefix())])
}

// parenthesised is every Expr, through its At.
type parenthesised interface {
	isParen() bool
	setParen(diag.Span)
}

func (a *At) isParen() bool          { return a.Paren }
func (a *At) setParen(src diag.Span) { a.Src, a.Paren = src, true }

func isParen(x Expr) bool { return x.(parenthesised).isParen() }

func (l *lowerer) atom(t lexer.Token) Expr {
	src := between(t, t)
	switch t.Type {
	case tokInt:
		n, err := strconv.ParseInt(t.Value, 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			l.report(errRange(src.Src, t.Value, "an integer of 64 bits"))
		}
		return &Number{src, t.Value, true, n, float64(n)}
	case tokFloat:
		f, err := strconv.ParseFloat(t.Value, 64)
		if err != nil {
			l.report(errRange(src.Src, t.Value, "a float"))
		}
		return &Number{At: src, Text: t.Value, Float: f}
	case tokSize:
		h, w, _ := strings.Cut(t.Value, "x")
		hi, errH := strconv.ParseInt(h, 10, 64)
		wi, errW := strconv.ParseInt(w, 10, 64)
		if errH != nil || errW != nil {
			l.report(errRange(src.Src, t.Value, "a size"))
		}
		return &Size{src, hi, wi}
	case tokString:
		return &String{src, l.unquote(t)}
	case tokKeyword:
		return &Bool{src, t.Value == "true"}
	}
	return &Name{src, t.Value}
}

// unquote returns the text of a string token. One without its closing quote has
// been reported already.
func (l *lowerer) unquote(t lexer.Token) string {
	text := strings.TrimSuffix(t.Value[1:], `"`)
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '"', '\\':
			b.WriteByte(c)
		default:
			l.badEscape(t, i) // text[i-1], the backslash, is t.Value[i]
		}
	}
	return b.String()
}

// badEscape reports the escape that starts at byte offset i of t.
func (l *lowerer) badEscape(t lexer.Token, i int) {
	before := lexer.Token{Value: t.Value[:i], Pos: t.Pos}
	r := []rune(t.Value[i:])[:2]
	l.report(errEscape(spanOf(lexer.Token{Value: string(r), Pos: endOf(before)}), string(r)))
}

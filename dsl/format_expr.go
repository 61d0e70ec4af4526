package dsl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// tightest is the precedence of what needs no parentheses anywhere.
const tightest = precPow + 1

// expr prints x for a place that takes operators of precedence min and tighter.
func (p *printer) expr(x Expr, min int) document {
	if x.(parenthesised).isParen() || precedenceOf(x) < min {
		return concat{text("("), p.bare(x), text(")")}
	}
	return p.bare(x)
}

func precedenceOf(x Expr) int {
	switch x := x.(type) {
	case *Pipe:
		return 0
	case *Binary:
		return precedence[x.Op]
	case *Range:
		return precRange
	case *Unary:
		return prefixPrecedence(x.Op)
	}
	return tightest
}

func (p *printer) bare(x Expr) document {
	switch x := x.(type) {
	case *Name:
		return text(x.Name)
	case *Number:
		return text(numberText(x))
	case *String:
		return text(quote(x.Value))
	case *Bool:
		return text(strconv.FormatBool(x.Value))
	case *Size:
		return text(strconv.FormatInt(x.H, 10) + "x" + strconv.FormatInt(x.W, 10))
	case *List:
		return p.list(x)
	case *Each:
		return p.each(x)
	case *Range:
		return concat{p.expr(x.Lo, precRange+1), text(".."), p.expr(x.Hi, precRange+1)}
	case *Unary:
		op := x.Op
		if op == "not" {
			op += " "
		}
		return concat{text(op), p.expr(x.X, prefixPrecedence(x.Op))}
	case *Binary:
		return p.binary(x)
	case *Call:
		return concat{p.expr(x.Fun, tightest), p.brackets(bracketPair{open: "(", close: ")", start: x.Fun.Span().End, end: x.Src.End}, p.argItems(x.Args))}
	case *Index:
		return concat{p.expr(x.X, tightest), text("["), p.expr(x.I, 0), text("]")}
	case *Slice:
		return p.slice(x)
	case *Pipe:
		return p.pipe(x)
	case *IfExpr:
		return p.arms(ifExprArms(x), x.Src)
	}
	panic("dsl: unknown expression")
}

// slice puts spaces around the colon if a bound beside it has its own.
func (p *printer) slice(x *Slice) document {
	out := concat{p.expr(x.X, tightest), text("[")}
	if x.Lo != nil {
		out = append(out, p.expr(x.Lo, 0))
	}
	if x.Lo != nil && x.Hi != nil && (precedenceOf(x.Lo) < precNeg || precedenceOf(x.Hi) < precNeg) {
		out = append(out, text(" : "))
	} else {
		out = append(out, text(":"))
	}
	if x.Hi != nil {
		out = append(out, p.expr(x.Hi, 0))
	}
	return append(out, text("]"))
}

func numberText(n *Number) string {
	switch {
	case n.Text != "":
		return n.Text
	case n.IsInt:
		return strconv.FormatInt(n.Int, 10)
	}
	return strconv.FormatFloat(n.Float, 'g', -1, 64)
}

// quote is the inverse of lowerer.unquote.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

func (p *printer) label(l *Label) document {
	var out concat
	for _, part := range l.Parts {
		if part.X == nil {
			out = append(out, text(part.Text))
		} else {
			out = append(out, text("{"), p.expr(part.X, 0), text("}"))
		}
	}
	return out
}

func (p *printer) argument(a Arg) document {
	if a.Name == nil {
		return p.expr(a.Value, 0)
	}
	return concat{text(a.Name.Name + " = "), p.expr(a.Value, 0)}
}

// link is an element of a chain: what stands before it on its line, and itself.
type link struct {
	src      diag.Span
	doc      document
	brackets bool // it ends with brackets that can be broken
}

// chain prints what continues over lines without brackets around it: a pipe, or
// operands of one precedence. Links on a line of their own start it. If all was
// on one line but doesn't fit, each link gets a line.
func (p *printer) chain(first document, src diag.Span, links []link) document {
	gaps := make([]gap, len(links))
	broken := -1 // the first link that starts a line
	end := src.End
	for i, l := range links {
		gaps[i] = p.between(end, l.src.Start)
		if broken < 0 && gaps[i].breaks() {
			broken = i
		}
		end = l.src.End
	}
	if broken < 0 {
		broken = len(links)
	}
	head := p.headOfChain(first, links[:broken])
	if broken == len(links) {
		return head
	}
	var parts []document
	for i := broken; i < len(links); i++ {
		if i > broken {
			parts = append(parts, gaps[i].separator())
		}
		parts = append(parts, links[i].doc)
	}
	return concat{head, nest{concat{gaps[broken].newLine(false), fill{parts}}}}
}

// headOfChain is the links that were written on the first line.
func (p *printer) headOfChain(first document, links []link) document {
	flat, rest := concat{first}, concat{}
	for _, l := range links {
		flat = append(flat, text(" "), l.doc)
		rest = append(rest, softBreak{" "}, l.doc)
	}
	if flat.forced() || len(links) == 1 && links[0].brackets {
		return flat // the break belongs into the brackets
	}
	return newGroup(concat{first, nest{rest}})
}

func (p *printer) pipe(x *Pipe) document {
	first := p.expr(x.X, 1)
	links := make([]link, len(x.Stages))
	for i, s := range x.Stages {
		doc := concat{text("-> ")}
		if s.Label != nil {
			doc = append(doc, p.label(s.Label), text(": "))
		}
		call, ok := s.Target.(*Call)
		links[i] = link{s.Src, append(doc, p.target(s.Target)), ok && !call.Paren && len(call.Args) > 0}
	}
	return p.chain(first, x.X.Span(), links)
}

// target prints what a stage leads to. Only operators before it need no
// parentheses.
func (p *printer) target(x Expr) document {
	if _, ok := x.(*Unary); ok {
		return p.expr(x, 0)
	}
	return p.expr(x, tightest)
}

// binary prints operators of one precedence in a row as one chain.
func (p *printer) binary(x *Binary) document {
	prec := precedence[x.Op]
	left, right := prec, prec+1
	switch prec {
	case precPow:
		left, right = prec+1, prec
	case precCompare:
		left = prec + 1
	}
	var links []link
	var first Expr = x
	for {
		b, ok := first.(*Binary)
		if !ok || precedence[b.Op] != prec || b.Paren && first != Expr(x) || prec == precPow && len(links) > 0 {
			break
		}
		links = append(links, link{src: b.Y.Span(), doc: concat{text(b.Op + " "), p.expr(b.Y, right)}})
		first = b.X
	}
	slices.Reverse(links)
	return p.chain(p.expr(first, left), first.Span(), links)
}

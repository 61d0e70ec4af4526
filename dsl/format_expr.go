package dsl

import (
	"strconv"
	"strings"
	"unicode/utf8"

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
		return concat{p.expr(x.Fun, tightest), p.brackets(bracketPair{"(", ")", x.Fun.Span().End, x.Src.End, false}, p.argItems(x.Args))}
	case *Index:
		return concat{p.expr(x.X, tightest), text("["), p.expr(x.I, 0), text("]")}
	case *Slice:
		out := concat{p.expr(x.X, tightest), text("[")}
		if x.Lo != nil {
			out = append(out, p.expr(x.Lo, 0))
		}
		out = append(out, text(":"))
		if x.Hi != nil {
			out = append(out, p.expr(x.Hi, 0))
		}
		return append(out, text("]"))
	case *Pipe:
		return p.pipe(x)
	case *IfExpr:
		return p.arms(ifExprArms(x), x.Src)
	}
	panic("dsl: unknown expression")
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
			if gaps[i].breaks() {
				parts = append(parts, gaps[i].newLine(false))
			} else {
				parts = append(parts, softBreak{" "})
			}
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
	for i, j := 0, len(links)-1; i < j; i, j = i+1, j-1 {
		links[i], links[j] = links[j], links[i]
	}
	return p.chain(p.expr(first, left), first.Span(), links)
}

// element is what stands between commas in brackets.
type element struct {
	src    diag.Span
	doc    document
	isList bool
}

func isList(x Expr) bool {
	l, ok := x.(*List)
	return ok && !l.Paren
}

func (p *printer) exprItems(xs []Expr) []element {
	items := make([]element, len(xs))
	for i, x := range xs {
		items[i] = element{x.Span(), p.expr(x, 0), isList(x)}
	}
	return items
}

func (p *printer) argItems(args []Arg) []element {
	items := make([]element, len(args))
	for i, a := range args {
		items[i] = element{a.Src, p.argument(a), a.Name == nil && isList(a.Value)}
	}
	return items
}

// bracketPair is a pair of brackets and where it stands.
type bracketPair struct {
	open, close string
	start, end  diag.Pos
	endUnknown  bool // end is somewhere after the closing bracket
}

// brackets prints elements separated by commas between brackets. Elements written over several
// lines keep their lines. Those on one line stay there if they fit, or if the
// break is inside one of them; otherwise lines are filled. A list that is the only
// element breaks by itself.
func (p *printer) brackets(b bracketPair, items []element) document {
	gaps := make([]gap, len(items)+1)
	broken, comments := false, false
	for i := range gaps {
		from, to := b.start, b.end
		if i > 0 {
			from = items[i-1].src.End
		}
		if i < len(items) {
			to = items[i].src.Start
		}
		gaps[i] = p.between(from, to)
		if i == len(items) && b.endUnknown {
			gaps[i].newline = false
		}
		comments = comments || gaps[i].hasComments()
		broken = broken || gaps[i].breaks()
	}
	switch {
	case len(items) == 0 && !comments:
		return text(b.open + b.close)
	case len(items) == 1 && items[0].isList && !comments:
		return concat{text(b.open), items[0].doc, text(b.close)}
	}
	forced := false
	var flat concat
	for i, it := range items {
		if i > 0 {
			flat = append(flat, text(", "))
		}
		flat = append(flat, it.doc)
		forced = forced || it.doc.forced()
	}
	if forced && !broken {
		return concat{text(b.open), flat, text(b.close)}
	}
	var parts []document
	for i, it := range items {
		doc := concat{it.doc}
		if broken || i+1 < len(items) {
			doc = append(doc, text(","))
		}
		if i > 0 {
			if gaps[i].breaks() {
				parts = append(parts, gaps[i].newLine(false))
			} else {
				parts = append(parts, softBreak{" "})
			}
		}
		parts = append(parts, doc)
	}
	last := len(items)
	if !broken {
		return newGroup(concat{text(b.open), nest{concat{softBreak{}, fill{parts}, ifBroken{text: ","}}}, softBreak{}, text(b.close)})
	}
	inside := concat{}
	if len(items) > 0 {
		inside = append(gaps[0].newLine(true), fill{parts})
	}
	inside = append(inside, gaps[last].comments(len(items) == 0)...)
	return group{concat{text(b.open), nest{inside}, hardBreak{}, text(b.close)}, true}
}

func (p *printer) list(x *List) document {
	items := p.exprItems(x.Elems)
	p.alignTable(x, items)
	return p.brackets(bracketPair{"[", "]", afterOpen(x.Src), x.Src.End, false}, items)
}

// alignTable gives rows that are lists on lines of their own columns of one
// width: numbers to the right, other things to the left.
func (p *printer) alignTable(x *List, items []element) {
	if len(x.Elems) < 2 {
		return
	}
	rows := make([]*List, len(x.Elems))
	for i, e := range x.Elems {
		row, ok := e.(*List)
		if !ok || row.Paren || items[i].doc.forced() || i > 0 && row.Src.Start.Line <= rows[i-1].Src.End.Line {
			return
		}
		rows[i] = row
	}
	cells := make([][]string, len(rows))
	var widths []int
	var numeric []bool
	for i, row := range rows {
		for j, e := range row.Elems {
			if j == len(widths) {
				widths, numeric = append(widths, 0), append(numeric, true)
			}
			cell := flatText(p.expr(e, 0)) // without comments, or the row would be forced
			cells[i] = append(cells[i], cell)
			widths[j] = max(widths[j], utf8.RuneCountInString(cell))
			numeric[j] = numeric[j] && isNumeric(e)
		}
	}
	for i := range cells {
		items[i].doc = text("[" + alignRow(cells[i], widths, numeric) + "]")
	}
}

func alignRow(cells []string, widths []int, numeric []bool) string {
	var b strings.Builder
	for j, cell := range cells {
		pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
		if numeric[j] {
			cell, pad = pad+cell, ""
		}
		b.WriteString(cell)
		if j < len(cells)-1 {
			b.WriteString(", " + pad)
		}
	}
	return b.String()
}

func isNumeric(x Expr) bool {
	switch x := x.(type) {
	case *Number, *Size:
		return true
	case *Unary:
		return x.Op == "-" && isNumeric(x.X)
	}
	return false
}

package dsl

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// element is what stands between commas in brackets.
type element struct {
	src    diag.Span
	doc    document
	isList bool
}

func isList(x Expr) bool {
	switch x.(type) {
	case *List, *Each:
		return !isParen(x)
	}
	return false
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
	noCommas    bool // between what they hold is a space, or a break
}

// brackets prints elements separated by commas between brackets. Elements written
// over several lines keep their lines. Those on one line stay there if they fit,
// or if the break is inside one of them; otherwise lines are filled. A list that
// is the only element breaks by itself.
func (p *printer) brackets(b bracketPair, items []element) document {
	gaps := p.gaps(b, items)
	comments := slices.ContainsFunc(gaps, gap.hasComments)
	broken := slices.ContainsFunc(gaps, gap.breaks)
	forced := slices.ContainsFunc(items, func(e element) bool { return e.doc.forced() })
	switch {
	case len(items) == 0 && !comments:
		return text(b.open + b.close)
	case len(items) == 1 && items[0].isList && !comments:
		return concat{text(b.open), items[0].doc, text(b.close)}
	case broken:
		inside := concat{}
		if len(items) > 0 {
			inside = append(gaps[0].newLine(true), fillElements(items, gaps, b.comma()), b.comma())
		}
		inside = append(inside, gaps[len(items)].comments(len(items) == 0)...)
		return group{concat{text(b.open), nest{inside}, hardBreak{}, text(b.close)}, true}
	case forced:
		line := concat{text(b.open)}
		for i, e := range items {
			if i > 0 {
				line = append(line, b.comma(), text(" "))
			}
			line = append(line, e.doc)
		}
		return append(line, text(b.close))
	}
	inside := concat{softBreak{}, fillElements(items, gaps, b.comma()), ifBroken{text: string(b.comma())}}
	return newGroup(concat{text(b.open), nest{inside}, softBreak{}, text(b.close)})
}

// gaps returns those before, between and after the elements.
func (p *printer) gaps(b bracketPair, items []element) []gap {
	gaps := make([]gap, len(items)+1)
	for i := range gaps {
		from, to := b.start, b.end
		if i > 0 {
			from = items[i-1].src.End
		}
		if i < len(items) {
			to = items[i].src.Start
		}
		gaps[i] = p.between(from, to)
	}
	if b.endUnknown {
		gaps[len(items)].newline = false
	}
	return gaps
}

func (b bracketPair) comma() text {
	if b.noCommas {
		return ""
	}
	return ","
}

// fillElements joins elements by commas and breaks; gaps[i] is before items[i].
func fillElements(items []element, gaps []gap, comma text) document {
	var parts []document
	for i, e := range items {
		if i > 0 {
			parts = append(parts, gaps[i].separator())
		}
		if i == len(items)-1 {
			parts = append(parts, e.doc)
		} else {
			parts = append(parts, concat{e.doc, comma})
		}
	}
	return fill{parts}
}

func (p *printer) list(x *List) document {
	items := p.exprItems(x.Elems)
	p.alignTable(x, items)
	return p.brackets(bracketPair{open: "[", close: "]", start: afterOpen(x.Src), end: x.Src.End}, items)
}

// each is two elements: the clause stands on a line of its own if it did.
func (p *printer) each(x *Each) document {
	clause := concat{text("for " + names(x.Vars) + " in "), p.expr(x.Over, 0)}
	items := []element{{src: x.X.Span(), doc: p.expr(x.X, 0)}, {src: x.ForAt, doc: clause}}
	return p.brackets(bracketPair{open: "[", close: "]", start: afterOpen(x.Src), end: x.Src.End, noCommas: true}, items)
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

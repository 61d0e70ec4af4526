package dsl

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// Format prints a tree in the one style:
//
//   - indentation is 4 spaces, a space stands on both sides of operators, none
//     inside brackets;
//   - at most one empty line separates statements, and one stands around every
//     block and net;
//   - a pipe, a list, arguments or an expression written over several lines stays
//     so, with the elements of a line as written; written on one line it stays if
//     it fits into 110 columns. What continues is indented once more, and lines
//     of a pipe start with ->;
//   - the rows of a table, a list of lists a line each, have aligned columns;
//   - comments stay where they are, and those at the ends of successive lines
//     stand below each other.
//
// The comments are those of f; the tree must come from Parse for them to find
// their places. Formatting what was formatted changes nothing.
func Format(f *File) []byte {
	p := printer{newCommentary(f.Comments)}
	lines := render(p.file(f))
	alignComments(lines)
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(strings.TrimRight(l.text+l.comment, " "))
		b.WriteByte('\n')
	}
	out := bytes.Trim(b.Bytes(), "\n")
	if len(out) == 0 {
		return nil
	}
	return append(out, '\n')
}

// FormatSource formats the text of a file. With errors it returns them and no
// text.
func FormatSource(name string, src []byte) ([]byte, diag.List) {
	f, diags := Parse(name, src)
	if diags.HasErrors() {
		return nil, diags
	}
	return Format(f), diags
}

// alignComments puts the trailing comments of successive lines below each other,
// two columns right of the longest. A line that opens a body or a list doesn't
// count among those it encloses.
func alignComments(lines []outputLine) {
	for i := 0; i < len(lines); {
		end, widest := i, 0
		for ; end < len(lines) && lines[end].comment != ""; end++ {
			if end > i && (opens(lines[end-1].text) || opens(lines[end].text)) {
				break
			}
			widest = max(widest, utf8.RuneCountInString(lines[end].text))
		}
		for j := i; j < end; j++ {
			pad := widest - utf8.RuneCountInString(lines[j].text) + 2
			lines[j].comment = strings.Repeat(" ", pad) + lines[j].comment
		}
		i = max(end, i+1)
	}
}

func opens(line string) bool {
	return strings.HasSuffix(line, "{") || strings.HasSuffix(line, "[") || strings.HasSuffix(line, "(")
}

// printer builds documents.
type printer struct{ *commentary }

// file is the declarations. A block or net is set off by empty lines.
func (p *printer) file(f *File) document {
	var out concat
	end := diag.Pos{}
	big := false
	for i, d := range f.Decls {
		g := p.between(end, d.Span().Start)
		doc := p.declaration(d)
		p.hoist(&g, d)
		wasBig := big
		if big = isBig(d); (big || wasBig) && i > 0 {
			setOff(&g)
		}
		out = append(out, g.newLine(i == 0), doc)
		end = d.Span().End
	}
	g := p.between(end, diag.Pos{Line: f.Src.End.Line + 1})
	return append(out, g.comments(len(f.Decls) == 0))
}

// isBig reports whether d is a block or net with a body.
func isBig(d Decl) bool {
	switch d := d.(type) {
	case *Block:
		return true
	case *Net:
		return d.Body != nil
	}
	return false
}

// setOff makes sure that g has an empty line, before what belongs to the second
// neighbour.
func setOff(g *gap) {
	blank := g.blank
	for _, o := range g.own {
		blank = blank || o.blank
	}
	switch {
	case blank:
	case len(g.own) > 0:
		g.own[0].blank = true
	default:
		g.blank = true
	}
}

// hoist puts the comments within n that no gap took, between a name and its =,
// say, on lines of their own above n, into the gap before it.
func (p *printer) hoist(g *gap, n Node) {
	for i, c := range p.take(n.Span().Start, n.Span().End) {
		g.own = append(g.own, ownLine{commentText(c), i == 0 && g.blank})
		g.blank = false
	}
}

func (p *printer) declaration(d Decl) document {
	switch d := d.(type) {
	case *Use:
		return text("use " + quote(d.Path.Value))
	case *Let:
		return p.let(d)
	case *Func:
		return concat{text("fn " + d.Name.Name), p.params(d.Name, d.Params, d.Body), text(" = "), p.expr(d.Body, 0)}
	case *Block:
		return concat{text("block " + d.Name.Name), p.params(d.Name, d.Params, d.Body), text(" "), p.body(d.Body, false)}
	case *Net:
		head := concat{text("net " + d.Name.Name)}
		if d.Base != nil {
			if len(d.Params) > 0 {
				head = append(head, p.params(d.Name, d.Params, d.Base))
			}
			return append(head, text(" = "), p.expr(d.Base, 0))
		}
		if len(d.Params) > 0 {
			head = append(head, p.params(d.Name, d.Params, d.Body))
		}
		return append(head, text(" "), p.body(d.Body, false))
	}
	panic("dsl: unknown declaration")
}

// params is the parameters between name and what follows them.
func (p *printer) params(name Ident, params []Param, follows Node) document {
	items := make([]element, len(params))
	for i, param := range params {
		doc := concat{text(param.Name.Name)}
		if param.Default != nil {
			doc = append(doc, text(" = "), p.expr(param.Default, 0))
		}
		items[i] = element{src: param.Src, doc: doc}
	}
	return p.brackets(bracketPair{open: "(", close: ")", start: name.Src.End, end: follows.Span().Start, endUnknown: true}, items)
}

// Package dsl is the front of the compiler: the language of .cnn files as text.
// Parse turns text into the syntax tree of ast.go, Format turns the tree back
// into text in the one style. The package knows words and brackets; what a
// convolution is, and whether its shapes fit, is compiler/elaborate's business.
//
// The road through Parse: scan (lexer.go) cuts the text into tokens, layout.go
// decides what depends on lines and context, participle runs the grammar of
// grammar.go over one declaration at a time, lower.go makes the tree.
package dsl

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

const (
	maxSource = 1 << 20 // bytes of a file
	maxErrors = 20      // syntax errors of a file; more don't help
)

// Parse reads a .cnn file. The name, slash-separated, is used in positions only.
// With errors the file holds what could be understood.
func Parse(name string, src []byte) (*File, diag.List) {
	start := diag.Pos{File: name, Line: 1, Col: 1}
	f := &File{At: At{Src: diag.Span{Start: start, End: start}}, Name: name}
	if len(src) > maxSource {
		return f, diag.List{errTooLarge(name, len(src))}
	}
	l := newLayout(name, scan(name, string(src)))
	tokens := l.run()
	f.Comments = l.comments
	slices.Sort(l.broken)
	p := parser{broken: l.broken}
	f.Decls = p.declarations(tokens)
	f.Src.End = fileEnd(start, tokens, l.comments)
	return f, p.result(l.diags)
}

// fileEnd is the end of the last token or comment.
func fileEnd(start diag.Pos, tokens []lexer.Token, comments []Comment) diag.Pos {
	end := start
	if n := len(tokens); n > 0 {
		end = posOf(endOf(tokens[n-1]))
	}
	if n := len(comments); n > 0 && comments[n-1].Src.End.Line > end.Line {
		end = comments[n-1].Src.End
	}
	return end
}

// parser runs the grammar on one declaration at a time. Participle stops at its
// first error, so after an error the statement that holds it is taken out and
// the declaration parsed again: an error hides nothing but its own statement.
type parser struct {
	broken []int // offsets of brackets that layout has mended, sorted
	diags  diag.List
	lost   []diag.Span // from where a block or net was given up to the next declaration
}

// result joins layout's errors with those of parsing and keeps one a line, the
// first found: layout sees a cause where parsing sees its consequences. A } in
// what is left of a lost declaration is no error of its own.
func (p *parser) result(lexical diag.List) diag.List {
	seen := make(map[int]bool)
	var out diag.List
	for _, d := range append(lexical, p.diags...) {
		at := d.Span.Start
		if seen[at.Line] || len(out) == maxErrors || d.Code == codeStrayClose && p.isLost(at) {
			continue
		}
		seen[at.Line] = true
		out = append(out, d)
	}
	out.Sort()
	return out
}

func (p *parser) isLost(at diag.Pos) bool {
	i := sort.Search(len(p.lost), func(i int) bool { return at.Before(p.lost[i].End) })
	return i < len(p.lost) && !at.Before(p.lost[i].Start)
}

func (p *parser) declarations(tokens []lexer.Token) []Decl {
	var decls []Decl
	lost := false // what follows may be the rest of a declaration: not worth another error
	for len(tokens) > 0 {
		n := segment(tokens)
		part := tokens[:n]
		tokens = tokens[n:]
		start := posOf(part[0].Pos)
		if lost && startsDecl(part[0]) {
			p.lost[len(p.lost)-1].End = start
			lost = false
		}
		switch {
		case lost:
			continue
		case startsDecl(part[0]):
			d := p.declaration(part)
			if d != nil {
				decls = append(decls, d)
			}
			lost = d == nil && (part[0].Value == "block" || part[0].Value == "net")
		default:
			p.diags = append(p.diags, errTopLevel(part[0]))
			lost = true
		}
		if lost {
			p.lost = append(p.lost, diag.Span{Start: start, End: diag.Pos{Line: math.MaxInt}})
		}
	}
	return decls
}

// segment returns how many tokens the next top-level declaration has: all up to
// the end of a statement outside brackets.
func segment(tokens []lexer.Token) int {
	depth := 0
	for i, t := range tokens {
		if depth += nesting(t); depth == 0 && t.Type == tokEnd {
			return i + 1
		}
	}
	return len(tokens)
}

// nesting returns +1 for an opening bracket, -1 for a closing one.
func nesting(t lexer.Token) int {
	switch t.Type {
	case tokPunct, tokCallOpen, tokIndexOpen, tokLabelOpen, tokLabelClose:
		switch t.Value {
		case "(", "[", "{":
			return 1
		case ")", "]", "}":
			return -1
		}
	}
	return 0
}

func startsDecl(t lexer.Token) bool {
	return t.Type == tokKeyword && (t.Value == "let" || declKeywords[t.Value])
}

// declaration parses one declaration; nil if nothing is left of it.
func (p *parser) declaration(tokens []lexer.Token) Decl {
	for range maxErrors {
		lex, err := lexer.Upgrade(&tokenStream{tokens: tokens})
		if err != nil {
			panic(fmt.Sprintf("dsl: tokens in memory can't fail: %v", err))
		}
		tree, err := declParser.ParseFromLexer(lex)
		if err == nil {
			low := lowerer{}
			d := low.declaration(tree)
			for _, diagnostic := range low.diags {
				p.report(diagnostic, tokens, indexOf(diagnostic.Span.Start, tokens))
			}
			return d
		}
		i := failedAt(err, tokens)
		p.report(syntaxError(tokens, i), tokens, i)
		lo, hi := enclosingStatement(tokens, i)
		if lo == hi {
			lo, hi = header(tokens, i)
		}
		if lo == hi {
			break
		}
		rest := make([]lexer.Token, 0, len(tokens)-(hi-lo))
		tokens = append(append(rest, tokens[:lo]...), tokens[hi:]...)
	}
	return nil
}

// report adds a diagnostic about tokens[i], unless a bracket of the same
// statement, or of the declaration's head, was missing: that is the error then,
// and more would be guesses.
func (p *parser) report(d *diag.Diagnostic, tokens []lexer.Token, i int) {
	lo, hi := enclosingStatement(tokens, i)
	if lo == hi {
		lo, hi = 0, len(tokens)
		if body := slices.IndexFunc(tokens, func(t lexer.Token) bool { return isPunct(t, "{") }); body > 0 {
			hi = body
		}
	}
	from, to := tokens[lo].Pos.Offset, tokens[hi-1].Pos.Offset
	if i, _ := slices.BinarySearch(p.broken, from); i < len(p.broken) && p.broken[i] <= to {
		return
	}
	p.diags = append(p.diags, d)
}

// indexOf returns the index of the first token at or after p.
func indexOf(p diag.Pos, tokens []lexer.Token) int {
	for i, t := range tokens {
		if !posOf(t.Pos).Before(p) {
			return i
		}
	}
	return len(tokens)
}

// failedAt returns the index of the token that participle couldn't fit in,
// len(tokens) for the end.
func failedAt(err error, tokens []lexer.Token) int {
	var unexpected *participle.UnexpectedTokenError
	var other participle.Error
	pos := lexer.Position{}
	switch {
	case errors.As(err, &unexpected):
		if unexpected.Unexpected.EOF() {
			return len(tokens)
		}
		pos = unexpected.Unexpected.Pos
		for i, t := range tokens {
			if t == unexpected.Unexpected {
				return i
			}
		}
	case errors.As(err, &other):
		pos = other.Position()
	}
	return indexOf(posOf(pos), tokens)
}

// enclosingStatement returns the range of the innermost statement that token i
// belongs to; an empty one if it belongs to none.
func enclosingStatement(tokens []lexer.Token, i int) (lo, hi int) {
	type frame struct {
		body  bool
		start int // of the current statement
	}
	var open []frame
	for j, t := range tokens[:min(i, len(tokens))] {
		switch nesting(t) {
		case 1:
			open = append(open, frame{isPunct(t, "{"), j + 1})
		case -1:
			open = open[:len(open)-1]
		}
		if t.Type == tokEnd && len(open) > 0 {
			open[len(open)-1].start = j + 1
		}
	}
	for k := len(open) - 1; k >= 0; k-- {
		if !open[k].body {
			continue
		}
		lo = open[k].start
		hi = statementEnd(tokens, lo)
		if hi > lo {
			return lo, hi
		}
	}
	return 0, 0
}

// header returns the range of the parameters, between the parentheses, if token
// i is among them: without them, the body can still be parsed.
func header(tokens []lexer.Token, i int) (lo, hi int) {
	if len(tokens) < 4 || tokens[2].Value != "(" || i < 3 {
		return 0, 0
	}
	depth := 1
	for j := 3; j < len(tokens); j++ {
		if depth += nesting(tokens[j]); depth == 0 {
			if i > j {
				return 0, 0
			}
			return 3, j
		}
	}
	return 0, 0
}

// statementEnd returns the index after the statement that starts at lo.
func statementEnd(tokens []lexer.Token, lo int) int {
	depth := 0
	for j := lo; j < len(tokens); j++ {
		depth += nesting(tokens[j])
		if depth < 0 {
			return j
		}
		if depth == 0 && tokens[j].Type == tokEnd {
			return j + 1
		}
	}
	return len(tokens)
}

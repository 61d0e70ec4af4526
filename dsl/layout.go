package dsl

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// layout turns scan's tokens into what the grammar expects, in three steps:
//
//   - clean sets comments aside and reports what is no token of ours;
//   - balance makes every bracket close, reporting those that didn't;
//   - mark settles by context what the grammar would need lookahead for.
//
// The rules of mark are the part of the language that is about lines:
//
//   - A newline ends a statement, unless we are inside ( or [, the line ends in
//     something that wants more (an operator, a comma, ->, =), or the next line
//     starts with something that can't start a statement: ->, a binary operator,
//     a comma, a closing bracket, else, or the { of a body. A leading - counts
//     as binary: no useful statement starts with a minus. Words that start
//     nothing but statements (let, return, ...) end the line before in any case.
//   - A ( calls and a [ indexes only what stands on the same line before it, so
//     a line may start with either.
//   - input, output, labels, scope, preprocess, use, fn, block and net are
//     keywords only where a statement starts and what follows fits; elsewhere
//     they are names. Any word names an argument (`in = 3`) or a layer (`output:`).
//   - After -> and scope, words, numbers, dots, dashes and {computed parts} written
//     without spaces between them are a label if a colon (or scope's {) follows.
type layout struct {
	name     string
	tokens   []lexer.Token
	comments []Comment
	diags    diag.List
	broken   []int // offsets in the source of unbalanced brackets

	out    []lexer.Token
	match  []int  // index of a bracket's partner, of tokens
	inside []bool // for each open bracket: is it the { of a body?
}

// maxDepth bounds how deep brackets, and chains of operators, may nest: the
// phases that follow recurse over the tree.
const maxDepth = 200

var hardKeywords = set("let return assert for in if else true false and or not")

// wordOperators are the hard keywords that are operators.
var wordOperators = map[string]lexer.TokenType{"and": tokOp, "or": tokOp, "not": tokPrefix}

// softKeywords are keywords only at the start of a statement.
var softKeywords = set("use fn block net input output labels scope preprocess")

// declKeywords start declarations that can stand only at top level.
var declKeywords = set("use fn block net")

func set(words string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

func newLayout(name string, tokens []lexer.Token) *layout {
	return &layout{name: name, tokens: tokens}
}

func (l *layout) run() []lexer.Token {
	l.clean()
	if !l.balance() {
		return nil
	}
	l.pair()
	l.out = make([]lexer.Token, 0, len(l.tokens)+len(l.tokens)/8)
	l.mark(0, len(l.tokens))
	return l.out
}

func (l *layout) report(d *diag.Diagnostic) { l.diags = append(l.diags, d) }

// clean takes out comments and replaces what isn't part of the language by what
// was probably meant.
func (l *layout) clean() {
	kept := l.tokens[:0]
	for _, t := range l.tokens {
		switch t.Type {
		case tokComment:
			l.comments = append(l.comments, Comment{At{Src: spanOf(t)}, strings.TrimPrefix(t.Value, "//")})
			continue
		case tokOpenString:
			l.report(errOpenString(t))
			t.Type = tokString
		case tokForeign:
			fix, ok := foreign(t)
			l.report(errForeign(t, fix))
			if !ok {
				continue
			}
			t.Type, t.Value = fix.typ, fix.value
		case tokStray:
			l.report(errStray(t))
			continue
		}
		kept = append(kept, t)
	}
	l.tokens = kept
}

// startsDeclaration reports whether t, a word such as block at the start of a
// line, is a keyword there, given the token after it.
func startsDeclaration(t, next lexer.Token) bool {
	if t.Pos.Line != next.Pos.Line {
		return false
	}
	if t.Value == "use" {
		return next.Type == tokString || next.Type == tokIdent
	}
	return next.Type == tokIdent
}

// pair fills in match. The brackets are balanced by now.
func (l *layout) pair() {
	l.match = make([]int, len(l.tokens))
	var open []int
	for i, t := range l.tokens {
		if t.Type != tokPunct {
			continue
		}
		switch t.Value {
		case "(", "[", "{":
			open = append(open, i)
		case ")", "]", "}":
			j := open[len(open)-1]
			open = open[:len(open)-1]
			l.match[i], l.match[j] = j, i
		}
	}
}

// mark emits tokens [lo, hi).
func (l *layout) mark(lo, hi int) {
	for i := lo; i < hi; i++ {
		t := l.tokens[i]
		next := lexer.Token{Type: lexer.EOF}
		if i+1 < len(l.tokens) {
			next = l.tokens[i+1]
		}
		prev := lexer.Token{Type: tokEnd}
		if len(l.out) > 0 {
			prev = l.out[len(l.out)-1]
		}
		if l.inBody() && endsStatement(prev, t, next) {
			prev = lexer.Token{Type: tokEnd, Value: "\n", Pos: endOf(prev)}
			l.out = append(l.out, prev)
		}
		t.Type = l.kind(t, prev, next)
		l.out = append(l.out, t)
		switch {
		case isPunct(t, "(") || isPunct(t, "[") || isPunct(t, "{") || t.Type == tokCallOpen || t.Type == tokIndexOpen:
			l.inside = append(l.inside, t.Value == "{")
		case isPunct(t, ")") || isPunct(t, "]") || isPunct(t, "}"):
			l.inside = l.inside[:len(l.inside)-1]
		case isPunct(t, "->"):
			i = l.stageLabel(i+1, hi) - 1
		case t.Type == tokKeyword && t.Value == "scope":
			i = l.scopeLabel(i+1, hi) - 1
		}
	}
}

// inBody reports whether we are in a body or at top level, where lines count.
func (l *layout) inBody() bool { return len(l.inside) == 0 || l.inside[len(l.inside)-1] }

// endsStatement reports whether a statement ends between prev and t.
func endsStatement(prev, t, next lexer.Token) bool {
	if prev.Pos.Line == t.Pos.Line {
		return false
	}
	return endsOperand(prev) && !continues(t) || wantsMore(prev) && prev.Value != "{" && breaksOff(t, next)
}

// kind is the type of t between its neighbours.
func (l *layout) kind(t, prev, next lexer.Token) lexer.TokenType {
	switch {
	case t.Type == tokIdent && hardKeywords[t.Value]:
		if isPunct(next, "=") && !l.inBody() {
			return tokIdent // the name of an argument
		}
		if op, ok := wordOperators[t.Value]; ok {
			return op
		}
		return tokKeyword
	case t.Type == tokIdent && softKeywords[t.Value]:
		starts := prev.Type == tokEnd || isPunct(prev, "{") || isPunct(prev, "}")
		if starts && l.inBody() && keywordFits(t, next) {
			return tokKeyword
		}
	case t.Type == tokOp && t.Value == "-" && !endsOperand(prev):
		return tokPrefix
	case t.Type == tokBadNumber:
		l.report(errBadNumber(t))
		return tokInt
	case endsOperand(prev) && !isPunct(prev, "}") && prev.Pos.Line == t.Pos.Line:
		if isPunct(t, "(") {
			return tokCallOpen
		}
		if isPunct(t, "[") {
			return tokIndexOpen
		}
	}
	return t.Type
}

// stageLabel emits the label of a pipe's stage, if there is one at i, and returns
// where to go on.
func (l *layout) stageLabel(i, hi int) int {
	end := l.labelEnd(i)
	if end == i || end >= hi || !isPunct(l.tokens[end], ":") {
		return i
	}
	l.markLabel(i, end)
	colon := l.tokens[end]
	colon.Type = tokLabelColon
	l.out = append(l.out, colon)
	return end + 1
}

// scopeLabel emits the label of a scope and returns where to go on.
func (l *layout) scopeLabel(i, hi int) int {
	end := l.labelEnd(i)
	if end > i && isPunct(l.tokens[end-1], "}") && !(end < hi && isPunct(l.tokens[end], "{")) {
		end = l.match[end-1] // `scope features{`: that was the body
	}
	l.markLabel(i, end)
	return end
}

// labelEnd returns the index after the longest label that could start at i.
func (l *layout) labelEnd(i int) int {
	for j := i; ; {
		if j >= len(l.tokens) || j > i && endOf(l.tokens[j-1]).Offset != l.tokens[j].Pos.Offset {
			return j
		}
		switch t := l.tokens[j]; {
		case isLabelText(t), j > i && isDash(t):
			j++
		case isPunct(t, "{"):
			j = l.match[j] + 1
		default:
			return j
		}
	}
}

func isLabelText(t lexer.Token) bool {
	switch t.Type {
	case tokIdent, tokInt, tokFloat, tokSize, tokBadNumber:
		return true
	}
	return isPunct(t, ".")
}

// isDash reports whether t is the - inside a label such as block1-0.
func isDash(t lexer.Token) bool { return t.Type == tokOp && t.Value == "-" }

// markLabel emits tokens [lo, hi) as a label: neighbouring text as one token,
// computed parts between their own brackets.
func (l *layout) markLabel(lo, hi int) {
	for i := lo; i < hi; {
		t := l.tokens[i]
		if isPunct(t, "{") {
			t.Type = tokLabelOpen
			l.out = append(l.out, t)
			l.inside = append(l.inside, false)
			end := l.match[i]
			l.mark(i+1, end)
			l.inside = l.inside[:len(l.inside)-1]
			t = l.tokens[end]
			t.Type = tokLabelClose
			l.out = append(l.out, t)
			i = end + 1
			continue
		}
		t.Type = tokLabelText
		var text strings.Builder
		for ; i < hi && (isLabelText(l.tokens[i]) || isDash(l.tokens[i])); i++ {
			text.WriteString(l.tokens[i].Value)
		}
		t.Value = text.String()
		l.out = append(l.out, t)
	}
}

// keywordFits reports whether t, a soft keyword where a statement starts, is
// one, given the token after it.
func keywordFits(t, next lexer.Token) bool {
	sameLine := t.Pos.Line == next.Pos.Line
	switch t.Value {
	case "preprocess":
		return isPunct(next, "{")
	case "labels":
		return sameLine && (next.Type == tokString || next.Type == tokIdent || isPunct(next, "["))
	case "scope":
		return sameLine && (isLabelText(next) || isPunct(next, "{"))
	case "input", "output":
		return sameLine && next.Type == tokIdent && next.Value != "and" && next.Value != "or"
	}
	return startsDeclaration(t, next)
}

// endsOperand reports whether an operand, and so a statement, may end with t.
func endsOperand(t lexer.Token) bool {
	switch t.Type {
	case tokIdent, tokInt, tokFloat, tokSize, tokString, tokBadNumber, tokLabelText, tokLabelClose:
		return true
	case tokKeyword:
		return t.Value == "true" || t.Value == "false"
	case tokPunct:
		return t.Value == ")" || t.Value == "]" || t.Value == "}"
	}
	return false
}

// continues reports whether t, the first token of a line, belongs to the
// statement of the line before.
func continues(t lexer.Token) bool {
	switch t.Type {
	case tokOp:
		return true
	case tokPunct:
		return t.Value != "(" && t.Value != "["
	case tokIdent:
		return t.Value == "and" || t.Value == "or" || t.Value == "else" || t.Value == "in"
	}
	return false
}

// breaksOff reports whether t, the first token of a line, starts a statement even
// where the line before wants more, so that `y = x +` is an error of its own line.
func breaksOff(t, next lexer.Token) bool {
	switch t.Value {
	case "let", "return", "assert", "for":
		return t.Type == tokIdent && !isPunct(next, "=")
	}
	// A value may well be called labels: y = <newline> labels[0].
	return softKeywords[t.Value] && t.Value != "labels" && keywordFits(t, next)
}

func isPunct(t lexer.Token, value string) bool { return t.Type == tokPunct && t.Value == value }

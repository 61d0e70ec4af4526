package dsl

import (
	"fmt"
	"slices"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// syntaxError says what is wrong with tokens[i], the one that the grammar had no
// place for; i is len(tokens) if the file ended too early. Participle knows what
// it expected, but in terms of the grammar. What stands around the token tells
// more about what was meant.
func syntaxError(tokens []lexer.Token, i int) *diag.Diagnostic {
	m := misfit{head: tokens[0]}
	lo, hi := enclosingStatement(tokens, i)
	if lo < hi {
		m.head = tokens[lo]
	}
	m.n = i - lo
	m.afterFor = slices.ContainsFunc(tokens[lo:min(i, len(tokens))], func(t lexer.Token) bool { return t.Type == tokKeyword && t.Value == "for" })
	m.beforePrev, m.prev, m.next = tokenAt(tokens, i-2), tokenAt(tokens, i-1), tokenAt(tokens, i+1)
	m.token = lexer.Token{Type: tokEnd, Value: "\n", Pos: endOf(m.prev)}
	if i < len(tokens) && !(tokens[i].Pos.Line > m.prev.Pos.Line && wantsMore(m.prev) && m.prev.Value != "{") {
		m.token = tokens[i]
	}
	var d *diag.Diagnostic
	switch {
	case m.token.Type == tokKeyword:
		d = m.keyword()
	case isPunct(m.token, "."):
		d = m.dot()
	case isPunct(m.token, "="):
		d = m.equals()
	case isPunct(m.token, ":"):
		d = m.colon()
	case isPunct(m.token, ",") && isPunct(m.beforePrev, "("):
		d = errUnexpected(m.token, "", "", "parentheses hold one value; a size is written 3x5, a list [3, 5]")
	case isPunct(m.token, "{") && wantsMore(m.prev) && m.prev.Type == tokPunct:
		d = errUnexpected(m.token, "", "", "lists are written in brackets: [1, 2]")
	}
	if d == nil && m.head.Type == tokKeyword {
		d = m.missingPart()
	}
	if d == nil {
		want := ""
		if wantsMore(m.prev) {
			want = fmt.Sprintf("something must follow %s", plain(m.prev))
		}
		d = errUnexpected(m.token, "", want, "")
	}
	return d
}

// misfit is a token that doesn't fit and what stands around it.
type misfit struct {
	token, beforePrev, prev, next lexer.Token
	head                          lexer.Token // the first token of the statement or declaration
	n                             int         // the token's place in it, from 0
	afterFor                      bool        // a for stands before it there
}

func tokenAt(tokens []lexer.Token, i int) lexer.Token {
	if i < 0 || i >= len(tokens) {
		return lexer.Token{}
	}
	return tokens[i]
}

func (m misfit) keyword() *diag.Diagnostic {
	startsStatement := m.prev.Type == tokEnd || m.prev.Value == "{" || m.prev.Value == "}"
	switch {
	case declKeywords[m.token.Value] && startsStatement:
		return errNested(m.token)
	case m.token.Value == "if" && m.afterFor:
		return errMissing(spanOf(m.token), "for takes no condition", "in the { } of a loop, an if leaves turns out; [x for i in list] has a value for each")
	case m.token.Value == "else":
		return errMissing(spanOf(m.token), "else without an if before it", "else follows the } of an if: if c { a } else { b }")
	case wantsMore(m.prev):
		return errKeywordAsName(m.token)
	case hardKeywords[m.token.Value] || declKeywords[m.token.Value]:
		return errSameLine(spanOf(m.token), false)
	}
	return nil
}

func (m misfit) dot() *diag.Diagnostic {
	switch {
	case endsOperand(m.prev) && isDigits(m.next):
		return errMissing(spanOf(m.token), "values have no fields", fmt.Sprintf("an element of a list is written a[%s]", m.next.Value))
	case isDigits(m.next):
		return errLeadingDot(between(m.token, m.next).Src)
	case isPunct(m.prev, ")"):
		return errMissing(spanOf(m.token), "values have no fields", "a computed part of a label stands in braces: x -> stages.{i}.conv: conv(64, 3)")
	case m.prev.Type == tokIdent && m.next.Type == tokIdent:
		return errMissing(spanOf(m.token), "values have no fields", fmt.Sprintf("ask with a function: %s(%s)", m.next.Value, m.prev.Value))
	}
	return nil
}

func (m misfit) equals() *diag.Diagnostic {
	switch {
	case hardKeywords[m.prev.Value] && m.prev.Type != tokIdent:
		return errKeywordAsName(m.prev)
	case isPunct(m.beforePrev, ":") && (m.head.Value == "net" || m.head.Value == "block" || m.head.Value == "fn"):
		return errUnexpected(m.token, " after a type", "", "parameters have no types but those of their defaults: classes = 1000")
	case m.head.Type == tokKeyword && (m.head.Value == "if" || m.head.Value == "assert"):
		return errUnexpected(m.token, " in a condition", "", "write == to compare")
	case m.n > 1 && m.head.Type != tokKeyword:
		return errUnexpected(m.token, "", "", "a statement has one =; write == to compare")
	}
	return nil
}

// colon is mostly a label where none can be.
func (m misfit) colon() *diag.Diagnostic {
	label := "conv1"
	if m.prev.Type == tokIdent {
		label = m.prev.Value
	}
	switch {
	case m.head.Type == tokKeyword && (hasBody[m.head.Value] || m.head.Value == "input"):
		return nil
	case m.n == 1 && m.prev.Value == "output":
		return errUnexpected(m.token, "", "", "an output has a name: output logits = x")
	case m.prev.Type == tokString:
		return errUnexpected(m.token, "", "", "the label of a layer takes no quotes: x -> conv1: conv(64, 3)")
	case m.prev.Type == tokIdent && m.n > 1 && endsOperand(m.beforePrev):
		return errUnexpected(m.token, "", "", fmt.Sprintf("write -> before %s, if it labels a stage of a pipe", label))
	}
	return errUnexpected(m.token, "", "", fmt.Sprintf("a label names a stage of a pipe: x -> %s: conv(64, 3)", label))
}

// hasBody are the keywords of what ends with a body.
var hasBody = set("block net fn for if scope")

func isDigits(t lexer.Token) bool { return t.Type == tokInt || t.Type == tokFloat }

// missingPart names the part that should stand where the token stands in what its
// first token, a keyword, has begun; nil if nothing is known to be missing.
func (m misfit) missingPart() *diag.Diagnostic {
	missing := func(what, help string) *diag.Diagnostic { return errMissing(spanOf(m.token), what, help) }
	name := m.prev.Value
	afterParams := isPunct(m.prev, ")")
	switch m.head.Value {
	case "let":
		if m.n == 2 && isPunct(m.token, ",") {
			return missing("let names one value", "write a, b = ... for several, without let")
		}
		if m.n == 2 {
			return missing("let needs a value", fmt.Sprintf("write let %s = value", name))
		}
	case "use":
		if m.n == 1 {
			return missing("use needs a path in quotes", `write use "blocks/resnet.cnn"`)
		}
	case "fn":
		if isPunct(m.token, "{") {
			return missing("the value of a fn is one expression", "write fn name(a, b) = a + b; use a block for layers")
		}
		if m.n == 2 || afterParams {
			return missing("fn is incomplete", "write fn name(a, b) = a + b")
		}
	case "block":
		if m.n == 2 {
			return missing("a block needs parameters", fmt.Sprintf("write block %s(x) { ... }", name))
		}
		if afterParams {
			return missing("a block needs a body in { }", "the { stands on the line of the declaration: block name(x) {")
		}
	case "net":
		if m.n == 2 || afterParams {
			return missing("a net needs a body in { }", "write net name(classes = 1000) { ... }, or net name = base(argument = value)")
		}
	case "input":
		if m.n > 1 {
			return missing("the dimensions of an input stand in brackets", "write input image[3, 224, 224]: channels, height, width")
		}
	case "for":
		if (m.n == 1 || m.prev.Type == tokIdent && m.n < 4) && !isPunct(m.token, "{") {
			return missing("for needs in", "write for i in 0..n { ... }, or for a, b in table { ... }")
		}
		if endsOperand(m.prev) {
			return missing("for needs a body in { }", "")
		}
	case "if", "scope":
		if endsOperand(m.prev) {
			return missing(m.head.Value+" needs a body in { }", "")
		}
	}
	return nil
}

// wantsMore reports whether t can't be the last token of anything.
func wantsMore(t lexer.Token) bool {
	switch t.Type {
	case tokIdent, tokInt, tokFloat, tokSize, tokString, tokEnd, tokLabelText, tokLabelClose:
		return false
	case tokKeyword:
		return t.Value != "true" && t.Value != "false"
	case tokPunct:
		return t.Value != ")" && t.Value != "]" && t.Value != "}"
	}
	return t.Value != ""
}

// plain is a token as part of a sentence.
func plain(t lexer.Token) string {
	if t.Type == tokLabelColon {
		return "the label"
	}
	return t.Value
}

// describe is a token as the subject of a sentence.
func describe(t lexer.Token) string {
	switch t.Type {
	case tokEnd:
		return "end of line"
	case tokIdent:
		return "name " + t.Value
	case tokInt, tokFloat:
		return "number " + t.Value
	case tokSize:
		return "size " + t.Value
	case tokString:
		return "string"
	case tokKeyword:
		return "keyword " + t.Value
	}
	return t.Value
}

package dsl

import (
	"fmt"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// syntaxError says what is wrong with tokens[i], the one that the grammar had no
// place for; i is len(tokens) if the file ended too early. Participle knows what
// it expected, but in terms of the grammar. What stands around the token tells
// more about what was meant.
func syntaxError(tokens []lexer.Token, i int) *diag.Diagnostic {
	head := tokens[0] // what the statement or declaration starts with
	lo, hi := enclosingStatement(tokens, i)
	if lo < hi {
		head = tokens[lo]
	}
	var prev lexer.Token
	if i > 0 {
		prev = tokens[i-1]
	}
	if i == len(tokens) {
		end := endOf(prev)
		return missingPart(head, prev, lexer.Token{Type: tokEnd, Value: "\n", Pos: end}, i-lo)
	}
	t := tokens[i]
	var next lexer.Token
	if i+1 < len(tokens) {
		next = tokens[i+1]
	}
	if t.Pos.Line > prev.Pos.Line && wantsMore(prev) && prev.Value != "{" {
		t = lexer.Token{Type: tokEnd, Value: "\n", Pos: endOf(prev)}
	}
	startsStatement := prev.Type == tokEnd || prev.Value == "{" || prev.Value == "}"
	switch {
	case t.Type == tokKeyword && declKeywords[t.Value] && startsStatement:
		return errNested(t)
	case t.Type == tokKeyword && t.Value == "else":
		return errMissing(spanOf(t), "else without an if before it", "else follows the } of an if: if c { a } else { b }")
	case t.Type == tokKeyword && wantsMore(prev):
		return errKeywordAsName(t)
	case t.Type == tokKeyword && endsOperand(prev) && (hardKeywords[t.Value] || declKeywords[t.Value]):
		return errSameLine(spanOf(t), false)
	case isPunct(t, "=") && (prev.Type == tokKeyword || wordOperators[prev.Value] == prev.Type && prev.Type != 0):
		return errKeywordAsName(prev)
	case isPunct(t, ".") && endsOperand(prev) && isDigits(next):
		return errMissing(spanOf(t), "values have no fields", fmt.Sprintf("an element of a list is written a[%s]", next.Value))
	case isPunct(t, ".") && isDigits(next):
		return errLeadingDot(between(t, next).Src)
	case isPunct(t, ".") && prev.Type == tokIdent && next.Type == tokIdent:
		return errMissing(spanOf(t), "values have no fields", fmt.Sprintf("ask with a function: %s(%s)", next.Value, prev.Value))
	case isPunct(t, "=") && head.Type == tokKeyword && (head.Value == "if" || head.Value == "assert"):
		return errUnexpected(t, " in a condition", "", "write == to compare")
	case isPunct(t, "=") && i-lo > 1 && head.Type != tokKeyword:
		return errUnexpected(t, "", "", "a statement has one =; write == to compare")
	case isPunct(t, "{") && wantsMore(prev) && prev.Type == tokPunct:
		return errUnexpected(t, "", "", "lists are written in brackets: [1, 2]")
	case isPunct(t, ":") && head.Type == tokKeyword && (hasBody[head.Value] || head.Value == "input"):
		return missingPart(head, prev, t, i-lo)
	case isPunct(t, ":") && i-lo == 1 && prev.Value == "output":
		return errUnexpected(t, "", "", "an output has a name: output logits = x")
	case isPunct(t, ":") && prev.Type == tokString:
		return errUnexpected(t, "", "", "the label of a layer takes no quotes: x -> conv1: conv(64, 3)")
	case isPunct(t, ":") && prev.Type == tokIdent && i > lo+1 && endsOperand(tokens[i-2]):
		return errUnexpected(t, "", "", fmt.Sprintf("write -> before %s, if it labels a stage of a pipe", prev.Value))
	case isPunct(t, ":"):
		return errUnexpected(t, "", "", "a label names a stage of a pipe: x -> "+labelName(prev)+": conv(64, 3)")
	}
	return missingPart(head, prev, t, i-lo)
}

// hasBody are the keywords of what ends with a body.
var hasBody = set("block net fn for if scope")

func labelName(prev lexer.Token) string {
	if prev.Type == tokIdent {
		return prev.Value
	}
	return "conv1"
}

func isDigits(t lexer.Token) bool { return t.Type == tokInt || t.Type == tokFloat }

// missingPart names the part of the statement that starts with head which should
// stand where t, its n-th token, stands.
func missingPart(head, prev, t lexer.Token, n int) *diag.Diagnostic {
	if head.Type == tokKeyword {
		switch {
		case head.Value == "let" && n == 2:
			if isPunct(t, ",") {
				return errMissing(spanOf(t), "let names one value", "write a, b = ... for several, without let")
			}
			return errMissing(spanOf(t), "let needs a value", fmt.Sprintf("write let %s = value", prev.Value))
		case head.Value == "use" && n == 1:
			return errMissing(spanOf(t), "use needs a path in quotes", `write use "blocks/resnet.cnn"`)
		case head.Value == "fn" && t.Value == "{":
			return errMissing(spanOf(t), "the value of a fn is one expression", "write fn name(a, b) = a + b; use a block for layers")
		case head.Value == "fn" && (n == 2 || prev.Value == ")"):
			return errMissing(spanOf(t), "fn is incomplete", "write fn name(a, b) = a + b")
		case head.Value == "block" && n == 2:
			return errMissing(spanOf(t), "a block needs parameters", fmt.Sprintf("write block %s(x) { ... }", prev.Value))
		case head.Value == "block" && prev.Value == ")":
			return errMissing(spanOf(t), "a block needs a body in { }", "the { stands on the line of the declaration: block name(x) {")
		case head.Value == "net" && (n == 2 || prev.Value == ")"):
			return errMissing(spanOf(t), "a net needs a body in { }", "write net name(classes = 1000) { ... }, or net name = base(argument = value)")
		case head.Value == "input" && n > 1:
			return errMissing(spanOf(t), "the dimensions of an input stand in brackets", "write input image[3, 224, 224]: channels, height, width")
		case head.Value == "for" && (n == 1 || prev.Type == tokIdent && n < 4) && !isPunct(t, "{"):
			return errMissing(spanOf(t), "for needs in", "write for i in 0..n { ... }, or for a, b in table { ... }")
		case (head.Value == "for" || head.Value == "if" || head.Value == "scope") && endsOperand(prev):
			return errMissing(spanOf(t), head.Value+" needs a body in { }", "")
		}
	}
	want := ""
	if wantsMore(prev) {
		want = fmt.Sprintf("something must follow %s", plain(prev))
	}
	return errUnexpected(t, "", want, "")
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

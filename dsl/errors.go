package dsl

import (
	"fmt"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// Every error of this package is built here. Codes are explained in
// diag/codes_syntax.go.

const codeStrayClose = "SYNTAX008"

func posOf(p lexer.Position) diag.Pos {
	return diag.Pos{File: p.Filename, Line: p.Line, Col: p.Column}
}

func spanOf(t lexer.Token) diag.Span {
	return diag.Span{Start: posOf(t.Pos), End: posOf(endOf(t))}
}

func newError(code string, span diag.Span, format string, args ...any) *diag.Diagnostic {
	return &diag.Diagnostic{Code: code, Span: span, Summary: fmt.Sprintf(format, args...)}
}

func errUnexpected(t lexer.Token, after, want, help string) *diag.Diagnostic {
	d := newError("SYNTAX001", spanOf(t), "unexpected %s%s", describe(t), after)
	d.Label = want
	d.Help = help
	return d
}

func errStray(t lexer.Token) *diag.Diagnostic {
	d := newError("SYNTAX002", spanOf(t), "the character %q means nothing here", t.Value)
	d.Help = "names are made of the letters a-z, A-Z, digits and _; other text belongs into \"strings\" or // comments"
	return d
}

func errOpenString(t lexer.Token) *diag.Diagnostic {
	d := newError("SYNTAX003", spanOf(t), "this string has no closing quote")
	d.Help = "a string ends with \" on the line it starts on; write \\\" for a quote inside it and \\n for a line break"
	return d
}

func errEscape(span diag.Span, escape string) *diag.Diagnostic {
	d := newError("SYNTAX004", span, "unknown escape %s in a string", escape)
	d.Help = `the escapes are \n, \t, \" and \\`
	return d
}

func errBadNumber(t lexer.Token) *diag.Diagnostic {
	d := newError("SYNTAX005", spanOf(t), "%q is neither a number nor a name", t.Value)
	d.Help = "numbers look like 64, 0.5 or 1e-3, sizes like 3x3; a name can't start with a digit"
	return d
}

func errLeadingDot(span diag.Span) *diag.Diagnostic {
	d := newError("SYNTAX005", span, "a number needs a digit before its point")
	d.Help = "write 0.5 for .5"
	return d
}

func errRange(span diag.Span, text, what string) *diag.Diagnostic {
	return newError("SYNTAX006", span, "%s is too large for %s", text, what)
}

func errUnclosed(open lexer.Token, before *lexer.Token) *diag.Diagnostic {
	d := newError("SYNTAX007", spanOf(open), "this %s is never closed", open.Value)
	if before == nil {
		d.Label = fmt.Sprintf("the file ends without its %s", closers[open.Value])
		return d
	}
	d.Label = fmt.Sprintf("its %s is missing", closers[open.Value])
	note := "before this at the latest"
	if before.Value == "}" {
		note = "this closes what is around it"
	}
	d.Related = []diag.Related{{Span: spanOf(*before), Note: note}}
	return d
}

func errStrayClose(t lexer.Token) *diag.Diagnostic {
	return newError(codeStrayClose, spanOf(t), "this %s closes nothing", t.Value)
}

func errMismatch(open, t lexer.Token) *diag.Diagnostic {
	d := newError("SYNTAX008", spanOf(t), "%s doesn't close %s", t.Value, open.Value)
	d.Label = fmt.Sprintf("write %s", closers[open.Value])
	d.Related = []diag.Related{{Span: spanOf(open), Note: "opened here"}}
	return d
}

func errForeign(t lexer.Token, fix replacement) *diag.Diagnostic {
	d := newError("SYNTAX009", spanOf(t), "%s", fix.why)
	d.Help = fix.help
	return d
}

func errColon(span diag.Span, name string) *diag.Diagnostic {
	d := newError("SYNTAX010", span, "a named argument takes =, not :")
	if name != "" {
		d.Help = fmt.Sprintf("write %s = ...; a colon follows the label of a layer, as in x -> conv1: conv(64, 3)", name)
	}
	return d
}

func errKeywordAsName(t lexer.Token) *diag.Diagnostic {
	d := newError("SYNTAX011", spanOf(t), "%s is a keyword and can't be a name", t.Value)
	d.Help = fmt.Sprintf("choose another name, such as %s_; keywords may name arguments and layers only", t.Value)
	return d
}

func errMissingComma(span diag.Span) *diag.Diagnostic {
	d := newError("SYNTAX012", span, "missing comma")
	d.Label = "a comma belongs before this"
	return d
}

func errSameLine(span diag.Span, callable bool) *diag.Diagnostic {
	d := newError("SYNTAX013", span, "a second statement on one line")
	d.Label = "start a new line before this"
	if callable {
		d.Help = "or write -> before it, if the value on the left flows into it"
	}
	return d
}

func errAssign(span diag.Span) *diag.Diagnostic {
	d := newError("SYNTAX014", span, "only a name can stand left of =")
	return d
}

func errLooseComma(span diag.Span) *diag.Diagnostic {
	d := newError("SYNTAX014", span, "several values without =")
	d.Help = "write a, b = ... to name them, or return a, b to hand them out"
	return d
}

func errChain(span diag.Span, first, second string) *diag.Diagnostic {
	d := newError("SYNTAX015", span, "%s can't follow %s without parentheses", second, first)
	if first != ".." && second != ".." {
		d.Help = "join two comparisons with and: a < b and b < c"
	}
	return d
}

func errPipeTarget(span diag.Span, op string) *diag.Diagnostic {
	d := newError("SYNTAX016", span, "%s after a stage of a pipe", op)
	d.Label = fmt.Sprintf("it isn't clear what %s applies to", op)
	d.Help = fmt.Sprintf("put the pipe into parentheses, (x -> f) %s y, or name its result first", op)
	return d
}

func errTopLevel(t lexer.Token) *diag.Diagnostic {
	d := newError("SYNTAX017", spanOf(t), "a declaration was expected, not %s", describe(t))
	d.Help = "a file consists of use, let, fn, block and net; layers stand in the { } of a block or net"
	if s := diag.Suggest(t.Value, []string{"use", "let", "fn", "block", "net"}); s != "" {
		d.Label = fmt.Sprintf("did you mean %s?", s)
	} else if s, ok := declSynonyms[t.Value]; ok {
		d.Label = fmt.Sprintf("did you mean %s?", s)
	}
	return d
}

// declSynonyms are what other languages call our declarations.
var declSynonyms = map[string]string{
	"import": "use", "include": "use", "from": "use", "require": "use",
	"const": "let", "var": "let",
	"def": "fn or block", "func": "fn or block", "function": "fn or block", "module": "block", "class": "block", "layer": "block",
	"network": "net", "model": "net",
}

func errNested(t lexer.Token) *diag.Diagnostic {
	d := newError("SYNTAX018", spanOf(t), "%s can't stand inside another declaration", t.Value)
	d.Help = "move it to the top level of the file, or close the { before it"
	return d
}

func errMissing(span diag.Span, what, help string) *diag.Diagnostic {
	d := newError("SYNTAX019", span, "%s", what)
	d.Help = help
	return d
}

func errForInList(span diag.Span) *diag.Diagnostic {
	return errMissing(span, "a list made by for has one expression before it", "write [32 * i for i in 1..5]; for several values a turn, [[i, 2 * i] for i in 1..5]")
}

func errNoElse(span diag.Span) *diag.Diagnostic {
	d := newError("SYNTAX020", span, "an if that is a value needs an else")
	d.Help = "write if c { a } else { b }"
	return d
}

func errElseOrder(span diag.Span) *diag.Diagnostic {
	return newError("SYNTAX021", span, "nothing can follow the final else")
}

func errTooLarge(name string, size int) *diag.Diagnostic {
	at := diag.Pos{File: name, Line: 1, Col: 1}
	d := newError("SYNTAX022", diag.Span{Start: at, End: at}, "the file has %d bytes; the limit is %d", size, maxSource)
	d.Help = "split it into several files and join them with use"
	return d
}

func errTooDeep(t lexer.Token) *diag.Diagnostic {
	return newError("SYNTAX023", spanOf(t), "brackets are nested more than %d deep", maxDepth)
}

func errTooLong(span diag.Span, what string) *diag.Diagnostic {
	d := newError("SYNTAX024", span, "more than %d %s in one expression", maxDepth, what)
	d.Help = "name parts of it with let"
	return d
}

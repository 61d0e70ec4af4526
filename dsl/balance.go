package dsl

import "github.com/alecthomas/participle/v2/lexer"

// balance inserts the closing brackets that are missing and drops those that
// close nothing. It reports false if the nesting is too deep to go on.
func (l *layout) balance() bool {
	b := balancer{layout: l, out: make([]lexer.Token, 0, len(l.tokens))}
	for i, t := range l.tokens {
		if i == 0 || l.tokens[i-1].Pos.Line < t.Pos.Line {
			next := lexer.Token{Type: lexer.EOF}
			if i+1 < len(l.tokens) {
				next = l.tokens[i+1]
			}
			b.startLine(t, next)
		}
		if t.Type == tokPunct {
			switch t.Value {
			case "(", "[", "{":
				if len(b.open) == maxDepth {
					l.report(errTooDeep(t))
					return false
				}
				b.open = append(b.open, openBracket{t, b.indent})
			case ")", "]":
				if !b.closeRound(&t) {
					continue
				}
			case "}":
				if !b.closeBrace(t) {
					continue
				}
			}
		}
		b.out = append(b.out, t)
	}
	b.closeAll(nil)
	l.tokens = b.out
	return true
}

// balancer is the state of balance.
type balancer struct {
	*layout
	out        []lexer.Token
	open       []openBracket
	indent     int          // column of the first token of the line
	declIndent int          // of the line that the current declaration started on
	misfit     *lexer.Token // a { closed by a } further left than its line: not its own, likely
}

// openBracket is a bracket and the indentation of its line.
type openBracket struct {
	lexer.Token
	indent int
}

func (b *balancer) top() string {
	if len(b.open) == 0 {
		return ""
	}
	return b.open[len(b.open)-1].Value
}

// startLine closes what can't go on when t starts a line.
func (b *balancer) startLine(t, next lexer.Token) {
	b.indent = t.Pos.Column
	if t.Type == tokIdent {
		switch {
		case declKeywords[t.Value] && startsDeclaration(t, next) && b.indent <= b.declIndent:
			b.closeAll(&t)
		case breaksOff(t, next) && (b.top() == "(" || b.top() == "[") && !b.continuesList(t):
			b.closeRounds(&t)
		case t.Value == "else" && b.top() == "{" && !isPunct(b.out[len(b.out)-1], "}"):
			b.report(errUnclosed(b.open[len(b.open)-1].Token, &t))
			b.closeTop()
		}
	}
	if len(b.open) == 0 {
		b.declIndent, b.misfit = b.indent, nil
	}
}

// continuesList reports whether t, the first token of a line, is the for of
// [x for i in list]: further right than the line with the bracket.
func (b *balancer) continuesList(t lexer.Token) bool {
	return t.Value == "for" && b.top() == "[" && b.indent > b.open[len(b.open)-1].indent
}

// closeRound closes the bracket that t, ) or ], belongs to, or reports false if
// there is none.
func (b *balancer) closeRound(t *lexer.Token) bool {
	want, ok := closers[b.top()]
	switch {
	case !ok || want == "}":
		b.report(errStrayClose(*t))
		b.broken = append(b.broken, t.Pos.Offset)
		return false
	case want != t.Value:
		b.report(errMismatch(b.open[len(b.open)-1].Token, *t))
		b.broken = append(b.broken, t.Pos.Offset)
		t.Value = want
	}
	b.open = b.open[:len(b.open)-1]
	return true
}

// closeBrace closes the { that t belongs to, or reports false if there is none.
func (b *balancer) closeBrace(t lexer.Token) bool {
	b.closeRounds(&t)
	if len(b.open) == 0 {
		b.report(errStrayClose(t))
		b.broken = append(b.broken, t.Pos.Offset)
		return false
	}
	top := b.open[len(b.open)-1]
	if t.Pos.Column == b.indent && t.Pos.Column < top.indent && b.misfit == nil {
		b.misfit = &top.Token
	}
	b.open = b.open[:len(b.open)-1]
	return true
}

// closeRounds closes the ( and [ that are open in the innermost {, since before
// can't stand in them.
func (b *balancer) closeRounds(before *lexer.Token) {
	if top := b.top(); top == "(" || top == "[" {
		b.report(errUnclosed(b.open[len(b.open)-1].Token, before))
	}
	for b.top() == "(" || b.top() == "[" {
		b.closeTop()
	}
}

// closeAll ends a declaration that never ended; before is what stood in its way,
// nil for the end of the file.
func (b *balancer) closeAll(before *lexer.Token) {
	if len(b.open) == 0 {
		return
	}
	culprit := b.open[len(b.open)-1].Token
	if culprit.Value == "{" && b.misfit != nil {
		culprit = *b.misfit
	}
	b.report(errUnclosed(culprit, before))
	for len(b.open) > 0 {
		b.closeTop()
	}
}

// closeTop puts in the closing bracket that is missing. It takes the place of the
// last character, so that what it closes ends there.
func (b *balancer) closeTop() {
	top := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	pos := endOf(b.out[len(b.out)-1])
	pos.Offset--
	pos.Column--
	b.out = append(b.out, lexer.Token{Type: tokPunct, Value: closers[top.Value], Pos: pos})
	b.broken = append(b.broken, top.Pos.Offset)
}

var closers = map[string]string{"(": ")", "[": "]", "{": "}"}

package dsl

import "github.com/alecthomas/participle/v2/lexer"

// Precedence of operators, loosest first. The pipe is looser than all of them,
// calls and indices bind tighter.
const (
	precOr = iota + 1
	precAnd
	precNot
	precCompare
	precRange
	precAdd
	precMul
	precNeg
	precPow
)

var precedence = map[string]int{
	"or": precOr, "and": precAnd,
	"==": precCompare, "!=": precCompare, "<": precCompare, "<=": precCompare, ">": precCompare, ">=": precCompare,
	"..": precRange,
	"+":  precAdd, "-": precAdd,
	"*": precMul, "/": precMul, "%": precMul,
	"^": precPow,
}

// prefixPrecedence is how tightly - and not hold what follows them.
func prefixPrecedence(op string) int {
	if op == "not" {
		return precNot
	}
	return precNeg
}

// operation gives a flat sequence of operands and operators its structure.
func (l *lowerer) operation(first *operand, rest []*term) Expr {
	n := len(first.prefix()) + len(rest)
	for _, t := range rest {
		n += len(t.X.prefix())
	}
	if n > maxDepth {
		l.report(errTooLong(at(first).Src, "operators"))
		return l.operand(first)
	}
	c := climber{lowerer: l, operand: first, prefix: first.prefix(), rest: rest}
	return c.climb(0)
}

// climber climbs precedence over an operation.
type climber struct {
	*lowerer
	operand *operand
	prefix  []lexer.Token // of operand, those not used up
	rest    []*term
}

// climb reads the operand at hand and every operator that binds at least as
// tightly as min.
func (c *climber) climb(min int) Expr {
	x := c.unary()
	for len(c.rest) > 0 {
		op := c.rest[0].op()
		prec := precedence[op.Value]
		if prec < min {
			break
		}
		right := prec + 1
		if prec == precPow {
			right = prec // to the right
		}
		c.operand, c.prefix, c.rest = c.rest[0].X, c.rest[0].X.prefix(), c.rest[1:]
		y := c.climb(right)
		x = c.binary(op, x, y)
	}
	return x
}

func (c *climber) unary() Expr {
	if len(c.prefix) == 0 {
		return c.lowerer.operand(c.operand)
	}
	op := c.prefix[0]
	c.prefix = c.prefix[1:]
	x := c.climb(prefixPrecedence(op.Value))
	return &Unary{join(spanOf(op), x.Span()), op.Value, x}
}

func (c *climber) binary(op lexer.Token, x, y Expr) Expr {
	src := join(x.Span(), y.Span())
	switch precedence[op.Value] {
	case precRange:
		if _, ok := x.(*Range); ok && !isParen(x) {
			c.report(errChain(spanOf(op), "..", ".."))
		}
		return &Range{src, x, y}
	case precCompare:
		if b, ok := x.(*Binary); ok && !b.Paren && precedence[b.Op] == precCompare {
			c.report(errChain(spanOf(op), b.Op, op.Value))
		}
	}
	return &Binary{src, op.Value, spanOf(op), x, y}
}

package dsl

import (
	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The grammar as participle reads it, kept apart from the syntax tree so that
// it can be permissive: it takes `stride: 2` for an argument, two statements on
// one line, `1 < x < 3`, and lower.go says what is wrong with them and goes on.
// Every choice is decided by the next token, so parsing is linear: what would
// need more has been settled in layout.go, by the kinds of the tokens.
// testdata/grammar.ebnf is this grammar in print.
//
// Operators and operands are one flat sequence here. Precedence is lower.go's.

// source is embedded in every production; participle fills in its tokens. What
// can be read off the tokens isn't captured, since each capture costs time.
type source struct{ Tokens []lexer.Token }

func (s source) tokens() []lexer.Token { return s.Tokens }

// hasComma reports whether an element of a list ends with its comma.
func (s source) hasComma() bool { return isPunct(s.Tokens[len(s.Tokens)-1], ",") }

type file struct {
	Declarations []*declaration `parser:"(@@ | End)*"`
}

type declaration struct {
	source
	Use   *use    `parser:"(  @@"`
	Let   *let    `parser:"| @@"`
	Func  *fn     `parser:"| @@"`
	Block *block  `parser:"| @@"`
	Net   *netDef `parser:"| @@ ) End?"`
}

type use struct {
	source
	Path lexer.Token `parser:"'use':Keyword @String"`
}

type let struct {
	source
	Name  lexer.Token `parser:"'let':Keyword @Ident"`
	Value *expression `parser:"'=' @@"`
}

type fn struct {
	source
	Name   lexer.Token `parser:"'fn':Keyword @Ident"`
	Params *params     `parser:"@@"`
	Body   *expression `parser:"'=' @@"`
}

type block struct {
	source
	Name   lexer.Token `parser:"'block':Keyword @Ident"`
	Params *params     `parser:"@@"`
	Body   *body       `parser:"@@"`
}

type netDef struct {
	source
	Name   lexer.Token `parser:"'net':Keyword @Ident"`
	Params *params     `parser:"@@?"`
	Base   *expression `parser:"( '=' @@"`
	Body   *body       `parser:"| @@ )"`
}

type params struct {
	source
	Params []*param `parser:"'(' @@* ')'"`
}

type param struct {
	source
	Name    lexer.Token  `parser:"@Ident"`
	Eq      *lexer.Token `parser:"( @('=' | ':')"`
	Default *expression  `parser:"  @@ )? ','?"`
}

type body struct {
	source
	Statements []*statement `parser:"'{' @@* '}'"`
}

type statement struct {
	source
	Let        *let         `parser:"(  @@"`
	Input      *input       `parser:"| @@"`
	Output     *output      `parser:"| @@"`
	Return     *returnStmt  `parser:"| @@"`
	Assert     *assertion   `parser:"| @@"`
	For        *loop        `parser:"| @@"`
	Scope      *scope       `parser:"| @@"`
	Preprocess *preprocess  `parser:"| @@"`
	Labels     *labels      `parser:"| @@"`
	Assignment *assignment  `parser:"| @@ )"`
	End        *lexer.Token `parser:"@End?"`
}

type input struct {
	source
	Name lexer.Token `parser:"'input':Keyword @Ident"`
	Dims []*item     `parser:"('[' @@* ']')?"`
}

type output struct {
	source
	Name  lexer.Token `parser:"'output':Keyword @Ident"`
	Value *expression `parser:"('=' @@)?"`
}

type returnStmt struct {
	source
	Values []*expression `parser:"'return':Keyword @@ (',' @@)*"`
}

type assertion struct {
	source
	Cond    *expression `parser:"'assert':Keyword @@"`
	Message *expression `parser:"(',' @@)?"`
}

type loop struct {
	source
	Clause *forClause `parser:"@@"`
	Body   *body      `parser:"@@"`
}

type forClause struct {
	source
	Vars []lexer.Token `parser:"'for':Keyword @(Ident (',' Ident)*)"`
	Over *expression   `parser:"'in':Keyword @@"`
}

type scope struct {
	source
	Label *label `parser:"'scope':Keyword @@"`
	Body  *body  `parser:"@@"`
}

type preprocess struct {
	source
	Fields []*field `parser:"'preprocess':Keyword '{' @@* '}'"`
}

type field struct {
	source
	Argument *argument `parser:"@@"`
	End      bool      `parser:"@End?"`
}

type labels struct {
	source
	Value *expression `parser:"'labels':Keyword @@"`
}

// assignment is `y = flow`, `a, b = flow`, or a flow on its own.
type assignment struct {
	source
	Left  []*expression `parser:"@@ (',' @@)*"`
	Right *expression   `parser:"('=' @@)?"`
}

type expression struct {
	source
	First  *operand `parser:"@@"`
	Rest   []*term  `parser:"@@*"`
	Stages []*stage `parser:"@@*"`
}

type stage struct {
	source
	Label *label   `parser:"'->' (@@ LabelColon)?"`
	First *operand `parser:"@@"`
	Rest  []*term  `parser:"@@*"`
}

type label struct {
	source
	Parts []*labelPart `parser:"@@+"`
}

type labelPart struct {
	source
	Text lexer.Token `parser:"@LabelText"`
	X    *expression `parser:"| LabelOpen @@ LabelClose"`
}

// term is an operator and what stands right of it.
type term struct {
	source
	X *operand `parser:"Op @@"`
}

func (t *term) op() lexer.Token { return t.Tokens[0] }

// operand without Paren, List or If is an atom: one token.
type operand struct {
	source
	Paren  *expression  `parser:"Prefix* ( (Ident | Int | Float | Size | String | 'true':Keyword | 'false':Keyword) | '(' @@ ')'"`
	List   *list        `parser:"| @@"`
	If     *conditional `parser:"| @@ )"`
	Suffix []*suffix    `parser:"@@*"`
}

// prefix is the operators before the operand.
func (o *operand) prefix() []lexer.Token {
	n := 0
	for o.Tokens[n].Type == tokPrefix {
		n++
	}
	return o.Tokens[:n]
}

type list struct {
	source
	Items  []*item    `parser:"'[' @@*"`
	Clause *forClause `parser:"@@? ']'"`
}

type item struct {
	source
	X *expression `parser:"@@ ','?"`
}

type suffix struct {
	source
	Args  []*argument `parser:"CallOpen @@* ')'"`
	Index *index      `parser:"| IndexOpen @@ ']'"`
}

type argument struct {
	source
	X     *expression  `parser:"@@"`
	Eq    *lexer.Token `parser:"( @('=' | ':')"`
	Value *expression  `parser:"  @@ )? ','?"`
}

type index struct {
	source
	Lo    *expression `parser:"@@?"`
	Colon bool        `parser:"( @':'"`
	Hi    *expression `parser:"@@? )?"`
}

type conditional struct {
	source
	Cond  *expression    `parser:"'if':Keyword @@"`
	Then  *body          `parser:"@@"`
	Elses []*alternative `parser:"@@*"`
}

type alternative struct {
	source
	Cond *expression `parser:"'else':Keyword ('if':Keyword @@)?"`
	Body *body       `parser:"@@"`
}

var (
	fileParser = participle.MustBuild[file](participle.Lexer(definition{}), participle.UseLookahead(0))
	declParser = must(participle.ParserForProduction[declaration](fileParser))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

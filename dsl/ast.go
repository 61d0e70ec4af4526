package dsl

import "github.com/cnnc-dev/cnnc/dsl/diag"

// The syntax tree. Parse lowers participle's grammar structs to it, elaborate
// walks it, Format prints it. It knows no tensors: whether `a + b` adds numbers
// or feature maps is elaborate's business.

// Node is anything with a place in the source.
type Node interface{ Span() diag.Span }

// At is embedded in every node. Paren says that an expression was written in
// parentheses, so that Format keeps them; Src includes them.
type At struct {
	Src   diag.Span
	Paren bool
}

// Span returns where the node stands.
func (a At) Span() diag.Span { return a.Src }

// File is one parsed .cnn file.
type File struct {
	At
	Name  string // slash-separated, as given to Parse
	Decls []Decl
	// Comments holds every comment in source order; Format puts them back.
	Comments []Comment
}

// Comment is one `// ...` line, text without the slashes and final newline.
type Comment struct {
	At
	Text string
}

// Decl is a top-level declaration: *Use, *Let, *Func, *Block or *Net.
type Decl interface {
	Node
	decl()
}

// Use is `use "blocks/resnet.cnn"`: the embedded library first, then a path
// relative to the file (a path starting with ./ or ../ is always relative).
type Use struct {
	At
	Path String
}

// Func is `fn name(params) = expr`, a function of compile-time values.
type Func struct {
	At
	Name   Ident
	Params []Param
	Body   Expr
}

// Block is `block name(x, planes, stride = 1) { ... }`. Parameters without a
// default that tensors are passed for come first, by convention.
type Block struct {
	At
	Name   Ident
	Params []Param
	Body   *Body
}

// Net is `net name(classes = 1000) { ... }` with Body set, or
// `net resnet101 = resnet(...)` with Base set.
type Net struct {
	At
	Name   Ident
	Params []Param
	Body   *Body
	Base   *Call // the net it specialises, and the arguments it fixes
}

// Param is `name` or `name = default`.
type Param struct {
	At
	Name    Ident
	Default Expr // nil if there is none
}

// Ident is a name with its place.
type Ident struct {
	At
	Name string
}

// Body is `{ ... }`: statements in order.
type Body struct {
	At
	Stmts []Stmt
}

// Stmt is *Let, *Assign, *Input, *Output, *Return, *Assert, *For, *If, *Scope,
// *Preprocess, *Labels or *ExprStmt.
type Stmt interface {
	Node
	stmt()
}

// Let is `let name = expr`: a new name in the innermost scope. At top level the
// value is a constant.
type Let struct {
	At
	Name  Ident
	Value Expr
}

// Assign is `y = flow` or `a, b = flow`. It changes the nearest variable of
// that name, or makes one of the block, visible after the { } it stands in.
type Assign struct {
	At
	Targets []Ident
	Value   Expr
}

// Input is `input image[3, 224, 224]`: channels, height, width, or `input v[n]`.
type Input struct {
	At
	Name Ident
	Dims []Expr
}

// Output is `output logits = flow`, or `output logits` for a named tensor.
type Output struct {
	At
	Name  Ident
	Value Expr // nil: the tensor of that name
}

// Return is `return flow` or `return a, b`; blocks only.
type Return struct {
	At
	Values []Expr
}

// Assert is `assert cond` or `assert cond, "message"`.
type Assert struct {
	At
	Cond    Expr
	Message Expr // nil if there is none
}

// For is `for i in 0..n { }` or `for t, c, n, s in table { }`.
type For struct {
	At
	Vars []Ident
	Over Expr
	Body *Body
}

// If is the statement; IfExpr the expression.
type If struct {
	At
	Cond Expr
	Then *Body
	Else Stmt // nil, *If (else if) or *BodyStmt
}

// BodyStmt is the block of a plain else.
type BodyStmt struct {
	At
	Body *Body
}

// Scope is `scope features { ... }`: a prefix for the names made inside.
type Scope struct {
	At
	Label *Label
	Body  *Body
}

// Preprocess is `preprocess { resize = 256, mean = [...] }`.
type Preprocess struct {
	At
	Fields []Arg
}

// Labels is `labels "imagenet1k.txt"` or `labels ["cat", "dog"]`.
type Labels struct {
	At
	Value Expr
}

// ExprStmt is a flow on its own; as the last statement it is the result of a
// block, or the output named `output` of a net.
type ExprStmt struct {
	At
	X Expr
}

// Expr is *Name, *Number, *String, *Bool, *Size, *List, *Each, *Range, *Unary,
// *Binary, *Call, *Index, *Slice, *Pipe or *IfExpr.
type Expr interface {
	Node
	expr()
}

// Name is a use of a variable, block, net, function or primitive.
type Name struct {
	At
	Name string
}

// Number is an integer or a float, as written.
type Number struct {
	At
	Text  string
	IsInt bool
	Int   int64
	Float float64 // also set for integers
}

// String is a double-quoted string; Value is unquoted.
type String struct {
	At
	Value string
}

// Bool is true or false.
type Bool struct {
	At
	Value bool
}

// Size is `1x7`: height by width.
type Size struct {
	At
	H, W int64
}

// List is `[a, b, c]`.
type List struct {
	At
	Elems []Expr
}

// Each is `[x for i in list]`: what x comes to for each element.
type Each struct {
	At
	X     Expr
	ForAt diag.Span // from the for to the end of Over
	Vars  []Ident
	Over  Expr
}

// Range is `a..b`, b exclusive.
type Range struct {
	At
	Lo, Hi Expr
}

// Unary is `-x` or `not x`.
type Unary struct {
	At
	Op string
	X  Expr
}

// Binary is one of `or and == != < <= > >= + - * / % ^`.
type Binary struct {
	At
	Op   string
	OpAt diag.Span
	X, Y Expr
}

// Call is `f(a, b, key = c)`. Without its tensor it is a block waiting for one.
type Call struct {
	At
	Fun  Expr
	Args []Arg
}

// Arg is one argument; Name is nil for a positional one.
type Arg struct {
	At
	Name  *Ident
	Value Expr
}

// Index is `x[i]` on a list, or `x[[0, 2, 4]]`, a pick of channels, on a tensor.
type Index struct {
	At
	X, I Expr
}

// Slice is `x[a:b]`: list elements or channels; Lo or Hi may be nil.
type Slice struct {
	At
	X, Lo, Hi Expr
}

// Pipe is `x -> a -> label: b(...)`.
type Pipe struct {
	At
	X      Expr
	Stages []Stage
}

// Stage is one step of a pipe. Target is a Name or a Call, or any expression
// that yields a block.
type Stage struct {
	At
	Label  *Label // nil if there is none
	Target Expr
}

// IfExpr is `if cond { flow } else { flow }`; each body's last flow is its value.
// Else is a *Body or another *IfExpr.
type IfExpr struct {
	At
	Cond Expr
	Then *Body
	Else Node
}

// Label names a layer or a scope: `conv1`, `downsample.0`, `layers.{i+1}.norm`,
// `denselayer{i+1}`. Parts are concatenated; dots are inside Text.
type Label struct {
	At
	Parts []LabelPart
}

// LabelPart is literal text, or a computed part with X set.
type LabelPart struct {
	Text string
	X    Expr
}

func (*Use) decl()   {}
func (*Let) decl()   {}
func (*Func) decl()  {}
func (*Block) decl() {}
func (*Net) decl()   {}

func (*Let) stmt()        {}
func (*Assign) stmt()     {}
func (*Input) stmt()      {}
func (*Output) stmt()     {}
func (*Return) stmt()     {}
func (*Assert) stmt()     {}
func (*For) stmt()        {}
func (*If) stmt()         {}
func (*BodyStmt) stmt()   {}
func (*Scope) stmt()      {}
func (*Preprocess) stmt() {}
func (*Labels) stmt()     {}
func (*ExprStmt) stmt()   {}

func (*Name) expr()   {}
func (*Number) expr() {}
func (*String) expr() {}
func (*Bool) expr()   {}
func (*Size) expr()   {}
func (*List) expr()   {}
func (*Each) expr()   {}
func (*Range) expr()  {}
func (*Unary) expr()  {}
func (*Binary) expr() {}
func (*Call) expr()   {}
func (*Index) expr()  {}
func (*Slice) expr()  {}
func (*Pipe) expr()   {}
func (*IfExpr) expr() {}

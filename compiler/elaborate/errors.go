package elaborate

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// Every diagnostic of this package is built here and in errors_net.go. The
// codes are explained in dsl/diag.

func newError(code string, at diag.Span, format string, args ...any) *diag.Diagnostic {
	return &diag.Diagnostic{Code: code, Span: at, Summary: fmt.Sprintf(format, args...)}
}

// with adds the words beside the carets and the advice.
func with(d *diag.Diagnostic, label, help string) *diag.Diagnostic {
	d.Label, d.Help = label, help
	return d
}

// related adds a second place.
func related(d *diag.Diagnostic, at diag.Span, note string) *diag.Diagnostic {
	if at.Start.IsValid() {
		d.Related = append(d.Related, diag.Related{Span: at, Note: note})
	}
	return d
}

// didYouMean is the help for a misspelt name; otherwise is what helps if no
// candidate is near.
func didYouMean(name string, candidates []string, otherwise string) string {
	if s := diag.Suggest(name, candidates); s != "" {
		return "did you mean " + s + "?"
	}
	return otherwise
}

// enumerate joins names with commas.
func enumerate(names []string) string { return strings.Join(names, ", ") }

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Names.

func errUnknownName(at diag.Span, name string, visible []string) *diag.Diagnostic {
	return with(newError("NAME001", at, "nothing is called %s here", name), "unknown",
		foreignName(name, visible, "define it above, take it as a parameter, or `use` the file that declares it"))
}

func errEndedName(at diag.Span, name string, where diag.Span) *diag.Diagnostic {
	d := with(newError("NAME001", at, "nothing is called %s here", name), "unknown",
		"let and for make variables of the innermost { }; "+name+" = ... without let makes one of the block")
	return related(d, where, name+" was made in here, and ends with it")
}

func errUnsetName(at diag.Span, name string, where diag.Span) *diag.Diagnostic {
	d := with(newError("NAME001", at, "%s has not been set", name), "no value yet", "set it before, or in every branch")
	return related(d, where, "set here, which has not run")
}

func errDeclaredTwice(at diag.Span, name string, first diag.Span) *diag.Diagnostic {
	d := newError("NAME002", at, "%s is declared twice in this file", name)
	return related(with(d, "again", "rename one of them"), first, "first declared here")
}

func errParamTwice(at diag.Span, name string, first diag.Span) *diag.Diagnostic {
	d := with(newError("NAME002", at, "two parameters are called %s", name), "again", "rename one of them")
	return related(d, first, "the first is here")
}

func errLetTwice(at diag.Span, name string) *diag.Diagnostic {
	return with(newError("NAME002", at, "let %s: the name is already taken in this { }", name),
		"again", "to change it, write "+name+" = ... without let")
}

func errAmbiguous(at diag.Span, name string, first, second diag.Span) *diag.Diagnostic {
	d := newError("NAME003", at, "%s is declared by two of the files that this one uses", name)
	d.Help = "use only one of the files, or declare " + name + " in this file"
	return related(related(d, first, "one is here"), second, "the other here")
}

func errConstantCycle(at diag.Span, name string) *diag.Diagnostic {
	return with(newError("NAME004", at, "the constant %s is defined by itself", name), "", "break the circle")
}

func warnUnusedLet(at diag.Span, name string) *diag.Diagnostic {
	d := with(newError("NAME005", at, "let %s: nothing uses it", name), "not used", "use it, or remove it")
	d.Severity = diag.Warning
	return d
}

// Types.

func errKind(at diag.Span, what, want string, got value) *diag.Diagnostic {
	d := newError("TYPE001", at, "%s must be %s, this is %s", what, want, describe(got))
	d.Label = aKind(got)
	return d
}

func errFraction(at diag.Span, what string, got float64) *diag.Diagnostic {
	return with(newError("TYPE002", at, "%s must be an int, this is %s", what, show(got)),
		"has a fraction", "round it: floor(...), ceil(...), round(...), or make_divisible(...) for channels")
}

func errSizeFraction(at diag.Span, op string, a, b size) *diag.Diagnostic {
	return with(newError("TYPE002", at, "%s %s %s leaves a fraction", show(a), op, show(b)),
		"", "a size has ints only; div(a, b) rounds down")
}

func errNotCallable(at diag.Span, got value, piped bool) *diag.Diagnostic {
	if piped {
		return with(newError("TYPE003", at, "-> must lead to a block, this is %s", describe(got)),
			aKind(got), "write a block or primitive after ->, such as conv(64, 3) or relu")
	}
	return with(newError("TYPE003", at, "only blocks and functions can be called, this is %s", describe(got)), aKind(got), "")
}

func errSpread(at diag.Span, names int, got value) *diag.Diagnostic {
	d := newError("TYPE004", at, "%s on the left, but this is %s", plural(names, "name"), describe(got))
	if l, ok := got.(list); ok {
		d.Summary = fmt.Sprintf("%s on the left, but %s on the right", plural(names, "name"), plural(len(l.elems), "value"))
	}
	return with(d, "", "give as many names as there are values")
}

func errWaiting(at diag.Span, p *partial) *diag.Diagnostic {
	d := newError("TYPE005", at, "%s is waiting for its tensor", p.title())
	return with(d, "a block, not a tensor", "write x -> "+p.title()+"(...), or give the tensor as first argument: "+p.title()+"(x, ...)")
}

func errNotOperand(at diag.Span, c callable) *diag.Diagnostic {
	if p, ok := c.(*partial); ok {
		return errWaiting(at, p)
	}
	return with(newError("TYPE005", at, "%s is a %s, not a value", c.title(), kind(c)), aKind(c),
		"call it: x -> "+c.title())
}

func errOperands(at diag.Span, op string, a, b value) *diag.Diagnostic {
	help := ""
	if op == "+" && kind(a) == "string" {
		help = "numbers become text in labels only, where braces compute a part: x -> stage{i}: conv(64, 3)"
	}
	return with(newError("TYPE006", at, "%s cannot be applied to %s and %s", op, describe(a), describe(b)),
		aKind(a)+" and "+aKind(b), help)
}

func errCompare(at diag.Span, a, b value) *diag.Diagnostic {
	return with(newError("TYPE006", at, "%s and %s cannot be compared", describe(a), describe(b)),
		aKind(a)+" and "+aKind(b), "")
}

func errTensorOp(at diag.Span, op string) *diag.Diagnostic {
	return with(newError("TYPE006", at, "tensors have no %s", op), "",
		"tensors can be added, subtracted and multiplied, with each other and with numbers; and divided by numbers")
}

func errDivision(at diag.Span) *diag.Diagnostic {
	return with(newError("TYPE007", at, "division by zero"), "", "")
}

func errOverflow(at diag.Span, op string, operands ...value) *diag.Diagnostic {
	texts := make([]string, len(operands))
	for i, v := range operands {
		texts[i] = show(v)
	}
	return with(newError("TYPE007", at, "%s of %s has no result that fits", op, strings.Join(texts, " and ")),
		"out of range", "ints have 64 bits, floats as many; check the values that lead here")
}

func errIndex(at diag.Span, i, n int64) *diag.Diagnostic {
	return with(newError("TYPE008", at, "element %d of a list that has %d", i, n), "out of range",
		"the first is 0; the last is -1")
}

func errSlice(at diag.Span, lo, hi, n int64) *diag.Diagnostic {
	return with(newError("TYPE008", at, "elements %d:%d of a list that has %d", lo, hi, n), "out of range", "")
}

func errZip(at diag.Span, a, b int) *diag.Diagnostic {
	return with(newError("TYPE008", at, "zip needs lists of one length: one has %d elements, another %d", a, b), "", "")
}

func errNoValue(at diag.Span, what string) *diag.Diagnostic {
	return with(newError("TYPE009", at, "%s has no value", what), "nothing",
		"end each { } with a flow, and give an if an else")
}

func errNoResult(at diag.Span, name string) *diag.Diagnostic {
	return with(newError("TYPE009", at, "block %s has no result", name), "",
		"end it with a flow, such as x -> relu, or with return")
}

func errNoEffect(at diag.Span, v value) *diag.Diagnostic {
	return with(newError("TYPE010", at, "this yields %s, which nothing uses", describe(v)), "no effect", "give it a name, or remove it")
}

func errReturnInExpr(at diag.Span) *diag.Diagnostic {
	return with(newError("TYPE011", at, "return inside an if that is used as a value"), "", "its value is its last flow; leave out return")
}

func errParamType(at diag.Span, who callable, p dsl.Param, def, got value) *diag.Diagnostic {
	d := newError("TYPE012", at, "%s of %s must be %s, as its default %s is; this is %s",
		p.Name.Name, who.title(), aKind(def), show(def), describe(got))
	d.Label = aKind(got)
	if kind(def) == "int" && kind(got) == "float" {
		d.Help = fmt.Sprintf("give an int, or write the default as %s.0 if fractions make sense", show(def))
	}
	return related(d, p.Src, "declared here")
}

// Arguments.

func takes(sig signature, callee callable) string {
	names := sig.names()
	if len(names) == 0 {
		return callee.title() + " takes no arguments"
	}
	return callee.title() + " takes " + enumerate(names)
}

func errUnknownArgument(at diag.Span, callee callable, sig signature, name string) *diag.Diagnostic {
	d := newError("ARG001", at, "%s has no %s", callee.title(), name)
	d.Label = "unknown"
	d.Help = takes(sig, callee)
	if hint := foreignArgument(name, sig.names()); hint != "" {
		d.Help = hint + "; " + d.Help
	} else if s := diag.Suggest(name, sig.names()); s != "" {
		d.Help = "did you mean " + s + "? " + d.Help
	}
	return related(d, sig.decl, "declared here")
}

func errMissing(at diag.Span, callee callable, name string) *diag.Diagnostic {
	sig := callee.signature()
	d := with(newError("ARG002", at, "%s needs %s", callee.title(), name), name+" is missing", takes(sig, callee))
	return related(d, sig.decl, "declared here")
}

func errTooMany(at diag.Span, callee callable, sig signature) *diag.Diagnostic {
	d := with(newError("ARG003", at, "too many arguments for %s", callee.title()), "one too many", takes(sig, callee))
	return related(d, sig.decl, "declared here")
}

func errGivenTwice(at diag.Span, callee callable, name string) *diag.Diagnostic {
	return with(newError("ARG004", at, "%s of %s is given twice", name, callee.title()), "again", "")
}

func errSplit(at diag.Span, t tensor, parts value) *diag.Diagnostic {
	what := "parts of " + show(parts)
	if _, ok := parts.(int64); ok {
		what = show(parts) + " equal parts"
	}
	return with(newError("ARG005", at, "split: %d channels cannot be cut into %s", t.shape.Channels(), what),
		fmt.Sprintf("the input is %v", t.shape), "give a number that divides the channels, or sizes that add up to them")
}

func errBlockString(at diag.Span, text, part string, col int, help string) *diag.Diagnostic {
	return with(newError("ARG006", at, "block string %q: %q at character %d is not understood", text, part, col), "", help)
}

// Labels.

func errNoLabel(at diag.Span, op string) *diag.Diagnostic {
	return with(newError("LABEL001", at, "%s has weights, and so needs a label", op), "no label",
		"write x -> "+op+"1: "+op+"(...); the label names its weights in the checkpoint")
}

func errNameTwice(at diag.Span, name string, first diag.Span) *diag.Diagnostic {
	d := newError("LABEL002", at, "two layers with weights are called %s", name)
	d = with(d, "again", "change a label; in a loop, use its variable: conv{i}")
	return related(d, first, "the first is here")
}

func errScopeTwice(at diag.Span, scope, name string, first diag.Span) *diag.Diagnostic {
	d := newError("LABEL002", at, "%s labels two calls, and both have a layer %s", scope, name)
	d = with(d, "again", "change a label; in a loop, use its variable: layer{i}")
	return related(d, first, "the first is here")
}

func errBadLabel(at diag.Span, text string) *diag.Diagnostic {
	return with(newError("LABEL003", at, "%q cannot be a label", text), "",
		"a label has letters, digits, _ and -, in parts joined by dots")
}

func errLabelOnFunction(at diag.Span, name string) *diag.Diagnostic {
	return with(newError("LABEL004", at, "%s is a function, and makes no layer to label", name), "", "leave out the label")
}

// Shapes.

// errAdd gives the place to what the builder found: the attribute or operation
// to blame, and where the tensors come from.
func (e *elab) errAdd(err error, o operation, name string) *diag.Diagnostic {
	var s *shape.Error
	if !errors.As(err, &s) {
		return errInternal(err)
	}
	d := &diag.Diagnostic{Code: s.Code, Span: o.at, Label: s.Label, Help: s.Help}
	d.Summary = s.Summary
	if first, _, _ := strings.Cut(s.Summary, " "); strings.TrimSuffix(first, ":") != name {
		d.Summary = name + ": " + s.Summary
	}
	if a := o.given[s.Attr]; a != nil && a.at.Start.IsValid() {
		d.Span = a.at
	}
	for i, t := range o.in {
		if len(o.in) > 2 && i > 0 && i != s.Arg {
			continue // of many, the first and the odd one
		}
		v := e.b.Value(t.id)
		d = related(d, v.Span, fmt.Sprintf("%v comes from here (%s)", v.Shape, v.Name))
	}
	return d
}

func errInputShape(at diag.Span, err error) *diag.Diagnostic {
	var s *shape.Error
	if !errors.As(err, &s) {
		return errInternal(err)
	}
	return &diag.Diagnostic{Code: s.Code, Span: at, Summary: s.Summary, Label: s.Label, Help: s.Help}
}

// Files.

func errNoFile(at diag.Span, name string, err error, library []string) *diag.Diagnostic {
	if !errors.Is(err, fs.ErrNotExist) {
		return with(newError("USE001", at, "%s cannot be read: %v", name, err), "", "")
	}
	help := ""
	if len(library) > 0 {
		help = didYouMean(name, library, "the path is relative to this file; the library has "+enumerate(library))
	}
	return with(newError("USE001", at, "there is no file %s", name), "not found", help)
}

func errUseCycle(at diag.Span, chain []string) *diag.Diagnostic {
	return with(newError("USE002", at, "files use each other in a circle: %s", strings.Join(chain, " -> ")),
		"closes the circle", "put what both need into a third file")
}

// Limits.

func errEndless(at diag.Span, turns int64) *diag.Diagnostic {
	return with(newError("LIMIT001", at, "a loop without end: stopped after %d turns", turns), "",
		fmt.Sprintf("a spec may take %d steps; check what the loop goes over", maxSteps))
}

func errLoopTooLong(at diag.Span, turns int64) *diag.Diagnostic {
	return with(newError("LIMIT001", at, "a loop without end: it would turn %d times", turns), "",
		fmt.Sprintf("a spec may take %d steps; check what the loop goes over", maxSteps))
}

func errTooLong(at diag.Span) *diag.Diagnostic {
	return with(newError("LIMIT001", at, "the spec takes more than %d steps", maxSteps), "stopped here", "check what calls itself")
}

func errTooDeep(at diag.Span, what string) *diag.Diagnostic {
	return with(newError("LIMIT002", at, "calls are nested more than %d deep, lastly %s", maxDepth, what), "",
		"what calls itself needs a condition that ends it")
}

func errTooManyOps(at diag.Span) *diag.Diagnostic {
	return with(newError("LIMIT003", at, "the network has more than %d operations", maxValues), "stopped here",
		"check what the loop goes over, or what calls itself")
}

func errTooLarge(at diag.Span, what string, limit int, unit string) *diag.Diagnostic {
	return with(newError("LIMIT004", at, "the spec makes %s of more than %d %s", what, limit, unit), "stopped here", "check what makes it grow")
}

func errNameTooLong(at diag.Span) *diag.Diagnostic {
	return with(newError("LIMIT004", at, "a layer's full name gets longer than %d bytes", maxName), "", "shorten the labels")
}

func errInternal(err error) *diag.Diagnostic {
	return newError("INTERNAL001", diag.Span{}, "internal error in elaborate: %v; please report it with the spec", err)
}

package elaborate

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// commandLine is the file that diagnostics about overrides point into: a line
// an override, as -D has it.
const commandLine = "command line"

// overrides evaluates what is set from outside.
func (e *elab) overrides(n *userNet, overrides []Override) (map[string]*argument, bool) {
	given := map[string]*argument{}
	var lines strings.Builder
	ok := true
	for line, o := range overrides {
		before := "-D " + o.Name + "="
		lines.WriteString(before + o.Value + "\n")
		at := func(col int) diag.Pos { return diag.Pos{File: commandLine, Line: line + 1, Col: col} }
		start := utf8.RuneCountInString(before) + 1
		name := diag.Span{Start: at(len("-D ") + 1), End: at(start - 1)}
		value := diag.Span{Start: at(start), End: at(start + utf8.RuneCountInString(o.Value))}

		i := slices.IndexFunc(n.params, func(p netParam) bool { return p.name == o.Name })
		switch {
		case i < 0:
			e.report(errUnknownOverride(name, n, o.Name))
			ok = false
		case given[o.Name] != nil:
			e.report(errOverrideTwice(name, n, o.Name))
			ok = false
		default:
			v := e.override(n, n.params[i], o, value)
			given[o.Name] = &argument{value: v, at: value}
			ok = ok && !isBad(v)
		}
	}
	e.loader.keep(commandLine, []byte(lines.String()))
	return given, ok
}

// override evaluates the text of one override, an expression of constants among
// the names that the net's file sees. For a parameter whose default is a string,
// a plain word is one, so that no shell has to pass quotes.
func (e *elab) override(n *userNet, p netParam, o Override, at diag.Span) value {
	def := e.defaultOf(n, p)
	if _, ok := def.(string); ok && !strings.HasPrefix(strings.TrimSpace(o.Value), `"`) {
		return o.Value
	}
	ast, diags := dsl.Parse(commandLine, []byte("let value = "+o.Value))
	if len(diags) > 0 || len(ast.Decls) != 1 || strings.ContainsAny(o.Value, "\r\n") {
		e.report(errBadOverride(at, o, def))
		return bad{}
	}
	let, ok := ast.Decls[0].(*dsl.Let)
	if !ok {
		e.report(errBadOverride(at, o, def))
		return bad{}
	}
	if !e.enter(&frame{what: "net " + n.title(), file: n.file}) {
		return bad{}
	}
	defer e.leave()
	// A word that means nothing, where no block is wanted, is hardly a misspelt name.
	if word, ok := let.Value.(*dsl.Name); ok && def != nil {
		_, isBlock := def.(callable)
		if _, known := e.lookup(newScope(nil), word.Name, word.Src, false); !known && !isBlock {
			e.report(errBadOverride(at, o, def))
			return bad{}
		}
	}
	before := len(e.diags)
	v := e.expr(newScope(nil), let.Value)
	for _, d := range e.diags[before:] {
		if d.Span.Start.File == commandLine {
			d.Span = at // the text that was parsed is not the one that was written
		}
	}
	return v
}

// defaultOf returns what p is if it is not set; nil if it has to be.
func (e *elab) defaultOf(n *userNet, p netParam) value {
	x := p.decl.Default
	file := p.file
	if p.fixed != nil {
		x, file = p.fixed, p.by
	}
	if x == nil {
		return nil
	}
	var v value
	e.quietly(func() {
		if e.enter(&frame{what: "net " + n.title(), file: file}) {
			v = e.expr(newScope(nil), x)
			e.leave()
		}
	})
	return v
}

// NetInfo describes a net of a file.
type NetInfo struct {
	Name   string
	Doc    string // the comment above it, without the slashes
	Base   string // the net it specialises; "" for one with a body
	Params []ParamInfo
}

// ParamInfo is one parameter of a net, set with -D.
type ParamInfo struct {
	Name    string
	Default string // as written; "" if it must be given
}

// Nets lists the nets of a file in order. It reports what Net would report of
// their headers.
func Nets(l *Loader, file string) ([]NetInfo, diag.List) {
	e := newElab(l)
	f := e.load(file)
	if f == nil {
		return nil, e.diags
	}
	var nets []NetInfo
	for _, name := range f.netNames() {
		d, ok := f.decls[name].(*dsl.Net)
		if !ok {
			continue
		}
		n := e.net(f, d)
		if n == nil {
			continue
		}
		info := NetInfo{Name: name, Doc: f.docOf(d.Src.Start.Line)}
		if n.base != nil {
			info.Base = n.base.title()
		}
		for _, p := range n.params {
			x := p.decl.Default
			if p.fixed != nil {
				x = p.fixed
			}
			info.Params = append(info.Params, ParamInfo{Name: p.name, Default: e.source(x)})
		}
		nets = append(nets, info)
	}
	return nets, e.diags
}

// docOf returns the comment lines directly above a line.
func (f *fileEnv) docOf(line int) string {
	var doc []string
	for _, c := range slices.Backward(f.ast.Comments) {
		if c.Src.Start.Line == line-1 && c.Src.Start.Col == 1 {
			doc = append(doc, strings.TrimPrefix(c.Text, " "))
			line--
		}
	}
	slices.Reverse(doc)
	return strings.Join(doc, "\n")
}

// source returns the text of an expression, on one line.
func (e *elab) source(x dsl.Expr) string {
	if x == nil {
		return ""
	}
	at := x.Span()
	text, _ := e.loader.Text(at.Start.File)
	lines := strings.Split(text, "\n")
	if at.End.Line > len(lines) {
		return ""
	}
	part := slices.Clone(lines[at.Start.Line-1 : at.End.Line])
	last := len(part) - 1
	part[last] = string([]rune(part[last])[:at.End.Col-1])
	part[0] = string([]rune(part[0])[at.Start.Col-1:])
	for i := range part {
		part[i] = strings.TrimSpace(part[i])
	}
	return strings.Join(part, " ")
}

package elaborate

import (
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// override evaluates the text of -D name=value, an expression of constants
// among the names that the net's file sees. For a parameter whose default is a
// string, a plain word is one, so that no shell has to pass quotes.
func (e *elab) override(n *userNet, p netParam, o Override) *argument {
	// Positions inside an override are positions in the text "name = value".
	file := "-D " + o.Name
	at := diag.Pos{File: file}
	whole := diag.Span{Start: at, End: at}
	if e.wantsString(n, p) && !strings.HasPrefix(strings.TrimSpace(o.Value), `"`) {
		return &argument{value: o.Value, at: whole}
	}
	ast, diags := dsl.Parse(file, []byte("let value = "+o.Value))
	if len(diags) > 0 || len(ast.Decls) != 1 || strings.ContainsAny(o.Value, "\r\n") {
		e.report(errBadOverride(whole, o))
		return nil
	}
	let, ok := ast.Decls[0].(*dsl.Let)
	if !ok {
		e.report(errBadOverride(whole, o))
		return nil
	}
	if !e.enter(&frame{what: "net " + n.title(), file: n.file}) {
		return nil
	}
	defer e.leave()
	before := len(e.diags)
	v := e.expr(newScope(nil), let.Value)
	for _, d := range e.diags[before:] {
		d.Span = whole // the text is not a file that a reader could open
		d.Help = strings.TrimSpace("in -D " + o.Name + "=" + o.Value + "\n" + d.Help)
	}
	return &argument{value: v, at: whole}
}

// wantsString reports whether the default of p is a string.
func (e *elab) wantsString(n *userNet, p netParam) bool {
	x := p.decl.Default
	file := p.file
	if p.fixed != nil {
		x, file = p.fixed, p.by
	}
	if x == nil {
		return false
	}
	var v value
	e.quietly(func() {
		if e.enter(&frame{what: "net " + n.title(), file: file}) {
			v = e.expr(newScope(nil), x)
			e.leave()
		}
	})
	_, ok := v.(string)
	return ok
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
	lines := strings.Split(string(e.loader.Text(at.Start.File)), "\n")
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

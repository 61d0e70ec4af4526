package ir

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// ParseError is a mistake in IR text.
type ParseError struct {
	Line, Col int // from 1; Col counts characters
	Err       error
}

func (e *ParseError) Error() string { return fmt.Sprintf("%d:%d: %v", e.Line, e.Col, e.Err) }
func (e *ParseError) Unwrap() error { return e.Err }

// Parse reads what Print writes, and returns a verified graph. Written by
// hand, a value's shape may be left out, inputs excepted: the rule gives it. A
// comment that is no span is ignored. Errors are *ParseErrors, but for those
// that concern the whole graph.
func Parse(text string) (*Graph, error) {
	p := parser{ids: map[string]ID{}}
	for i, line := range strings.Split(text, "\n") {
		p.scanner = scanner{line: line, rest: line}
		p.parseLine()
		if p.err != nil {
			return nil, &ParseError{Line: i + 1, Col: p.col(), Err: p.err}
		}
	}
	if p.b == nil {
		return nil, &ParseError{Line: 1, Col: 1, Err: errors.New("want graph NAME")}
	}
	return p.b.Graph()
}

// parser reads a line at a time with its scanner, whose err it leaves set if
// the line is wrong.
type parser struct {
	scanner
	b   *Builder // nil before the graph line
	ids map[string]ID
}

func (p *parser) parseLine() {
	first := p.peek()
	if first == 0 {
		return
	}
	keyword := "%"
	if first != '%' {
		keyword = p.name()
	}
	if p.err == nil && (keyword == "graph") != (p.b == nil) {
		p.fail("want one graph line, before all others")
	}
	if p.err != nil {
		return
	}
	switch keyword {
	case "%":
		p.value()
	case "graph":
		p.b = NewBuilder(p.name())
		if p.peek() == '"' {
			p.b.g.Source = p.quoted()
		}
	case "preprocess":
		if p.b.g.Preprocess != nil {
			p.fail("preprocess is given twice")
		}
		p.b.g.Preprocess = new(Preprocess)
		p.attrs(p.b.g.Preprocess, nil, keyword)
	case "label":
		p.b.g.Labels = append(p.b.g.Labels, p.quoted())
	case "output":
		name := p.name()
		p.expect("=")
		p.b.Output(name, p.ref())
	case "scope":
		name, block := p.name(), ""
		p.expect("=")
		if p.peek() != '%' {
			block = p.name()
		}
		p.b.Scope(name, block, p.ref())
	default:
		p.fail("unknown keyword %q: want graph, preprocess, label, output, scope or a value %%name", keyword)
	}
	p.end()
}

// value reads %name = op %arg... attr=value... : shape # span.
func (p *parser) value() {
	v := &Value{}
	p.expect("%")
	v.Name = p.name()
	p.expect("=")
	v.Op, v.Attr = p.op()
	for p.peek() == '%' {
		v.Args = append(v.Args, p.ref())
	}
	p.attrs(v.Attr, &v.Covers, v.Op.String())
	if p.peek() == ':' {
		p.expect(":")
		p.set(reflect.ValueOf(&v.Shape).Elem())
	}
	v.Span = p.span()
	p.end()
	if p.err != nil {
		return
	}

	p.rewind() // what follows concerns the whole line
	stated := v.Shape
	id, err := p.b.add(v)
	switch {
	case err != nil:
		p.fail("%w", err)
	case stated != nil && !stated.Equal(v.Shape):
		p.fail("%%%s: the shape is %v by the rule of %v, not %v", v.Name, v.Shape, v.Op, stated)
	}
	p.ids[v.Name] = id
}

// ref reads %name, a value defined before.
func (p *parser) ref() ID {
	p.expect("%")
	name := p.name()
	id, ok := p.ids[name]
	if !ok {
		p.fail("%%%s is not defined above", name)
	}
	return id
}

package ir

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// Print returns g as text that Parse reads back: a line each for the graph, its
// preprocessing, its labels, its values, its outputs and its scopes.
//
//	graph tiny "specs/tiny.cnn"
//	  %image = input : [3 224 224]   # specs/tiny.cnn:4:5-4:26
//	  %conv1 = conv %image out=64 k=7 s=2 p=3 bias=false weights=conv1 act=relu covers=[conv1 relu] : [64 112 112]
//	  output logits = %conv1
//	  scope layer1.0 = bottleneck %conv1
//
// Attributes at their default are left out. A span is the comment of its line.
func Print(g *Graph) string {
	var b strings.Builder
	b.WriteString("graph " + g.Name)
	if g.Source != "" {
		b.WriteString(" " + strconv.Quote(g.Source))
	}
	b.WriteByte('\n')
	if g.Preprocess != nil {
		b.WriteString("  preprocess" + attrText(g.Preprocess) + "\n")
	}
	for _, l := range g.Labels {
		b.WriteString("  label " + strconv.Quote(l) + "\n")
	}
	for _, v := range g.Values {
		b.WriteString("  " + printValue(g, v) + "\n")
	}
	for _, o := range g.Outputs {
		fmt.Fprintf(&b, "  output %s = %%%s\n", o.Name, g.Values[o.Value].Name)
	}
	for _, s := range g.Scopes {
		fmt.Fprintf(&b, "  scope %s = ", s.Name)
		if s.Block != "" {
			b.WriteString(s.Block + " ")
		}
		fmt.Fprintf(&b, "%%%s\n", g.Values[s.Value].Name)
	}
	return b.String()
}

func printValue(g *Graph, v *Value) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%%%s = %v", v.Name, v.Op)
	for _, a := range v.Args {
		b.WriteString(" %" + g.Values[a].Name)
	}
	if v.Attr != nil {
		b.WriteString(attrText(v.Attr))
	}
	if len(v.Covers) > 0 {
		b.WriteString(" covers=[" + strings.Join(v.Covers, " ") + "]")
	}
	fmt.Fprintf(&b, " : %v", v.Shape)
	if v.Span != (diag.Span{}) {
		b.WriteString("   # " + spanText(v.Span))
	}
	return b.String()
}

// attrText prints the tagged fields of *ptr that differ from their defaults,
// each after a space.
func attrText(ptr any) string {
	var b strings.Builder
	for _, f := range fields(ptr) {
		if !f.isDefault() {
			b.WriteString(" " + f.name + "=" + valueText(f.value))
		}
	}
	return b.String()
}

func valueText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Act:
		return opText(x.Op, x.Attr())
	case Norm:
		return opText(x.Op, x.Attr())
	case *Norm:
		return opText(x.Op, x.Attr())
	case ConvPart:
		return "{" + strings.TrimPrefix(attrText(&x), " ") + "}"
	}
	if v.Kind() != reflect.Slice {
		return scalarText(v)
	}
	elems := make([]string, v.Len())
	for i := range elems {
		elems[i] = valueText(v.Index(i))
	}
	return "[" + strings.Join(elems, " ") + "]"
}

// opText prints a folded operation: relu, or leakyrelu{slope=0.1}.
func opText(op Op, a Attr) string {
	if a == nil {
		return op.String()
	}
	if text := attrText(a); text != "" {
		return op.String() + "{" + text[1:] + "}"
	}
	return op.String()
}

// spanText prints file:line:col-line:col, the file quoted where it would be
// misread and left out where it is unknown.
func spanText(s diag.Span) string {
	file := s.Start.File
	if strings.ContainsFunc(file, func(r rune) bool { return !isPathRune(r) }) {
		file = strconv.Quote(file)
	}
	if file != "" {
		file += ":"
	}
	return fmt.Sprintf("%s%d:%d-%d:%d", file, s.Start.Line, s.Start.Col, s.End.Line, s.End.Col)
}

func isPathRune(r rune) bool { return r < 0x80 && (isNameByte(byte(r)) || r == '/') }

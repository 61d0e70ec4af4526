package dsl

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// dump prints a tree compactly: (Type field ...), names and literals bare,
// statements, declarations and stages on lines of their own.
func dump(n any) string {
	var b strings.Builder
	dumpValue(&b, reflect.ValueOf(n), 0)
	return b.String()
}

func dumpValue(b *strings.Builder, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			b.WriteString("-")
			return
		}
		dumpValue(b, v.Elem(), depth)
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	case reflect.Slice:
		dumpSlice(b, v, depth)
	case reflect.Struct:
		switch n := v.Interface().(type) {
		case Ident:
			b.WriteString(n.Name)
		case Name:
			b.WriteString(n.Name)
		case Number:
			b.WriteString(n.Text)
			if n.IsInt {
				b.WriteString("i")
			}
		case Size:
			fmt.Fprintf(b, "%dx%d", n.H, n.W)
		case Bool:
			fmt.Fprint(b, n.Value)
		case String:
			fmt.Fprintf(b, "%q", n.Value)
		default:
			dumpStruct(b, v, depth)
		}
	default:
		fmt.Fprint(b, v.Interface())
	}
}

// lineEach are the types that get a line each.
var lineEach = map[reflect.Type]bool{
	reflect.TypeFor[Stmt]():  true,
	reflect.TypeFor[Decl]():  true,
	reflect.TypeFor[Stage](): true,
}

func dumpSlice(b *strings.Builder, v reflect.Value, depth int) {
	if lineEach[v.Type().Elem()] {
		for i := range v.Len() {
			b.WriteString("\n" + strings.Repeat("  ", depth+1))
			dumpValue(b, v.Index(i), depth+1)
		}
		return
	}
	b.WriteString("[")
	for i := range v.Len() {
		if i > 0 {
			b.WriteString(" ")
		}
		dumpValue(b, v.Index(i), depth)
	}
	b.WriteString("]")
}

func dumpStruct(b *strings.Builder, v reflect.Value, depth int) {
	t := v.Type()
	b.WriteString("(" + t.Name())
	for i := range t.NumField() {
		switch f := t.Field(i); {
		case f.Type == reflect.TypeFor[At]() || f.Type == reflect.TypeFor[diag.Span]():
		case t == reflect.TypeFor[LabelPart]():
			if part := v.Interface().(LabelPart); f.Name == "X" && part.X != nil || f.Name == "Text" && part.X == nil {
				b.WriteString(" ")
				dumpValue(b, v.Field(i), depth)
			}
		case f.Name == "Op":
			b.WriteString(" " + v.Field(i).String())
		default:
			if f.Type.Kind() != reflect.Slice || !lineEach[f.Type.Elem()] {
				b.WriteString(" ")
			}
			dumpValue(b, v.Field(i), depth)
		}
	}
	b.WriteString(")")
}

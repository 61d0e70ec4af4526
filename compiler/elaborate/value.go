package elaborate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// A value is what an expression yields: int64, float64, bool, string, size,
// list, interval, tensor, callable, or bad.
type value any

// bad stands for what an error left without a value. Every operation on it is
// bad again and reports nothing, so that one mistake is one diagnostic.
type bad struct{}

// size is height by width, as in 1x7. It may be negative on the way: 1x7 - 3.
type size struct{ h, w int64 }

// list holds any values but bad ones, those of several results included. It is
// made by elab.list, which bounds weight, the number of values in it at any
// depth: lists share their elements, so a short spec could otherwise hold 2^60.
type list struct {
	elems   []value
	weight  int
	tensors bool // all of them are tensors, or lists of such; and there is one
}

// interval is the range lo..hi, hi exclusive; it is not expanded until it must.
type interval struct{ lo, hi int64 }

// tensor is a value of the graph.
type tensor struct {
	id    ir.ID
	shape shape.Shape
}

func isBad(v value) bool { _, ok := v.(bad); return ok }

func anyBad(vs ...value) bool { return slices.ContainsFunc(vs, isBad) }

// kind names a value's type as the messages do.
func kind(v value) string {
	switch v := v.(type) {
	case int64:
		return "int"
	case float64:
		return "float"
	case bool:
		return "bool"
	case string:
		return "string"
	case size:
		return "size"
	case list:
		return "list"
	case interval:
		return "range"
	case tensor:
		return "tensor"
	case *builtin, *userFunc:
		return "function"
	case callable:
		return "block"
	case nil:
		return "nothing"
	default:
		return fmt.Sprintf("%T", v)
	}
}

// aKind is kind with its article.
func aKind(v value) string {
	k := kind(v)
	switch k {
	case "int":
		return "an int"
	case "nothing":
		return k
	}
	return "a " + k
}

// describe is the value's type and, where it is short enough to help, the value.
func describe(v value) string {
	switch v := v.(type) {
	case tensor:
		return fmt.Sprintf("a tensor %v", v.shape)
	case *partial:
		return "a block waiting for its tensor"
	case callable:
		return fmt.Sprintf("the %s %s", kind(v), v.title())
	case nil:
		return "nothing"
	}
	return aKind(v) + ", " + show(v)
}

// showLimit bounds a value's text in a message.
const showLimit = 60

// show prints a value as the language would write it, cut where it gets long.
func show(v value) string {
	var b strings.Builder
	writeValue(&b, v)
	if s := []rune(b.String()); len(s) > showLimit {
		return string(s[:showLimit]) + "..."
	}
	return b.String()
}

func writeValue(b *strings.Builder, v value) {
	if b.Len() > showLimit {
		return
	}
	switch v := v.(type) {
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		b.WriteString(s)
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case string:
		b.WriteString(strconv.Quote(v))
	case size:
		fmt.Fprintf(b, "%dx%d", v.h, v.w)
	case interval:
		fmt.Fprintf(b, "%d..%d", v.lo, v.hi)
	case list:
		b.WriteByte('[')
		for i, e := range v.elems {
			if i > 0 {
				b.WriteString(", ")
			}
			writeValue(b, e)
		}
		b.WriteByte(']')
	case *partial:
		b.WriteString(v.title() + "(...)")
	case callable:
		b.WriteString(v.title())
	default:
		b.WriteString(describe(v))
	}
}

// number returns an int or float as float64.
func number(v value) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// whole returns an int, or a float without a fraction, as int64.
func whole(v value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<62 {
			return int64(v), true
		}
	}
	return 0, false
}

// holdsTensor reports whether v can be what a block waits for: a tensor, or a
// list of them.
func holdsTensor(v value) bool {
	switch v := v.(type) {
	case tensor, bad:
		return true
	case list:
		return v.tensors
	}
	return false
}

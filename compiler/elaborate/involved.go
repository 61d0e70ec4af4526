package elaborate

import (
	"slices"

	"github.com/cnnc-dev/cnnc/dsl"
)

// involved lists what a condition is about, each with its value: both sides of
// a comparison, and the variables in it.
func (e *elab) involved(s *scope, cond dsl.Expr) []string {
	var out []string
	add := func(x dsl.Expr) {
		var v value
		e.quietly(func() { v = e.expr(s, x) })
		switch v.(type) {
		case int64, float64, string, size, list, interval:
		default:
			return
		}
		text := e.source(x)
		if entry := text + " = " + show(v); text != show(v) && text != "" && !slices.Contains(out, entry) {
			out = append(out, entry)
		}
	}
	var walk func(x dsl.Expr)
	walk = func(x dsl.Expr) {
		switch x := x.(type) {
		case *dsl.Name:
			add(x)
		case *dsl.Unary:
			walk(x.X)
		case *dsl.Binary:
			if x.Op != "and" && x.Op != "or" && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, x.Op) {
				add(x.X)
				add(x.Y)
			}
			walk(x.X)
			walk(x.Y)
		case *dsl.Call:
			add(x)
			for _, a := range x.Args {
				walk(a.Value)
			}
		case *dsl.Index:
			add(x)
		}
	}
	walk(cond)
	return out
}

package passes

import "github.com/cnnc-dev/cnnc/compiler/ir"

// EliminateDead removes what no output needs.
func EliminateDead(g *ir.Graph) (*ir.Graph, error) { return ir.Compact(g), nil }

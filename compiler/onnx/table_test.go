package onnx

import (
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// TestTable walks the operations for those that cannot be exported. That they are
// exported right is what ONNX Runtime is asked, see TestWitnessOps.
func TestTable(t *testing.T) {
	for _, op := range ir.Ops() {
		known := exporters[op] != nil
		switch {
		case op == ir.OpInput, op == ir.OpLeakyReLU: // not in the tables
			known = true
		case op.Info().Activation:
			known = activations[op] != nil
		}
		if !known {
			t.Errorf("%v cannot be exported: it needs a row in exporters or activations", op)
		}
	}
}

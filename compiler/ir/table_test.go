package ir_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// TestTable walks the table for gaps.
func TestTable(t *testing.T) {
	for _, op := range ir.Ops() {
		info := op.Info()
		if info.Name == "" || info.Doc == "" {
			t.Errorf("operation %d: no name or no documentation: %+v", op, info)
			continue
		}
		if !ir.ValidName(info.Name) {
			t.Errorf("%v: not a name", op)
		}
		if got, ok := ir.OpByName(info.Name); !ok || got != op {
			t.Errorf("%v: OpByName returns %v, %v", op, got, ok)
		}
		if (info.Shape == nil) != (op == ir.OpInput) {
			t.Errorf("%v: has a shape rule: %v", op, info.Shape != nil)
		}
		if info.MaxArgs >= 0 && info.MaxArgs < info.MinArgs {
			t.Errorf("%v: takes %d to %d arguments", op, info.MinArgs, info.MaxArgs)
		}
		if (info.Activation || info.Identity) && info.MaxArgs != 1 {
			t.Errorf("%v: an activation or identity of %d arguments", op, info.MaxArgs)
		}
	}
	if name := ir.Op(250).String(); name != "invalid" {
		t.Errorf("an operation that does not exist is called %q", name)
	}
	if _, ok := ir.OpByName("invalid"); ok {
		t.Error("OpByName finds the invalid operation")
	}
}

package compiler

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/internal/graphtest"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

func TestPipeline(t *testing.T) {
	if err := pass.CheckOrder(pipeline, order); err != nil {
		t.Error(err)
	}
	for _, p := range pipeline {
		if p.Doc == "" || p.Run == nil {
			t.Errorf("pass %s has no documentation or does nothing", p.Name)
		}
	}
}

// TestDiagnose tells a user of a fault of the compiler's in one line.
func TestDiagnose(t *testing.T) {
	err := errors.Join(errors.New("no shape"), errors.New("no name"))
	d := diagnose(fmt.Errorf("compiling: %w", &pass.InternalError{Pass: "dce", Err: err}), "net.cnn")
	if d.Code != "INTERNAL001" || d.Summary != "compiling: internal error: pass dce: no shape" || d.Span.Start.File != "net.cnn" {
		t.Errorf("%+v", d)
	}
}

// TestOnce checks that the passes leave nothing for a second round, which a wrong
// order would, and that they change no graph they were given.
func TestOnce(t *testing.T) {
	for seed := range uint64(300) {
		g := graphtest.Random(seed)
		before := ir.Print(g)
		once, _, err := pass.Run(g, pipeline, pass.Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if ir.Print(g) != before {
			t.Fatalf("seed %d: a pass changed its argument", seed)
		}
		twice, _, err := pass.Run(once, pipeline, pass.Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if a, b := ir.Print(once), ir.Print(twice); a != b {
			t.Errorf("seed %d: the second round turned\n%sinto\n%s", seed, a, b)
		}
	}
}

package compiler_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/specs"
)

func library() *elaborate.Loader { return &elaborate.Loader{Library: specs.FS()} }

// TestNets compiles every net of the library and checks what holds for all of
// them: the passes change neither tensors nor counts, the plan verifies, its arena
// is near its lower bound, and compiling again gives the same.
func TestNets(t *testing.T) {
	for _, net := range specs.Nets() {
		t.Run(net.Name, func(t *testing.T) {
			r, diags := compiler.Compile(library(), net.File, net.Name, compiler.Options{})
			if diags.HasErrors() {
				t.Fatal(diags[0])
			}
			if err := plan.Verify(r.Plan); err != nil {
				t.Error(err)
			}
			if a, b := keys(r.Elaborated), keys(r.Graph); !slices.Equal(a, b) {
				t.Errorf("the passes changed the tensors from %v to %v", a, b)
			}
			if ir.MACs(r.Elaborated) != r.Plan.MACs || ir.ParamCount(r.Elaborated) != r.Plan.Params {
				t.Errorf("%d MACs and %d parameters became %d and %d",
					ir.MACs(r.Elaborated), ir.ParamCount(r.Elaborated), r.Plan.MACs, r.Plan.Params)
			}
			over := float64(r.Plan.Arena)/float64(r.Plan.LowerBound) - 1
			t.Logf("%d steps, arena %d floats, %.1f%% above its lower bound", len(r.Plan.Steps), r.Plan.Arena, 100*over)
			if over > 0.1 {
				t.Errorf("arena of %d floats, lower bound %d", r.Plan.Arena, r.Plan.LowerBound)
			}
			for _, s := range r.Elaborated.Scopes {
				if r.Plan.Blocks[s.Name] != s.Block {
					t.Errorf("scope %s is of block %q, want %q", s.Name, r.Plan.Blocks[s.Name], s.Block)
				}
			}
			again, _ := compiler.Compile(library(), net.File, net.Name, compiler.Options{})
			if plan.Print(again.Plan) != plan.Print(r.Plan) || ir.Print(again.Graph) != ir.Print(r.Graph) {
				t.Error("compiling twice gives two results")
			}
		})
	}
}

func keys(g *ir.Graph) []string {
	var list []string
	for _, p := range ir.Params(g) {
		list = append(list, p.Key)
	}
	slices.Sort(list)
	return list
}

// TestSwitches compiles LeNet-5 with all passes, without, and stopped early.
func TestSwitches(t *testing.T) {
	net, ok := specs.Find("lenet5")
	if !ok {
		t.Fatal("no lenet5")
	}
	r, diags := compiler.Compile(library(), net.File, net.Name, compiler.Options{})
	if diags.HasErrors() {
		t.Fatal(diags[0])
	}
	var all, ran []string
	for _, p := range compiler.Passes() {
		all = append(all, p.Name)
	}
	for _, e := range r.Passes {
		ran = append(ran, e.Pass.Name)
	}
	if !slices.Equal(ran, all) {
		t.Errorf("%v ran, want %v", ran, all)
	}

	plain, _ := compiler.Compile(library(), net.File, net.Name, compiler.Options{NoPasses: true})
	if len(plain.Graph.Values) != len(ir.Compact(plain.Elaborated).Values) {
		t.Error("a pass ran in spite of NoPasses")
	}
	if len(plain.Plan.Steps) <= len(r.Plan.Steps) {
		t.Errorf("%d steps without passes, %d with", len(plain.Plan.Steps), len(r.Plan.Steps))
	}

	first := all[0]
	stopped, _ := compiler.Compile(library(), net.File, net.Name, compiler.Options{StopAfter: first})
	if stopped.Plan != nil || len(stopped.Passes) != 1 {
		t.Errorf("stopped after %s: %d passes, plan %v", first, len(stopped.Passes), stopped.Plan)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name string
		opts compiler.Options
		want string
	}{
		{"unknown pass", compiler.Options{Disable: []string{"fuse-activations"}}, `there is no pass "fuse-activations"`},
		{"required pass", compiler.Options{Disable: []string{"dce"}}, "pass dce cannot be switched off"},
	}
	net, _ := specs.Find("lenet5")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, diags := compiler.Compile(library(), net.File, net.Name, tt.opts)
			if r != nil || len(diags) != 1 {
				t.Fatalf("result %v, diagnostics %v", r, diags)
			}
			d := diags[0]
			if !strings.HasPrefix(d.Summary, tt.want) || strings.Contains(d.Summary, "\n") {
				t.Errorf("%s, want %s", d.Summary, tt.want)
			}
		})
	}

	_, diags := compiler.Compile(library(), net.File, "lenet6", compiler.Options{})
	if !diags.HasErrors() {
		t.Error("compiled a net that does not exist")
	}
}

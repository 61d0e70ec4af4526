package verify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/compiler/verify/verifytest"
)

// TestDifferences spoils LeNet-5 and reads where the report says it differs.
func TestDifferences(t *testing.T) {
	ref := verifytest.Reference(t, "lenet5")
	good := ir.Print(verifytest.Compile(t, "lenet5", compiler.Options{}).Elaborated)
	tests := []struct {
		name  string
		spoil func(string) string
		check func(*verify.Report) string // what is wrong with the report
	}{
		{
			"activation",
			func(s string) string { return replace(t, s, " = sigmoid %s2 ", " = tanh %s2 ") },
			func(r *verify.Report) string {
				if r.OK || r.Output.OK || r.FirstDifference != "c3.0" {
					return fmt.Sprintf("first difference is %q", r.FirstDifference)
				}
				return ""
			},
		},
		{
			"shape of a layer",
			func(s string) string {
				s = replace(t, s, "%f6 = linear %flatten out=84", "%f6 = linear %flatten out=85")
				return strings.ReplaceAll(s, "[84]", "[85]")
			},
			func(r *verify.Report) string {
				if r.OK || r.Output != nil || len(r.Tensors.Misshapen) != 3 || r.Params.Got == r.Params.Want || r.MACs.Got == r.MACs.Want {
					return fmt.Sprintf("%+v", r)
				}
				return ""
			},
		},
		{
			"key",
			func(s string) string { return strings.ReplaceAll(s, "weights=c5", "weights=c_5") },
			func(r *verify.Report) string {
				miss, extra := strings.Join(r.Tensors.Missing, " "), strings.Join(r.Tensors.Unexpected, " ")
				if r.OK || r.Output != nil || miss != "c_5.weight c_5.bias" || extra != "c5.weight c5.bias" {
					return fmt.Sprintf("%+v", r.Tensors)
				}
				return ""
			},
		},
		{
			"name",
			func(s string) string { return strings.ReplaceAll(s, "%c5 ", "%other ") },
			func(r *verify.Report) string {
				if !r.OK || strings.Join(r.Unmatched, " ") != "c5" {
					return fmt.Sprintf("unmatched %v", r.Unmatched)
				}
				return ""
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, err := ir.Parse(tt.spoil(good))
			if err != nil {
				t.Fatal(err)
			}
			r, err := verify.Run(ref, lower(t, g, false), lower(t, g, true), verify.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if complaint := tt.check(r); complaint != "" {
				t.Error(complaint)
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		})
	}
}

func lower(t *testing.T, g *ir.Graph, noPasses bool) *plan.Plan {
	t.Helper()
	r, err := compiler.FromGraph(g, compiler.Options{NoPasses: noPasses})
	if err != nil {
		t.Fatal(err)
	}
	return r.Plan
}

func replace(t *testing.T, s, old, new string) string {
	t.Helper()
	if !strings.Contains(s, old) {
		t.Fatalf("%q does not occur in\n%s", old, s)
	}
	return strings.Replace(s, old, new, 1)
}

// TestNotANumber feeds weights that overflow: the report says so, in JSON.
func TestNotANumber(t *testing.T) {
	ref := verifytest.Reference(t, "lenet5")
	for i := range ref.Tensors {
		if ref.Tensors[i].Key == "output.weight" {
			ref.Tensors[i].Lo, ref.Tensors[i].Hi = 3e38, 3e38
		}
	}
	p := verifytest.Compile(t, "lenet5", compiler.Options{}).Plan
	r, err := verify.Run(ref, p, verifytest.Compile(t, "lenet5", compiler.Options{NoPasses: true}).Plan, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.OK || r.Output.OK || r.Output.MaxError != -1 || r.FirstDifference != "output" {
		t.Errorf("%+v", r)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

// TestOtherInput compares a net with a reference of another resolution.
func TestOtherInput(t *testing.T) {
	p := verifytest.Compile(t, "lenet5", compiler.Options{}).Plan
	ref := verifytest.Reference(t, "lenet5")
	ref.Input.Shape = []int{1, 1, 28, 28}
	r, err := verify.Run(ref, p, nil, verify.Options{})
	if err != nil || r.OK || r.Input != "the network takes [1 32 32], the reference [1 28 28]" {
		t.Errorf("%+v, %v", r, err)
	}
	ref = verifytest.Reference(t, "lenet5")
	ref.Output = ref.Output[1:]
	r, err = verify.Run(ref, p, nil, verify.Options{})
	if err != nil || r.OK || r.Input != "the network returns [10] for each of 1 images, the reference 9 values" {
		t.Errorf("%+v, %v", r, err)
	}
}

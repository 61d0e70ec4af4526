package passes_test

import (
	"flag"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cnnc-dev/cnnc/compiler/internal/graphtest"
	"github.com/cnnc-dev/cnnc/compiler/interp"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/passes"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// all lists the passes by the names of their golden files.
var all = map[string]func(*ir.Graph) (*ir.Graph, error){
	"drop-identities":        passes.DropIdentities,
	"share-concats":          passes.ShareConcats,
	"pad-into-conv":          passes.PadIntoConv,
	"fold-batchnorm":         passes.FoldBatchNorm,
	"fold-batchnorm-forward": passes.FoldBatchNormForward,
	"pool-first":             passes.PoolFirst,
	"fuse-pool":              passes.FusePool,
	"fuse-residual":          passes.FuseResidual,
	"fuse-activation":        passes.FuseActivation,
	"merge-convs":            passes.MergeConvs,
	"flatten-into-linear":    passes.FlattenIntoLinear,
	"fuse-gate":              passes.FuseGate(always),
	"fuse-input":             passes.FuseInput(always),
	"dce":                    passes.EliminateDead,
}

func always(*ir.Value, *ir.Conv) bool { return true }

// TestGolden runs each pass over the cases of testdata/PASS.txtar: graph CASE.in
// becomes CASE.out, which stays CASE.in where the pass must not fire. Both
// compute the same.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".txtar"); all[name] == nil {
			t.Errorf("%s belongs to no pass", file)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name+".txtar")
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			old := map[string]string{}
			for _, f := range archive.Files {
				old[f.Name] = string(f.Data)
			}
			fresh := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				base, isIn := strings.CutSuffix(f.Name, ".in")
				if !isIn {
					if _, ok := old[strings.TrimSuffix(f.Name, ".out")+".in"]; !ok {
						t.Errorf("%s has no input", f.Name)
					}
					continue
				}
				g, err := ir.Parse(string(f.Data))
				if err != nil {
					t.Fatalf("%s: %v", f.Name, err)
				}
				out, err := all[name](g)
				if err != nil {
					t.Fatalf("%s: %v", f.Name, err)
				}
				equivalent(t, f.Name, g, out)
				text := ir.Print(out)
				fresh.Files = append(fresh.Files, f, txtar.File{Name: base + ".out", Data: []byte(text)})
				if diff := cmp.Diff(old[base+".out"], text); diff != "" && !*update {
					t.Errorf("%s (-golden +got):\n%s", base, diff)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(fresh), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestRandom checks every pass, alone and after all others, on random graphs.
func TestRandom(t *testing.T) {
	order := []string{
		"drop-identities", "share-concats", "pad-into-conv", "merge-convs", "pool-first", "fuse-pool", "fold-batchnorm",
		"fold-batchnorm-forward",
		"flatten-into-linear", "fuse-residual", "fuse-activation", "fuse-gate", "fuse-input", "dce",
	}
	if len(order) != len(all) {
		t.Fatalf("%d passes are tested, there are %d", len(order), len(all))
	}
	fired := map[string]int{}
	for seed := range uint64(200) {
		g := graphtest.Random(seed)
		last := g
		for _, name := range order {
			alone, err := all[name](g)
			if err != nil {
				t.Fatalf("seed %d: %s: %v\n%s", seed, name, err, ir.Print(g))
			}
			equivalent(t, name, g, alone)
			next, err := all[name](last)
			if err != nil {
				t.Fatalf("seed %d: %s: %v\n%s", seed, name, err, ir.Print(last))
			}
			equivalent(t, name, last, next)
			if ir.Print(next) != ir.Print(ir.Compact(last)) {
				fired[name]++
			}
			last = next
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
	for _, name := range order {
		if fired[name] == 0 && name != "dce" {
			t.Errorf("%s fired on no random graph", name)
		}
	}
	t.Logf("graphs changed by each pass: %v", fired)
}

// equivalent checks that two graphs verify, need the same tensors, count the same
// multiply-accumulates and compute the same outputs, up to the rounding of
// float64.
func equivalent(t *testing.T, what string, a, b *ir.Graph) {
	t.Helper()
	if err := ir.Verify(b); err != nil {
		t.Errorf("%s: %v\n%s", what, err, ir.Print(b))
		return
	}
	a = ir.Compact(a) // dead values are not missed
	if ir.MACs(a) != ir.MACs(b) {
		t.Errorf("%s: %d MACs became %d", what, ir.MACs(a), ir.MACs(b))
	}
	if diff := cmp.Diff(tensors(a), tensors(b)); diff != "" {
		t.Errorf("%s: other tensors (-before +after):\n%s", what, diff)
		return
	}
	const batch = 2
	before, err := interp.Run(a, graphtest.Weights, graphtest.Inputs(a, batch), batch, interp.Options{})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	after, err := interp.Run(b, graphtest.Weights, graphtest.Inputs(b, batch), batch, interp.Options{})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for name, want := range before {
		got := after[name]
		if len(got) != len(want) {
			t.Errorf("%s: output %s has %d values, had %d", what, name, len(got), len(want))
			continue
		}
		scale := 1.0
		for _, x := range want {
			scale = max(scale, math.Abs(x))
		}
		for i := range want {
			if d := math.Abs(got[i] - want[i]); !(d <= 1e-11*scale) {
				t.Errorf("%s: output %s[%d] = %g, was %g\nbefore:\n%safter:\n%s", what, name, i, got[i], want[i], ir.Print(a), ir.Print(b))
				break
			}
		}
	}
}

// tensors lists what a graph needs from the checkpoint, sorted by key.
func tensors(g *ir.Graph) []ir.Param {
	return slices.SortedFunc(slices.Values(ir.Params(g)), func(a, b ir.Param) int { return strings.Compare(a.Key, b.Key) })
}

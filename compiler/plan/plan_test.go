package plan_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cnnc-dev/cnnc/compiler/internal/graphtest"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/runtime"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// TestGolden lowers graph CASE.ir of each testdata/*.txtar to CASE.plan.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
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
				base, isIR := strings.CutSuffix(f.Name, ".ir")
				if !isIR {
					if _, ok := old[strings.TrimSuffix(f.Name, ".plan")+".ir"]; !ok {
						t.Errorf("%s has no graph", f.Name)
					}
					continue
				}
				text := plan.Print(lower(t, string(f.Data)))
				fresh.Files = append(fresh.Files, f, txtar.File{Name: base + ".plan", Data: []byte(text)})
				if diff := cmp.Diff(old[base+".plan"], text); diff != "" && !*update {
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

func lower(t *testing.T, text string) *plan.Plan {
	t.Helper()
	g, err := ir.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Lower(g, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRandom lowers random graphs, verifies the plans, and counts what they are
// made of against the graph.
func TestRandom(t *testing.T) {
	var arena, bound int
	for seed := range uint64(500) {
		g := ir.Compact(graphtest.Random(seed))
		p, err := plan.Lower(g, plan.Options{})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, ir.Print(g))
		}
		if err := plan.Verify(p); err != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, ir.Print(g), plan.Print(p))
		}
		var params, macs int64
		covered := map[string]bool{}
		for _, s := range p.Steps {
			params += s.Params
			macs += s.MACs
			for _, c := range s.Covers {
				covered[c] = true
			}
		}
		if params != p.Params || macs != p.MACs {
			t.Errorf("seed %d: steps have %d parameters and %d MACs, the plan %d and %d", seed, params, macs, p.Params, p.MACs)
		}
		for i, v := range g.Values {
			if p.Values[i].Name != v.Name || !p.Values[i].Shape.Equal(v.Shape) {
				t.Errorf("seed %d: value %d is %+v", seed, i, p.Values[i])
			}
			if v.Op.Info().Params != nil && !covered[v.Name] {
				t.Errorf("seed %d: no step covers %s", seed, v.Name)
			}
		}
		arena += p.Arena
		bound += p.LowerBound
	}
	if over := float64(arena)/float64(bound) - 1; over > 0.05 {
		t.Errorf("arenas are %.1f%% above their lower bounds", 100*over)
	}
}

// TestAssignRandom lays out random lifetimes. Verify looks for overlaps; no
// layout may need more than the sum, nor less than the lower bound.
func TestAssignRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		regions := make([]plan.Region, 1+rng.IntN(60))
		sum := 0
		for i := range regions {
			first := rng.IntN(40)
			regions[i] = plan.Region{Size: 16 * (1 + rng.IntN(50)), First: first, Last: first + rng.IntN(10)}
			sum += regions[i].Size
		}
		p := &plan.Plan{Regions: regions}
		p.Arena, p.LowerBound = plan.Assign(regions), plan.LowerBound(regions)
		if err := plan.Verify(p); err != nil {
			t.Fatalf("round %d: %v\n%+v", round, err, regions)
		}
		if p.Arena > sum {
			t.Errorf("round %d: arena of %d for %d floats", round, p.Arena, sum)
		}
		if n, most := plan.Strayed(regions, offsets(regions)), plan.Strayed(regions, plan.Smallest(regions)); n > most {
			t.Errorf("round %d: %d floats strayed, of the smallest layout %d", round, n, most)
		}
	}
}

func offsets(regions []plan.Region) []int {
	at := make([]int, len(regions))
	for i := range regions {
		at[i] = regions[i].Offset
	}
	return at
}

// TestStrayed has halves of two regions on one another.
func TestStrayed(t *testing.T) {
	regions := []plan.Region{{Size: 64, First: 0, Last: 1}, {Size: 32, First: 2, Last: 3}}
	for at, want := range map[int]int{16: 0, 0: 16, 32: 16, 24: 8, 48: 16, 64: 0} {
		if got := plan.Strayed(regions, []int{0, at}); got != want {
			t.Errorf("32 floats at %d, where 64 have been: %d strayed, want %d", at, got, want)
		}
	}
	regions[1].First = 1 // alive together
	if got := plan.Strayed(regions, []int{0, 64}); got != 0 {
		t.Errorf("%d floats of two regions alive together strayed", got)
	}
}

// TestHalves lays out inverted residual blocks, then narrower ones: all maps of one place
// have the same middle, though there would be room for each at its lowest offset.
func TestHalves(t *testing.T) {
	regions := []plan.Region{
		{Size: 3200, First: 0, Last: 1}, {Size: 3200, First: 1, Last: 2}, {Size: 640, First: -1, Last: 5},
		{Size: 1600, First: 3, Last: 4}, {Size: 1600, First: 4, Last: 5},
		{Size: 800, First: 6, Last: 7}, {Size: 800, First: 7, Last: 8},
	}
	if arena := plan.Assign(regions); arena != plan.LowerBound(regions) {
		t.Errorf("arena of %d floats, want %d", arena, plan.LowerBound(regions))
	}
	if n := plan.Strayed(regions, offsets(regions)); n != 0 {
		t.Errorf("%d floats strayed: %+v", n, regions)
	}
	if plan.Strayed(regions, plan.Smallest(regions)) == 0 {
		t.Error("the smallest layout has the same middles")
	}
}

// TestVerify breaks a good plan in every way that Verify should see.
func TestVerify(t *testing.T) {
	const graph = `graph g
  %x = input : [16 4 4]
  %a = conv %x out=16 k=3 p=1 weights=a : [16 4 4]
  %b = conv %a out=16 k=3 p=1 weights=b : [16 4 4]
  %c = conv %b %a out=16 k=1 weights=c residual=true : [16 4 4]
  output y = %c
`
	tests := []struct {
		name  string
		spoil func(*plan.Plan)
		want  string
	}{
		{"overlap", func(p *plan.Plan) { p.Regions[1].Offset = p.Regions[0].Offset }, "overlap in memory and time"},
		{"outside", func(p *plan.Plan) { p.Arena = 256 }, "is not inside the arena"},
		{"bound", func(p *plan.Plan) { p.LowerBound = p.Arena + 1 }, "less than the lower bound"},
		{"alignment", func(p *plan.Plan) { p.Regions[0].Offset += 4 }, "is not a multiple of 16"},
		{"lifetime", func(p *plan.Plan) { p.Regions[0].Last = -2 }, "before its beginning"},
		{"dead", func(p *plan.Plan) { p.Regions[0].Last = -1 }, "step a: no region of 256 floats at 0 is alive"},
		{"view", func(p *plan.Plan) { p.Steps[0].Src[0].Channel = 8 }, "is not a view"},
		{"unwritten", func(p *plan.Plan) { p.Steps[0].Src[0] = p.Steps[0].Dst }, "which holds only []"},
		{"alias", func(p *plan.Plan) { p.Steps[2].Src[0] = p.Steps[2].Dst }, "step c: writes over argument 1"},
		{"names", func(p *plan.Plan) { p.Steps[1].Name = "a" }, `step "a": the name is taken`},
		{"shapes", func(p *plan.Plan) { p.Steps[1].In = nil }, "step b: 1 sources with 0 shapes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := lower(t, graph)
			tt.spoil(p)
			if err := plan.Verify(p); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q\n%s%+v", err, tt.want, plan.Print(p), p.Regions)
			}
		})
	}
}

// TestReady reads where and when values and scopes can be seen.
func TestReady(t *testing.T) {
	p := lower(t, `graph g
  %x = input : [4 4 4]
  %a = relu %x : [4 4 4]
  %b = sigmoid %x : [4 4 4]
  %both = concat %a %b : [8 4 4]
  %half = slice %both from=4 to=8 : [4 4 4]
  %c = tanh %half : [4 4 4]
  output y = %c
  scope block = %both
`)
	type place struct {
		Name    string
		Ready   int
		Channel int
	}
	var got []place
	for _, v := range slices.Concat(p.Values, p.Scopes) {
		got = append(got, place{v.Name, v.Ready, v.View.Channel})
	}
	want := []place{{"x", -1, 0}, {"a", 0, 0}, {"b", 1, 4}, {"both", 1, 0}, {"half", 1, 4}, {"c", 2, 0}, {"block", 1, 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestAlgo(t *testing.T) {
	conv := func(in, out, k, groups int) *runtime.Conv {
		return &runtime.Conv{
			In: runtime.Shape{C: in, H: 28, W: 28}, Out: runtime.Shape{C: out, H: 28, W: 28},
			Kernel: runtime.Size{H: k, W: k}, Stride: runtime.Size{H: 1, W: 1}, Dilation: runtime.Size{H: 1, W: 1},
			Groups: groups,
		}
	}
	narrow := func(op *runtime.Conv) *runtime.Conv {
		op.Kernel.H = 1
		return op
	}
	tests := []struct {
		name string
		op   *runtime.Conv
		want runtime.Algo
	}{
		{"pointwise", conv(64, 256, 1, 1), runtime.Direct},
		{"3x3", conv(64, 64, 3, 1), runtime.Winograd4x4},
		{"3x3 to a few channels", conv(128, 32, 3, 1), runtime.Winograd4x4},
		{"7x7 on colour", conv(3, 64, 7, 1), runtime.RowTaps},
		{"5x5 on gray", conv(1, 6, 5, 1), runtime.RowTaps},
		{"3x3 on colour", conv(3, 64, 3, 1), runtime.RowTaps},
		{"1x3 on a few channels", narrow(conv(15, 64, 3, 1)), runtime.RowTaps},
		{"1x3 on a vector", narrow(conv(16, 64, 3, 1)), runtime.Direct},
		{"1x1 on colour", conv(3, 64, 1, 1), runtime.Direct},
		{"groups of 4", conv(128, 128, 3, 32), runtime.Grouped},
		{"groups of 8", conv(256, 256, 3, 32), runtime.Grouped},
		{"groups of 16", conv(512, 512, 3, 32), runtime.Grouped},
		{"groups of 32", conv(1024, 1024, 3, 32), runtime.Grouped},
		{"two groups", conv(96, 256, 5, 2), runtime.Direct},
		{"depthwise", conv(64, 64, 3, 64), runtime.Depthwise},
		{"depthwise, multiplied", conv(64, 128, 3, 64), runtime.Direct},
		{"one channel", conv(1, 1, 3, 1), runtime.RowTaps},
	}
	for _, tt := range tests {
		if got := plan.ChooseAlgo(tt.op, plan.Options{}); got != tt.want {
			t.Errorf("%s: algorithm %d, want %d", tt.name, got, tt.want)
		}
		if got := plan.ChooseAlgo(tt.op, plan.Options{NoWinograd: true}); got.IsWinograd() || !tt.want.IsWinograd() && got != tt.want {
			t.Errorf("%s: without Winograd, algorithm %d", tt.name, got)
		}
	}
}

// Winograd is for maps that are large enough to be worth its weights: the larger, the more.
func TestAlgoWinograd(t *testing.T) {
	for _, tt := range []struct {
		in, out, size int
		want          runtime.Algo
	}{
		{64, 64, 224, runtime.Winograd4x4},
		{64, 192, 56, runtime.Winograd4x4},
		{24, 24, 112, runtime.Winograd4x4},
		{128, 128, 28, runtime.Winograd4x4},
		{16, 32, 28, runtime.Winograd4x4},
		{192, 192, 17, runtime.Winograd4x4},
		{512, 512, 14, runtime.Winograd2x2},
		{128, 32, 14, runtime.Winograd2x2},
		{384, 256, 13, runtime.Winograd2x2},
		{448, 384, 8, runtime.Winograd2x2},
		{512, 512, 7, runtime.Direct},
		{48, 128, 7, runtime.Direct},
	} {
		op := &runtime.Conv{
			In: runtime.Shape{C: tt.in, H: tt.size, W: tt.size}, Out: runtime.Shape{C: tt.out, H: tt.size, W: tt.size},
			Kernel: runtime.Size{H: 3, W: 3}, Stride: runtime.Size{H: 1, W: 1}, Dilation: runtime.Size{H: 1, W: 1},
			Pad: runtime.Padding{Top: 1, Left: 1, Bottom: 1, Right: 1}, Groups: 1,
		}
		if got := plan.ChooseAlgo(op, plan.Options{}); got != tt.want {
			t.Errorf("%d to %d channels, %dx%d pixels: algorithm %d, want %d", tt.in, tt.out, tt.size, tt.size, got, tt.want)
		}
		op.Stride.W = 2
		if got := plan.ChooseAlgo(op, plan.Options{}); got.IsWinograd() {
			t.Errorf("%d to %d channels, %dx%d pixels: Winograd for stride 2", tt.in, tt.out, tt.size, tt.size)
		}
	}
}

func TestPitch(t *testing.T) {
	tests := []struct{ channels, want int }{
		{1, 1}, {15, 15}, {16, 16}, {17, 32}, {64, 64}, {256, 256}, {512, 528}, {1000, 1008}, {1008, 1008}, {1009, 1040}, {1024, 1040}, {2048, 2064}, {1040, 1040},
	}
	for _, tt := range tests {
		if got := plan.Pitch(tt.channels); got != tt.want {
			t.Errorf("pitch of %d channels is %d, want %d", tt.channels, got, tt.want)
		}
	}
}

// TestUnsupported lowers what verifies as a graph but has no kernel.
func TestUnsupported(t *testing.T) {
	for _, text := range []string{
		"%y = conv %x out=4 k=3 p=1 weights=w inact=relu : [4 4 4]",
	} {
		g, err := ir.Parse("graph g\n %x = input : [4 4 4]\n " + text + "\n output y = %y\n")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Lower(g, plan.Options{}); err == nil || !strings.Contains(err.Error(), "y: no kernel ") {
			t.Errorf("%s: error is %v", text, err)
		}
	}
}

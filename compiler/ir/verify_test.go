package ir_test

import (
	"math"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// TestVerify breaks a valid graph in every way that Verify speaks of.
func TestVerify(t *testing.T) {
	const text = `graph g
preprocess resize=8 crop=8 filter=box scale=1 mean=[0 0 0] std=[1 1 1] channels=rgb
label "cat"
%image = input : [3 8 8]
%conv = conv %image out=4 k=3 p=1 weights=conv
%skip = conv %image %conv out=4 k=3 p=1 residual=true weights=skip
%fc = linear %skip flatten=true out=2 weights=fc after=[batchnorm{weights=bn}] covers=[fc bn]
%act = leakyrelu %fc
output y = %act
scope head = dense %fc
`
	const conv, skip, fc, act = 1, 2, 3, 4
	parts := func(parts ...ir.ConvPart) func(*ir.Graph) {
		return func(g *ir.Graph) {
			a := attr[ir.Conv](g, conv)
			a.Weights, a.Parts = "", parts
		}
	}
	for _, c := range []struct {
		name string
		edit func(g *ir.Graph)
		want string // part of the error; empty for none
	}{
		{"valid", func(g *ir.Graph) {}, ""},
		{"graph name", func(g *ir.Graph) { g.Name = "a b" }, `graph: "a b" is not a name`},
		{"source", func(g *ir.Graph) { g.Source = "\xff" }, `graph: source "\xff" is not UTF-8`},
		{"nil value", func(g *ir.Graph) { g.Values[conv] = nil }, "value 1: is nil"},
		{"ID", func(g *ir.Graph) { g.Values[conv].ID = 7 }, "%conv: has ID 7 at index 1"},
		{"same name", func(g *ir.Graph) { g.Values[conv].Name = "image" }, "%image: another value has this name"},
		{"value name", func(g *ir.Graph) { g.Values[act].Name = "a\nb" }, `"a\nb" is not a name`},
		{"operation", func(g *ir.Graph) { g.Values[act].Op = 200 }, "%act: operation 200 does not exist"},
		{"no operation", func(g *ir.Graph) { g.Values[act].Op = ir.OpInvalid }, "%act: operation 0 does not exist"},
		{"arity", func(g *ir.Graph) { g.Values[act].Args = nil }, "%act: leakyrelu takes 1 argument, not 0"},
		{"order", func(g *ir.Graph) { g.Values[conv].Args[0] = 2 }, "%conv: argument 1 is value 2, which does not come before it"},
		{"argument", func(g *ir.Graph) { g.Values[conv].Args[0] = -1 }, "%conv: argument 1 is value -1"},
		{"argument's shape", func(g *ir.Graph) { g.Values[0].Shape = shape.Shape{3, 8} }, "%conv: argument 1 has shape [3 8]"},
		{"input's shape", func(g *ir.Graph) { g.Values[0].Shape = shape.Shape{3, 8, 0} }, "%image: shape [3 8 0]: axis must be at least 1, not 0"},
		{"shape", func(g *ir.Graph) { g.Values[act].Shape = shape.Shape{3} }, "%act: its shape is [3], by the rule of leakyrelu it would be [2]"},
		{"rule", func(g *ir.Graph) { attr[ir.Conv](g, conv).Groups = 2 }, "%conv: conv: input has 3 channels, groups = 2 does not divide them"},
		{"no attributes", func(g *ir.Graph) { g.Values[act].Attr = nil }, "%act: leakyrelu needs attributes of type *ir.Slope, not <nil>"},
		{"nil attributes", func(g *ir.Graph) { g.Values[act].Attr = (*ir.Slope)(nil) }, "%act: leakyrelu needs attributes of type *ir.Slope"},
		{"other attributes", func(g *ir.Graph) { g.Values[act].Attr = &ir.Sum{} }, "%act: leakyrelu needs attributes of type *ir.Slope, not *ir.Sum"},
		{"surplus attributes", func(g *ir.Graph) { g.Values[act].Op = ir.OpReLU }, "%act: relu has no attributes, this one has *ir.Slope"},
		{"infinite", func(g *ir.Graph) { attr[ir.Slope](g, act).Slope = math.Inf(1) }, "%act: attribute slope is not finite"},
		{"span", func(g *ir.Graph) { g.Values[act].Span.Start = diag.Pos{Line: 1, Col: 1} }, "%act: span"},
		{"covers", func(g *ir.Graph) { g.Values[fc].Covers = []string{"bn"} }, "%fc: covers [bn], not itself"},
		{"covers what", func(g *ir.Graph) { g.Values[fc].Covers[1] = "" }, `%fc: covers "", which is not a name`},
		{"no key", func(g *ir.Graph) { attr[ir.Conv](g, conv).Weights = "" }, `%conv: weights: "" is not a checkpoint key`},
		{"part without a key", parts(ir.ConvPart{Out: 4, Channels: []int{0}}), `%conv: parts: weights: "" is not a checkpoint key`},
		{"part of all", parts(ir.ConvPart{Weights: "a", Out: 4}), ""},
		{"part of nothing", parts(ir.ConvPart{Weights: "a", Out: 4, Channels: []int{}}), "%conv: parts: pick: channels is empty"},
		{"part of what is not there", parts(ir.ConvPart{Weights: "a", Out: 4, Channels: []int{3}}), "%conv: parts: pick: "},
		{"part that looks twice", parts(ir.ConvPart{Weights: "a", Out: 4, Channels: []int{1, 1}}), "%conv: parts: channels [1 1] are not all different"},
		{"too many outputs", parts(ir.ConvPart{Weights: "a", Out: 3, Channels: []int{0}}, ir.ConvPart{Weights: "b", Out: 2, Channels: []int{0}}),
			"%conv: parts: 2 outputs after 3 are not some of 4"},
		{"too few outputs", parts(ir.ConvPart{Weights: "a", Out: 3, Channels: []int{0}}), "%conv: parts: have 3 outputs together, the convolution has 4"},
		{"part's norm", parts(ir.ConvPart{Weights: "a", Out: 4, Channels: []int{0}, After: []ir.Norm{{Op: ir.OpScale, Weights: "x", Dims: []int{3}}}}),
			"%conv: parts: scale: dims must be [4] or [4 1 1]"},
		{"parts and weights", func(g *ir.Graph) {
			attr[ir.Conv](g, conv).Parts = []ir.ConvPart{{Weights: "a", Out: 4, Channels: []int{0}}}
		},
			"%conv: parts: a convolution of parts has one group, no weights of its own and no matrix"},
		{"pools", func(g *ir.Graph) { attr[ir.Conv](g, conv).InPool = shape.Square(2) }, "%conv: inpool: only a pointwise convolution pools its input"},
		{"key shared", func(g *ir.Graph) { attr[ir.Conv](g, skip).Weights = "conv" }, ""},
		{"key of two shapes", func(g *ir.Graph) { attr[ir.Linear](g, fc).Weights = "conv" },
			`%fc: needs "conv.weight" of shape [2 256], another value needs it of shape [4 3 3 3]`},
		{"residual missing", func(g *ir.Graph) { attr[ir.Conv](g, conv).Residual = true }, "%conv: gate=false and residual=true with 1 arguments"},
		{"residual surplus", func(g *ir.Graph) { attr[ir.Conv](g, skip).Residual = false }, "%skip: gate=false and residual=false with 2 arguments"},
		{"gate missing", func(g *ir.Graph) { attr[ir.Conv](g, skip).Gate = true }, "%skip: gate=true and residual=true with 2 arguments"},
		{"gate's shape", func(g *ir.Graph) { a := attr[ir.Conv](g, skip); a.Gate, a.Residual = true, false },
			"%skip: gate: the second argument is [4 8 8], a factor a channel of the input is [3 1 1]"},
		{"residual's shape", func(g *ir.Graph) { g.Values[skip].Args[1] = 0 }, "%skip: residual: the last argument is [3 8 8], the result [4 8 8]"},
		{"padded before", func(g *ir.Graph) { attr[ir.Conv](g, conv).Before = []ir.Norm{{Op: ir.OpBatchNorm, Weights: "x"}} },
			"%conv: before: cannot be folded into a padded convolution"},
		{"norm's operation", func(g *ir.Graph) { attr[ir.Linear](g, fc).After[0].Op = ir.OpReLU }, "%fc: after: relu cannot be folded"},
		{"norm's key", func(g *ir.Graph) { attr[ir.Linear](g, fc).After[0].Weights = "" }, `%fc: after: weights: "" is not a checkpoint key`},
		{"norm's eps", func(g *ir.Graph) { attr[ir.Linear](g, fc).After[0].Eps = -1 }, "%fc: after: batchnorm: eps must not be negative: -1"},
		{"norm's length", func(g *ir.Graph) {
			attr[ir.Linear](g, fc).After[0] = ir.Norm{Op: ir.OpAffine, Scale: []float64{1, 2, 3}, Shift: []float64{0}}
		}, "%fc: after: affine: scale has 3 entries, the input 2 channels"},
		{"innorm", func(g *ir.Graph) {
			attr[ir.Conv](g, conv).InNorm = &ir.Norm{Op: ir.OpScale, Weights: "x", Dims: []int{4}}
		},
			"%conv: innorm: scale: dims must be [3] or [3 1 1]"},
		{"inact", func(g *ir.Graph) { attr[ir.Conv](g, conv).InAct.Op = ir.OpAdd }, "%conv: inact: add is not an activation"},
		{"act", func(g *ir.Graph) { attr[ir.Conv](g, conv).Act.Op = ir.OpSoftmax }, "%conv: act: softmax is not an activation"},
		{"act's slope", func(g *ir.Graph) { attr[ir.Conv](g, conv).Act = ir.Act{Op: ir.OpReLU, Slope: 1} }, "%conv: act: relu has no slope"},
		{"no outputs", func(g *ir.Graph) { g.Outputs = nil }, "graph: has no output"},
		{"output", func(g *ir.Graph) { g.Outputs[0].Value = 5 }, "output y: value 5 does not exist"},
		{"output's name", func(g *ir.Graph) { g.Outputs[0].Name = "" }, `"" is not a name`},
		{"two outputs", func(g *ir.Graph) { g.Outputs = append(g.Outputs, g.Outputs[0]) }, "output y: the name is taken"},
		{"scope", func(g *ir.Graph) { g.Scopes[0].Value = -1 }, "scope head: value -1 does not exist"},
		{"two scopes", func(g *ir.Graph) { g.Scopes = append(g.Scopes, g.Scopes[0]) }, "scope head: the name is taken"},
		{"scope's block", func(g *ir.Graph) { g.Scopes[0].Block = "%" }, `scope head: its block "%" is not a name`},
		{"channels", func(g *ir.Graph) { g.Preprocess.Channels = "cmyk" }, `preprocess: channels is "cmyk"`},
		{"filter", func(g *ir.Graph) { g.Preprocess.Filter = "sharp" }, `preprocess: filter is "sharp"`},
		{"resize", func(g *ir.Graph) { g.Preprocess.Resize = 0 }, "preprocess: resize is 0"},
		{"crop", func(g *ir.Graph) { g.Preprocess.Crop.W = 0 }, "preprocess: crop is 8x0"},
		{"mean", func(g *ir.Graph) { g.Preprocess.Mean = nil }, "preprocess: mean has 0 entries and std 3 for 3 channels"},
		{"std", func(g *ir.Graph) { g.Preprocess.Std[1] = 0 }, "preprocess: std has a zero"},
		{"scale", func(g *ir.Graph) { g.Preprocess.Scale = math.NaN() }, "preprocess: scale is not finite"},
		{"label", func(g *ir.Graph) { g.Labels[0] = "\xff" }, `label 0: "\xff" is not UTF-8`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := parse(t, text)
			c.edit(g)
			err := ir.Verify(g)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("unexpected error: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// attr returns a value's attributes, for a test to change.
func attr[A any](g *ir.Graph, id int) *A { return any(g.Values[id].Attr).(*A) }

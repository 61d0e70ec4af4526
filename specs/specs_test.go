package specs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/specs"
)

// graph elaborates a net of the library with overrides such as "alpha=0.5".
func graph(t *testing.T, net string, overrides ...string) *ir.Graph {
	t.Helper()
	n, ok := specs.Find(net)
	if !ok {
		t.Fatalf("no net %s", net)
	}
	var set []elaborate.Override
	for _, o := range overrides {
		name, value, _ := strings.Cut(o, "=")
		set = append(set, elaborate.Override{Name: name, Value: value})
	}
	g, diags := elaborate.Net(&elaborate.Loader{Library: specs.FS()}, n.File, n.Name, set...)
	for _, d := range diags {
		t.Errorf("%v; %s", d, d.Help)
	}
	if g == nil {
		t.FailNow()
	}
	return g
}

// TestFigures compares parameters, as PyTorch counts them, and multiply-
// accumulates of convolutions and linear layers with the published networks'.
func TestFigures(t *testing.T) {
	for _, c := range []struct {
		net          string
		set          string // overrides, separated by spaces
		params, macs int64
	}{
		{"lenet5", "", 60_850, 328_096},
		{"lenet5_dense", "", 61_706, 416_520},
		{"alexnet_2012", "", 60_965_224, 724_406_816},
		{"alexnet", "", 61_100_840, 714_188_480},
		{"vgg11", "", 132_863_336, 7_609_090_048},
		{"vgg13", "", 133_047_848, 11_308_466_176},
		{"vgg16", "", 138_357_544, 15_470_264_320},
		{"vgg19", "", 143_667_240, 19_632_062_464},
		{"vgg11_bn", "", 132_868_840, 7_609_090_048},
		{"vgg13_bn", "", 133_053_736, 11_308_466_176},
		{"vgg16_bn", "", 138_365_992, 15_470_264_320},
		{"vgg19_bn", "", 143_678_248, 19_632_062_464},
		{"googlenet_2014", "", 6_998_552, 1_582_671_872},
		{"googlenet", "", 6_624_904, 1_498_376_192},
		{"googlenet", "transform_input=true", 6_624_904, 1_498_376_192},
		{"googlenet", "aux=true", 13_004_888, 1_506_748_416},
		{"inception_v3", "", 23_834_568, 5_713_216_096},
		{"inception_v3", "aux=true", 27_161_264, 5_718_899_296},
		{"resnet18", "", 11_689_512, 1_814_073_344},
		{"resnet34", "", 21_797_672, 3_663_761_408},
		{"resnet50", "", 25_557_032, 4_089_184_256},
		{"resnet50", "stride_first=true", 25_557_032, 3_857_973_248},
		{"resnet101", "", 44_549_160, 7_801_405_440},
		{"resnet152", "", 60_192_808, 11_513_626_624},
		{"resnext50_32x4d", "", 25_028_904, 4_230_479_872},
		{"resnext101_32x8d", "", 88_791_336, 16_414_015_488},
		{"resnext101_64x4d", "", 83_455_272, 15_460_270_080},
		{"xception", "", 22_855_952, 8_357_403_496},
		{"mobilenetv1_100", "", 4_231_976, 568_740_352},
		{"mobilenetv1_075", "", 2_585_560, 325_400_448},
		{"mobilenetv1_050", "", 1_331_592, 149_497_088},
		{"mobilenetv1_025", "", 470_072, 41_030_272},
		{"mobilenet_v2", "", 3_504_872, 300_774_272},
		{"mobilenet_v2", "alpha=1.4", 6_108_776, 582_195_824},
		{"mobilenet_v2", "alpha=0.75", 2_636_424, 209_069_792},
		{"mobilenet_v2", "alpha=0.5", 1_968_680, 97_131_840},
		{"mobilenet_v2", "alpha=0.35", 1_677_128, 59_285_808},
		{"mobilenet_v3_large", "", 5_483_032, 216_589_760},
		{"mobilenet_v3_small", "", 2_542_856, 56_510_400},
		{"densenet121", "", 7_978_856, 2_834_161_664},
		{"densenet161", "", 28_681_000, 7_727_907_072},
		{"densenet169", "", 14_149_480, 3_359_843_328},
		{"densenet201", "", 20_013_928, 4_291_365_888},
		{"efficientnet_b0", "", 5_288_548, 385_814_752},
		{"efficientnet_b1", "", 7_794_184, 686_802_832},
		{"efficientnet_b2", "", 9_109_994, 1_087_529_456},
		{"efficientnet_b2", "pixels=260", 9_109_994, 993_561_872},
		{"efficientnet_b3", "", 12_233_232, 1_827_141_392},
		{"efficientnet_b4", "", 19_341_616, 4_393_771_024},
		{"efficientnet_b5", "", 30_389_784, 10_266_384_752},
		{"efficientnet_b6", "", 43_040_704, 19_067_593_536},
		{"efficientnet_b7", "", 66_347_960, 37_745_884_192},
		{"efficientnet_v2_s", "", 21_458_488, 8_365_617_152},
		{"efficientnet_v2_m", "", 54_139_356, 24_582_460_384},
		{"efficientnet_v2_l", "", 118_515_272, 56_079_699_008},
		{"convnext_tiny", "", 28_589_128, 4_455_531_264},
		{"convnext_small", "", 50_223_688, 8_683_712_256},
		{"convnext_base", "", 88_591_464, 15_354_729_472},
		{"convnext_large", "", 197_767_336, 34_361_433_600},
	} {
		t.Run(strings.TrimSpace(c.net+" "+c.set), func(t *testing.T) {
			g := graph(t, c.net, strings.Fields(c.set)...)
			if params, macs := ir.ParamCount(g), ir.MACs(g); params != c.params || macs != c.macs {
				t.Errorf("%d parameters and %d MACs, want %d and %d", params, macs, c.params, c.macs)
			}
		})
	}
}

// TestMobileNetGrid builds MobileNet v1 at each width and resolution of its
// paper; the figures are millions of multiply-accumulates.
func TestMobileNetGrid(t *testing.T) {
	for _, c := range []struct {
		alpha  string
		params int64
		macs   [4]string // rho = 1, 6/7, 5/7, 4/7: 224, 192, 160, 128 pixels
	}{
		{"1.0", 4_231_976, [4]string{"568.74", "418.12", "290.68", "186.40"}},
		{"0.75", 2_585_560, [4]string{"325.40", "239.27", "166.40", "106.77"}},
		{"0.5", 1_331_592, [4]string{"149.50", "109.97", "76.52", "49.16"}},
		{"0.25", 470_072, [4]string{"41.03", "30.21", "21.06", "13.57"}},
	} {
		for i, rho := range []string{"1.0", "6/7", "5/7", "4/7"} {
			g := graph(t, "mobilenet_v1", "alpha="+c.alpha, "rho="+rho)
			if got := fmt.Sprintf("%.2f", float64(ir.MACs(g))/1e6); got != c.macs[i] || ir.ParamCount(g) != c.params {
				t.Errorf("alpha %s, rho %s: %d parameters and %s million MACs, want %d and %s",
					c.alpha, rho, ir.ParamCount(g), got, c.params, c.macs[i])
			}
		}
	}
}

// TestRoadmap compares the steps from ResNet-50 to ConvNeXt-T with the billions of
// multiply-accumulates that figure 2 of the paper gives. Its last two, 4.46 and
// 4.49, count more than convolutions and linear layers.
func TestRoadmap(t *testing.T) {
	for _, c := range []struct{ net, macs string }{
		{"convnext_roadmap", "4.09"},
		{"roadmap_stage_ratio", "4.53"},
		{"roadmap_patchify", "4.42"},
		{"roadmap_depthwise", "2.35"},
		{"roadmap_width", "5.27"},
		{"roadmap_inverted", "4.64"},
		{"roadmap_depthwise_first", "4.07"},
		{"roadmap_kernel5", "4.10"},
		{"roadmap_kernel7", "4.15"},
		{"roadmap_kernel9", "4.21"},
		{"roadmap_kernel11", "4.29"},
		{"roadmap_gelu", "4.15"},
		{"roadmap_one_act", "4.15"},
		{"roadmap_one_norm", "4.15"},
		{"roadmap_layernorm", "4.15"},
		{"roadmap_separate_downsampling", "4.46"},
	} {
		if got := fmt.Sprintf("%.2f", float64(ir.MACs(graph(t, c.net)))/1e9); got != c.macs {
			t.Errorf("%s: %s billion MACs, want %s", c.net, got, c.macs)
		}
	}
	if params := ir.ParamCount(graph(t, "convnext_roadmap")); params != 25_557_032 {
		t.Errorf("the road begins with %d parameters, want ResNet-50's", params)
	}
	// ConvNeXt-T has a factor a channel of each block, and a normalisation at the end.
	const scales, norm = 3*96 + 3*192 + 9*384 + 3*768, 2 * 768
	end, tiny := graph(t, "roadmap_separate_downsampling"), graph(t, "convnext_tiny")
	if got, want := ir.ParamCount(end)+scales+norm, ir.ParamCount(tiny); got != want || ir.MACs(end) != ir.MACs(tiny) {
		t.Errorf("the road ends with %d parameters and %d MACs, want %d and %d", got, ir.MACs(end), want, ir.MACs(tiny))
	}
}

// TestStateDicts compares keys and shapes with those of public implementations.
func TestStateDicts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.tensors")
	if err != nil || len(paths) == 0 {
		t.Fatal("no state dicts", err)
	}
	for _, path := range paths {
		net := strings.TrimSuffix(filepath.Base(path), ".tensors")
		t.Run(net, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSpace(string(text)), "\n")
			var got []string
			for _, p := range ir.Params(graph(t, net)) {
				dims := strings.Trim(strings.ReplaceAll(fmt.Sprint(p.Shape), " ", "x"), "[]")
				got = append(got, p.Key+" "+dims)
			}
			slices.Sort(want)
			slices.Sort(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("state dict (-want +got):\n%s", d)
			}
		})
	}
}

// TestNets builds every net of the library, checks its contract, and that no two
// share a name.
func TestNets(t *testing.T) {
	seen := map[string]string{}
	for _, n := range specs.Nets() {
		t.Run(n.Name, func(t *testing.T) {
			if other, ok := seen[n.Name]; ok {
				t.Errorf("%s is in %s and in %s", n.Name, other, n.File)
			}
			seen[n.Name] = n.File
			g := graph(t, n.Name)
			if g.Name != n.Name || g.Source != n.File {
				t.Errorf("graph %s of %s, want %s of %s", g.Name, g.Source, n.Name, n.File)
			}
			if in := g.Inputs(); len(in) != 1 || len(g.Outputs) != 1 {
				t.Errorf("%d inputs and %d outputs", len(in), len(g.Outputs))
			}
			if len(g.Labels) != g.Value(g.Outputs[0].Value).Shape.Elems() {
				t.Errorf("%d labels", len(g.Labels))
			}
			if g.Preprocess == nil {
				t.Error("no preprocessing")
			}
		})
	}
}

// TestResolutions builds nets for pictures of another size: the same tensors, and
// preprocessing that follows.
func TestResolutions(t *testing.T) {
	for _, net := range []string{
		"lenet5", "lenet5_dense", "alexnet", "alexnet_2012", "vgg11_bn", "googlenet", "googlenet_2014", "inception_v3", "resnet18", "resnext50_32x4d", "xception",
		"mobilenet_v2", "mobilenet_v3_small", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "convnext_tiny",
	} {
		want, got := graph(t, net), graph(t, net, "pixels=320")
		if d := cmp.Diff(ir.Params(want), ir.Params(got)); d != "" {
			t.Errorf("%s: tensors (-published +320 pixels):\n%s", net, d)
		}
		if crop := got.Preprocess.Crop.String(); crop != "320" {
			t.Errorf("%s: crop %s, want 320", net, crop)
		}
	}
}

// TestClasses builds a net for another number of classes, which leaves out the labels.
func TestClasses(t *testing.T) {
	n, _ := specs.Find("resnet18")
	g, diags := elaborate.Net(&elaborate.Loader{Library: specs.FS()}, n.File, n.Name, elaborate.Override{Name: "classes", Value: "7"})
	if g == nil || len(diags) != 0 {
		t.Fatalf("got %v", diags)
	}
	if out := g.Value(g.Outputs[0].Value).Shape; out.Elems() != 7 || g.Labels != nil {
		t.Errorf("output %v with %d labels, want 7 features without", out, len(g.Labels))
	}
}

// TestExamples builds the networks of examples/, which use the library as a user
// would; their figures are torchvision's, those of ConvNeXt v2, DLA and HRNet timm's, RepVGG's aside.
func TestExamples(t *testing.T) {
	for _, c := range []struct {
		file, net string
		params    int64
	}{
		{"squeezenet.cnn", "squeezenet1_0", 1_248_424},
		{"squeezenet.cnn", "squeezenet1_1", 1_235_496},
		{"shufflenet_v2.cnn", "shufflenet_v2_x0_5", 1_366_792},
		{"shufflenet_v2.cnn", "shufflenet_v2_x1_0", 2_278_604},
		{"shufflenet_v2.cnn", "shufflenet_v2_x1_5", 3_503_624},
		{"shufflenet_v2.cnn", "shufflenet_v2_x2_0", 7_393_996},
		{"mnasnet.cnn", "mnasnet1_0", 4_383_312},
		{"mnasnet.cnn", "mnasnet0_5", 2_218_512},
		{"regnet.cnn", "regnet_y_400mf", 4_344_144},
		{"regnet.cnn", "regnet_x_400mf", 5_495_976},
		{"repvgg.cnn", "repvgg_a0", 9_108_968},
		{"repvgg.cnn", "repvgg_a0_deployed", 8_309_384},
		{"convnextv2.cnn", "convnextv2_atto", 3_708_400},
		{"convnextv2.cnn", "convnextv2_femto", 5_233_240},
		{"convnextv2.cnn", "convnextv2_pico", 9_066_280},
		{"convnextv2.cnn", "convnextv2_nano", 15_623_800},
		{"convnextv2.cnn", "convnextv2_tiny", 28_635_496},
		{"convnextv2.cnn", "convnextv2_base", 88_717_800},
		{"convnextv2.cnn", "convnextv2_large", 197_956_840},
		{"dla.cnn", "dla34", 15_742_104},
		{"dla.cnn", "dla60", 22_036_632},
		{"hrnet.cnn", "hrnet_w18", 21_299_004},
		{"hrnet.cnn", "hrnet_w18_small_v2", 15_597_464},
		{"hrnet.cnn", "hrnet_w32", 41_232_680},
		{"hrnet.cnn", "hrnet_w48", 77_469_864},
	} {
		l := &elaborate.Loader{Library: specs.FS(), Read: os.ReadFile}
		g, diags := elaborate.Net(l, "../examples/"+c.file, c.net)
		if len(diags) > 0 {
			t.Errorf("%s: %v", c.net, diags)
			continue
		}
		if params := ir.ParamCount(g); params != c.params {
			t.Errorf("%s: %d parameters, want %d", c.net, params, c.params)
		}
	}
}

// TestTeaser builds the spec that README shows, with a bottleneck of its own,
// and wants the network of the library.
func TestTeaser(t *testing.T) {
	const teaser = `
use "blocks/resnet.cnn"

net resnext50(classes = 1000, groups = 32, width = 4) {
    input image[3, 224, 224]

    image
      -> stem
      -> layer1: stage(bottleneck, 3, 64,  stride = 1, groups, width)
      -> layer2: stage(bottleneck, 4, 128, stride = 2, groups, width)
      -> layer3: stage(bottleneck, 6, 256, stride = 2, groups, width)
      -> layer4: stage(bottleneck, 3, 512, stride = 2, groups, width)
      -> globalavgpool -> flatten
      -> fc: linear(classes)
}

block bottleneck(x, planes, stride = 1, groups = 1, width = 64) {
    let mid = floor(planes * width / 64) * groups
    let out = planes * 4

    y = x -> conv1: conv(mid, 1, bias = false)                                     -> bn1: batchnorm -> relu
          -> conv2: conv(mid, 3, stride = stride, pad = 1, groups = groups, bias = false) -> bn2: batchnorm -> relu
          -> conv3: conv(out, 1, bias = false)                                     -> bn3: batchnorm

    shortcut = if stride != 1 or channels(x) != out {
        x -> downsample.0: conv(out, 1, stride = stride, bias = false) -> downsample.1: batchnorm
    } else { x }

    return relu(y + shortcut)
}
`
	l := &elaborate.Loader{Library: specs.FS(), Read: func(string) ([]byte, error) { return []byte(teaser), nil }}
	g, diags := elaborate.Net(l, "teaser.cnn", "")
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if d := cmp.Diff(ir.Params(graph(t, "resnext50_32x4d")), ir.Params(g)); d != "" {
		t.Errorf("tensors (-library +teaser):\n%s", d)
	}
}

// TestBlockStrings builds EfficientNet-B0 and MobileNet v1 from timm's strings, and
// wants the figures of the specs that are written out.
func TestBlockStrings(t *testing.T) {
	const text = `
use "blocks/timm.cnn"

net b0 {
    input image[3, 224, 224]
    image -> conv_stem: conv(32, 3, stride = 2, pad = 1, bias = false) -> bn1: batchnorm -> silu
        -> timm_stages([
            ["ds_r1_k3_s1_e1_c16_se0.25"],
            ["ir_r2_k3_s2_e6_c24_se0.25"],
            ["ir_r2_k5_s2_e6_c40_se0.25"],
            ["ir_r3_k3_s2_e6_c80_se0.25"],
            ["ir_r3_k5_s1_e6_c112_se0.25"],
            ["ir_r4_k5_s2_e6_c192_se0.25"],
            ["ir_r1_k3_s1_e6_c320_se0.25"],
        ], act = silu)
        -> conv_head: conv(1280, 1, bias = false) -> bn2: batchnorm -> silu
        -> globalavgpool -> flatten -> classifier: linear(1000)
}

net v1 {
    input image[3, 224, 224]
    image -> conv_stem: conv(32, 3, stride = 2, pad = 1, bias = false) -> bn1: batchnorm -> relu6
        -> timm_stages([
            ["dsa_r1_k3_s1_c64"], ["dsa_r2_k3_s2_c128"], ["dsa_r2_k3_s2_c256"], ["dsa_r6_k3_s2_c512"], ["dsa_r2_k3_s2_c1024"],
        ], act = relu6)
        -> globalavgpool -> flatten -> classifier: linear(1000)
}
`
	l := &elaborate.Loader{Library: specs.FS(), Read: func(string) ([]byte, error) { return []byte(text), nil }}
	for _, c := range []struct{ net, like string }{{"b0", "efficientnet_b0"}, {"v1", "mobilenetv1_100"}} {
		g, diags := elaborate.Net(l, "strings.cnn", c.net)
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		want := graph(t, c.like)
		if ir.ParamCount(g) != ir.ParamCount(want) || ir.MACs(g) != ir.MACs(want) {
			t.Errorf("%s: %d parameters and %d MACs, want %d and %d", c.net, ir.ParamCount(g), ir.MACs(g), ir.ParamCount(want), ir.MACs(want))
		}
		if c.net != "v1" {
			continue
		}
		if d := cmp.Diff(ir.Params(want), ir.Params(g)); d != "" {
			t.Errorf("timm's names (-written out +strings):\n%s", d)
		}
	}
}

// TestFormatted wants every file in the one style.
func TestFormatted(t *testing.T) {
	err := fs.WalkDir(specs.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".cnn" {
			return err
		}
		text, err := specs.ReadFile(path)
		if err != nil {
			return err
		}
		formatted, diags := dsl.FormatSource(path, text)
		if diags.HasErrors() {
			return diags.Err()
		}
		if d := cmp.Diff(string(text), string(formatted)); d != "" {
			t.Errorf("%s: run cnnc fmt\n%s", path, d)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	if n, ok := specs.Find("resnext101_64x4d"); !ok || n.File != "specs/resnext50.cnn" {
		t.Errorf("found %v, %v", n, ok)
	}
	if _, ok := specs.Find("resnet51"); ok {
		t.Error("found resnet51")
	}
}

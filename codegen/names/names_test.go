package names

import (
	"go/token"
	"testing"
	"unicode/utf8"
)

func TestIdentifiers(t *testing.T) {
	for _, test := range []struct{ label, unexported, exported string }{
		{"conv1", "conv1", "Conv1"},
		{"layer1.0.conv1", "layer1_0Conv1", "Layer1_0Conv1"},
		{"layer4.2.downsample.0", "layer4_2Downsample0", "Layer4_2Downsample0"},
		{"features.denseblock1.denselayer12", "featuresDenseblock1Denselayer12", "FeaturesDenseblock1Denselayer12"},
		{"branch3x3dbl_1", "branch3x3dbl1", "Branch3x3dbl1"},
		{"aux1-logits", "aux1Logits", "Aux1Logits"},
		{"0", "layer0", "Layer0"},
		{"0.1", "layer0_1", "Layer0_1"},
		{"3x3", "layer3x3", "Layer3x3"},
		{"fc", "fc", "FC"},
		{"FC", "fc", "FC"},
		{"head.fc", "headFC", "HeadFC"},
		{"block.fc1", "blockFC1", "BlockFC1"},
		{"fc2", "fc2", "FC2"},
		{"fcn", "fcn", "Fcn"},
		{"fc.bias", "fcBias", "FCBias"},
		{"FCBias", "fcBias", "FCBias"},
		{"image_id", "imageID", "ImageID"},
		{"Conv2d_1a_3x3", "conv2d1a3x3", "Conv2d1a3x3"},
		{"type", "type", "Type"},
		{"", "layer", "Layer"},
		{"...", "layer", "Layer"},
		{"a b\nc*/d", "aBCD", "ABCD"},
		{`x"; os.Exit(1) //`, "xOsExit1", "XOsExit1"},
		{"été", "été", "Été"},
		{"層", "層", "Layer層"},
		{"\xff\xfe", "layer", "Layer"},
		{"٣", "layer٣", "Layer٣"},
		{"a.٣.4", "a٣_4", "A٣_4"},
	} {
		if got := Unexported(test.label, "layer"); got != test.unexported {
			t.Errorf("Unexported(%q) = %s, want %s", test.label, got, test.unexported)
		}
		if got := Exported(test.label, "Layer"); got != test.exported {
			t.Errorf("Exported(%q) = %s, want %s", test.label, got, test.exported)
		}
	}
}

func TestTake(t *testing.T) {
	outer := New()
	outer.Reserve("cnnrt", "Model")
	for _, test := range []struct{ name, want string }{
		{"conv", "conv"},
		{"conv", "conv2"},
		{"conv", "conv3"},
		{"conv2", "conv2_2"}, // not conv22
		{"conv1", "conv1"},
		{"conv1", "conv1_2"},
		{"conv1_2", "conv1_2_2"},
		{"type", "type2"},
		{"range", "range2"},
		{"len", "len2"},
		{"nil", "nil2"},
		{"any", "any2"},
		{"float32", "float32_2"},
		{"cnnrt", "cnnrt2"},
		{"Model", "Model2"},
		{"_", "_2"},
	} {
		if got := outer.Take(test.name); got != test.want {
			t.Errorf("Take(%q) = %s, want %s", test.name, got, test.want)
		}
	}
	inner := outer.Inner()
	if got := inner.Take("conv1"); got != "conv1_3" {
		t.Errorf("in the inner scope conv1 is %s, want conv1_3", got)
	}
	if got := outer.Inner().Take("conv1"); got != "conv1_3" {
		t.Errorf("in a sibling scope conv1 is %s, want conv1_3", got)
	}
}

func FuzzIdentifiers(f *testing.F) {
	for _, s := range []string{"layer1.0.conv1", "0", "", "fc", "ǅ", "ſ", "ª", "a\u0300", "_", "func", "İ.ı"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, label string) {
		scope := New()
		for i := range 3 {
			for name, exported := range map[string]bool{
				scope.Take(Unexported(label, "layer")): false,
				scope.Take(Exported(label, "Layer")):   true,
			} {
				if !token.IsIdentifier(name) || token.IsExported(name) != exported || !utf8.ValidString(name) {
					t.Errorf("%q, time %d: identifier %q, exported %t", label, i, name, exported)
				}
			}
		}
		if a, b := Unexported(label, "layer"), Unexported(label, "layer"); a != b {
			t.Errorf("%q is %s, then %s", label, a, b)
		}
	})
}

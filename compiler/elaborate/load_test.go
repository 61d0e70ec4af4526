package elaborate_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// TestResolution checks where used files and labels are found.
func TestResolution(t *testing.T) {
	library := fstest.MapFS{
		"blocks/unit.cnn":  {Data: []byte("use \"blocks/inner.cnn\"\nblock unit(x) { x -> library: inner }\n")},
		"blocks/inner.cnn": {Data: []byte("block inner(x) { x -> conv: conv(1, 1) }\n")},
		"labels/one.txt":   {Data: []byte("library\n")},
		"net.cnn":          {Data: []byte(body("blocks/unit.cnn", "one.txt"))},
	}
	unit := "block unit(x) { x -> user: conv(1, 1) }\n"
	for _, c := range []struct {
		name, root   string
		files        map[string]string
		layer, label string
		noUserFiles  bool
	}{
		{
			name: "the library goes before the user's files", root: "a/main.cnn",
			files: map[string]string{
				"a/main.cnn": body("blocks/unit.cnn", "one.txt"), "a/blocks/unit.cnn": unit, "specs/blocks/unit.cnn": unit, "a/one.txt": "user",
			},
			layer: "library.conv", label: "library",
		},
		{
			name: "a dot leads beside the file", root: "a/main.cnn",
			files: map[string]string{
				"a/main.cnn": body("./blocks/unit.cnn", "./one.txt"), "a/blocks/unit.cnn": unit, "a/one.txt": "user\r\n",
			},
			layer: "user", label: "user",
		},
		{
			name: "beside the file", root: "a/main.cnn",
			files: map[string]string{"a/main.cnn": body("mine.cnn", "mine.txt"), "a/mine.cnn": unit, "a/mine.txt": "mine"},
			layer: "user", label: "mine",
		},
		{
			name: "above the file", root: "a/main.cnn",
			files: map[string]string{"a/main.cnn": body("../mine.cnn", "../mine.txt"), "mine.cnn": unit, "mine.txt": "mine"},
			layer: "user", label: "mine",
		},
		{
			name: "a file of the library", root: "specs/net.cnn",
			layer: "library.conv", label: "library",
		},
		{
			name: "a file of the library, without files of the user's", root: "specs/net.cnn", noUserFiles: true,
			layer: "library.conv", label: "library",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := loader(c.files)
			l.Library = library
			if c.noUserFiles {
				l.Read = nil
			}
			g, diags := elaborate.Net(l, c.root, "")
			if len(diags) > 0 {
				t.Fatalf("%s", render(t, l, diags))
			}
			if got := ir.Params(g)[0].Key; got != c.layer+".weight" {
				t.Errorf("layer %s, want %s", got, c.layer)
			}
			if d := cmp.Diff([]string{c.label}, g.Labels); d != "" {
				t.Error(d)
			}
			if g.Source != c.root {
				t.Errorf("source %s, want %s", g.Source, c.root)
			}
		})
	}
}

func body(use, labels string) string {
	return "use \"" + use + "\"\nnet main {\n    input x[1, 2, 2]\n    x -> unit -> globalavgpool -> flatten\n    labels \"" + labels + "\"\n}\n"
}

func TestNets(t *testing.T) {
	l := loader(map[string]string{"nets.cnn": `
// Not about base.

// The base.
// Two lines.
net base(classes = 10, widths = [16,
    32], act = relu) {
    input x[3, 8, 8]
    x -> act
}
net wide(scale = 2) = base(widths = [16 * scale])
`})
	got, diags := elaborate.Nets(l, "nets.cnn")
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	want := []elaborate.NetInfo{
		{Name: "base", Doc: "The base.\nTwo lines.", Params: []elaborate.ParamInfo{
			{Name: "classes", Default: "10"}, {Name: "widths", Default: "[16, 32]"}, {Name: "act", Default: "relu"},
		}},
		{Name: "wide", Base: "base", Params: []elaborate.ParamInfo{
			{Name: "scale", Default: "2"}, {Name: "classes", Default: "10"}, {Name: "widths", Default: "[16 * scale]"}, {Name: "act", Default: "relu"},
		}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestDeterminism elaborates with errors in many places: the diagnostics come in
// one order.
func TestDeterminism(t *testing.T) {
	const src = "net n {\n    input x[3, 8, 8]\n    a = b\n    c = x -> d\n    for i in 0..3 { e = f }\n    x -> conv(g, h, i = 3)\n}\n"
	_, first := elaborateText(src)
	for range 20 {
		_, again := elaborateText(src)
		if d := cmp.Diff(first, again); d != "" {
			t.Fatal(d)
		}
	}
}

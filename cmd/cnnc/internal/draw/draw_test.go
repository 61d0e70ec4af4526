package draw_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/draw"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/dsl/dsltest"
	"github.com/cnnc-dev/cnnc/specs"
)

// drawing draws a net of the library, or the text of a spec.
func drawing(t *testing.T, file, net, text string) *draw.Drawing {
	t.Helper()
	l := &elaborate.Loader{Library: specs.FS(), Read: func(name string) ([]byte, error) {
		if name != file || text == "" {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}}
	g, diags := elaborate.Net(l, file, net)
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	d, err := draw.New(g)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestGoldens draws the spec of each archive as DOT.
func TestGoldens(t *testing.T) {
	dsltest.Archives(t, "testdata", ".cnn", map[string]dsltest.Producer{
		"main.dot": func(t *testing.T, a dsltest.Archive) []byte {
			return draw.DOT(drawing(t, "main.cnn", "", string(a.Files[0].Data)))
		},
	})
}

// gallery is the networks of docs/gallery: one a family, and another where a
// family changed its block.
var gallery = []string{
	"lenet5", "alexnet", "vgg16", "googlenet", "inception_v3", "resnet50", "resnext50_32x4d", "xception",
	"mobilenetv1_100", "mobilenet_v2", "mobilenet_v3_large", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "convnext_tiny",
}

const galleryDir = "../../../../docs/gallery"

// TestGallery draws the networks of docs/gallery and compares; -update writes
// them. It also wants every picture there to be one of those.
func TestGallery(t *testing.T) {
	for _, net := range gallery {
		t.Run(net, func(t *testing.T) {
			n, ok := specs.Find(net)
			if !ok {
				t.Fatal("no such net")
			}
			picture := draw.SVG(drawing(t, n.File, n.Name, ""))
			checkSVG(t, picture)
			dsltest.File(t, filepath.Join(galleryDir, net+".svg"), picture)
		})
	}
	files, err := filepath.Glob(filepath.Join(galleryDir, "*.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(gallery, strings.TrimSuffix(filepath.Base(f), ".svg")) {
			t.Errorf("%s is none of the gallery's networks", f)
		}
	}
}

// checkSVG wants a picture to be well formed, to load nothing, and to hold no
// coordinate that isn't a number.
func checkSVG(t *testing.T, picture []byte) {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(picture))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
				t.Errorf("<%s %s=%q>", start.Name.Local, a.Name.Local, a.Value)
			}
			if a.Name.Local != "xmlns" && strings.Contains(a.Value, "://") {
				t.Errorf("<%s> loads %s", start.Name.Local, a.Value)
			}
		}
	}
}

// TestAllNets draws every network of the library, and the examples' first ones.
func TestAllNets(t *testing.T) {
	for _, n := range specs.Nets() {
		d := drawing(t, n.File, n.Name, "")
		checkSVG(t, draw.SVG(d))
		if len(d.Network.Nodes) > 40 || len(d.Blocks) > 12 {
			t.Errorf("%s: %d nodes and %d blocks after folding; something does not fold", n.Name, len(d.Network.Nodes), len(d.Blocks))
		}
		var params, macs int64
		for _, node := range d.Network.Nodes {
			params += node.Params
			macs += node.MACs
		}
		if params != d.Params || macs != d.MACs {
			t.Errorf("%s: the nodes have %d parameters and %d MACs, want %d and %d", n.Name, params, macs, d.Params, d.MACs)
		}
	}
}

// TestHTML wants a page that loads nothing, has a row for each layer, and
// escapes what it is given.
func TestHTML(t *testing.T) {
	const text = `
net small {
    input image[1, 4, 4]
    image -> a: conv(2, 3) -> relu -> b: conv(3, 1)
}
`
	d := drawing(t, "main.cnn", "", text)
	d.Name, d.Network.Nodes[1].Name = "<script>", "a<img src=x>"
	page := string(draw.HTML(d))
	for _, want := range []string{`<a href="#n1">`, `<table id="n1">`, `<td>relu</td>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, bad := range []string{"<script", "<img", "@import", `href="http`} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
}

// TestTooMany wants an error where a spec does not fold.
func TestTooMany(t *testing.T) {
	var b strings.Builder
	b.WriteString("net many {\n    input x[1, 64, 64]\n    y = x\n")
	b.WriteString("    for i in 0..1100 { y = if i % 2 == 0 { y -> a{i}: conv(1 + i % 7, 3, pad = 1) } else { y -> b{i}: maxpool(3, stride = 1, pad = 1) } }\n")
	b.WriteString("    output y = y\n}\n")
	l := &elaborate.Loader{Read: func(string) ([]byte, error) { return []byte(b.String()), nil }}
	g, diags := elaborate.Net(l, "main.cnn", "")
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	d, err := draw.New(g)
	if err == nil {
		t.Fatalf("%d nodes, want an error", len(d.Network.Nodes))
	}
}

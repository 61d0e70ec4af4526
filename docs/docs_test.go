// Package docs holds the documentation to the code: what it shows of Go is here, where
// it compiles, or in an emitted package.
package docs

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"

	"github.com/cnnc-dev/cnnc/generated/resnext50"
	cnnrt "github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

// The snippets that are no functions by themselves.
var _ = []any{use, classify, rename}

func use() error {
	model, err := resnext50.Load("resnext50_32x4d.safetensors") // immutable, for any number of goroutines
	if err != nil {
		return err
	}
	session := model.NewSession() // one a goroutine
	defer session.Close()

	image := make([]float32, resnext50.InputLen) // NCHW, as PyTorch has it
	logits := make([]float32, resnext50.OutputLen)
	err = session.Forward(logits, image) // allocates nothing

	return err
}

func classify(image []float32) error {
	m, err := resnext50.Load("resnext50_32x4d.safetensors")
	if err != nil {
		return err // lists every tensor that is missing, misshapen or unexpected
	}
	s := m.NewSession()
	defer s.Close()

	logits := make([]float32, resnext50.OutputLen)
	if err := s.Forward(logits, image); err != nil { // image: resnext50.InputLen floats, [3 224 224]
		return err
	}
	best := slices.Index(logits, slices.Max(logits))
	fmt.Println(resnext50.Labels[best])

	return nil
}

func rename() error {
	file, err := weights.Open("checkpoint.safetensors") // runtime/weights
	if err != nil {
		return err
	}
	defer file.Close()
	tensors, err := weights.StripPrefix(file, "module.")
	if err != nil {
		return err
	}
	m, err := resnext50.New(tensors)

	_ = m
	return err
}

// input is what the network takes for a picture, as p says.
func input(picture image.Image, p cnnrt.Preprocess) []float32 {
	from := picture.Bounds()
	short := min(from.Dx(), from.Dy())
	resized := image.NewRGBA(image.Rect(0, 0, from.Dx()*p.Resize/short, from.Dy()*p.Resize/short))
	draw.BiLinear.Scale(resized, resized.Rect, picture, from, draw.Src, nil) // draw.CatmullRom where p.Filter is "bicubic"

	left := int(math.RoundToEven(float64(resized.Rect.Dx()-p.Crop.W) / 2))
	top := int(math.RoundToEven(float64(resized.Rect.Dy()-p.Crop.H) / 2))
	floats := make([]float32, 0, 3*p.Crop.H*p.Crop.W)
	for c := range 3 { // where p.Channels is "rgb"
		for y := range p.Crop.H {
			for x := range p.Crop.W {
				pixel := resized.RGBAAt(left+x, top+y)
				value := float64([]uint8{pixel.R, pixel.G, pixel.B}[c])
				floats = append(floats, float32((value*p.Scale-p.Mean[c])/p.Std[c]))
			}
		}
	}
	return floats
}

// TestInput makes an input of a picture that has the right size already: a plane of
// each colour, the middle of the picture.
func TestInput(t *testing.T) {
	p := resnext50.Preprocess
	const wider = 10
	picture := image.NewRGBA(image.Rect(0, 0, p.Resize+wider, p.Resize))
	for y := range p.Resize {
		for x := range p.Resize + wider {
			picture.SetRGBA(x, y, color.RGBA{R: uint8(x), G: uint8(y), B: 7, A: 255})
		}
	}
	got := input(picture, p)
	if len(got) != resnext50.InputLen {
		t.Fatalf("%d floats, want %d", len(got), resnext50.InputLen)
	}
	left, top := (p.Resize+wider-p.Crop.W)/2, (p.Resize-p.Crop.H)/2
	for c, value := range []int{left, top, 7} {
		want := float32((float64(value)/255 - p.Mean[c]) / p.Std[c])
		if first := got[c*p.Crop.H*p.Crop.W]; math.Abs(float64(first-want)) > 1e-6 {
			t.Errorf("channel %d begins with %v, want %v", c, first, want)
		}
	}
}

var fence = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// TestSnippets looks for each piece of Go that the documentation shows.
func TestSnippets(t *testing.T) {
	sources, err := filepath.Glob("../generated/*/*_cnnc.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, path := range append(sources, "docs_test.go") {
		code.WriteString(words(t, path) + "\n")
	}
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
			if strings.HasPrefix(m[1], "//go:generate ") {
				continue // cmd/cnnc tests it
			}
			found++
			if !strings.Contains(code.String(), strings.Join(strings.Fields(m[1]), " ")) {
				t.Errorf("%s: neither docs_test.go nor an emitted package has\n%s", page, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no snippets")
	}
}

// words is a file with one space for any white space.
func words(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

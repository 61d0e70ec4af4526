// Package docs holds the documentation to the code: what it shows of Go is here, where
// it compiles, or in an emitted package.
package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/generated/resnext50"
	"github.com/cnnc-dev/cnnc/runtime/picture"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

// The snippets that are no functions by themselves.
var _ = []any{use, classify, rename, read}

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

func read() error {
	file, err := os.Open("cat.jpg")
	if err != nil {
		return err
	}
	defer file.Close()
	cat, err := picture.Read(file) // runtime/picture; an image.Image from elsewhere will do
	if err != nil {
		return err
	}
	image, err := picture.Input(cat, resnext50.Preprocess)

	_ = image
	return err
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

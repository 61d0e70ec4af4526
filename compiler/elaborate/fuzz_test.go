package elaborate_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/specs"
)

// FuzzNet elaborates any text: it must come to an end (go test's timeout tells),
// without panic, and give either errors or a graph that verifies and prints the
// same twice.
func FuzzNet(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if filepath.Ext(file.Name) == ".cnn" {
				f.Add(string(file.Data), "classes", "10")
			}
		}
	}
	text, err := os.ReadFile(languageDoc)
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		f.Add(m[2], "width", "[1, 0x3]")
		f.Add("net n {\n    input x[16, 32, 32]\n"+m[2]+"}\n", "", "")
	}
	for _, n := range specs.Nets() {
		text, err := specs.ReadFile(n.File)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "alpha", "0.5")
	}
	f.Fuzz(func(t *testing.T, src, name, value string) {
		var overrides []elaborate.Override
		if name != "" {
			overrides = append(overrides, elaborate.Override{Name: name, Value: value})
		}
		g, diags := elaborateText(src, overrides...)
		if (g == nil) != diags.HasErrors() {
			t.Fatalf("graph %v with %v", g, diags)
		}
		for _, d := range diags {
			if d.Code == "INTERNAL001" {
				t.Fatal(d)
			}
		}
		render(t, loader(map[string]string{"main.cnn": src}), diags)
		if g == nil {
			return
		}
		if err := ir.Verify(g); err != nil {
			t.Fatal(err)
		}
		again, _ := elaborateText(src, overrides...)
		if ir.Print(g) != ir.Print(again) {
			t.Fatal("two runs differ")
		}
	})
}

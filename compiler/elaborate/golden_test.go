package elaborate_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/dsl/diag"
	"github.com/cnnc-dev/cnnc/dsl/dsltest"
	"github.com/cnnc-dev/cnnc/specs"
)

// An archive of testdata holds main.cnn, files that it uses, and goldens. Lines
// of its comment may say "net NAME" and "-D name=value".
func TestGoldens(t *testing.T) {
	dsltest.Archives(t, "testdata", ".cnn", map[string]dsltest.Producer{
		"graph.ir": func(t *testing.T, a dsltest.Archive) []byte {
			g, diags, l := run(a)
			if g == nil {
				t.Fatalf("errors:\n%s", render(t, l, diags))
			}
			return []byte(ir.Print(g))
		},
		"errors": func(t *testing.T, a dsltest.Archive) []byte {
			_, diags, l := run(a)
			return render(t, l, diags)
		},
	})
}

func run(a dsltest.Archive) (*ir.Graph, diag.List, *elaborate.Loader) {
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	net := ""
	var overrides []elaborate.Override
	for line := range strings.Lines(string(a.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "net":
			net = rest
		case "-D":
			name, value, _ := strings.Cut(rest, "=")
			overrides = append(overrides, elaborate.Override{Name: name, Value: value})
		}
	}
	l := loader(files)
	g, diags := elaborate.Net(l, "main.cnn", net, overrides...)
	return g, diags, l
}

// loader serves files by name, and the library.
func loader(files map[string]string) *elaborate.Loader {
	return &elaborate.Loader{
		Library: specs.FS(),
		Read: func(path string) ([]byte, error) {
			text, ok := files[path]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		},
	}
}

func render(t testing.TB, l *elaborate.Loader, diags diag.List) []byte {
	var b bytes.Buffer
	if err := diag.Render(&b, diags, l.Text, false); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// elaborateText elaborates one file.
func elaborateText(text string, overrides ...elaborate.Override) (*ir.Graph, diag.List) {
	return elaborate.Net(loader(map[string]string{"main.cnn": text}), "main.cnn", "", overrides...)
}

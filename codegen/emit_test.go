package codegen_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"math"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/codegen"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/specs"
)

// TestLibrary emits every net that comes with the compiler, and checks what
// holds for any emitted package.
func TestLibrary(t *testing.T) {
	for _, net := range specs.Nets() {
		t.Run(net.Name, func(t *testing.T) {
			p := compile(t, net.File, net.Name, specs.FS())
			files := emit(t, p, codegen.Options{Package: "net"})
			check(t, files)
			lines := 0
			for _, f := range files {
				if !strings.HasSuffix(f.Name, "_labels_cnnc.go") {
					lines += strings.Count(string(f.Data), "\n")
				}
			}
			// Blocks are shared, so that a net of hundreds of layers is still read.
			if limit := 300 + 12*len(p.Steps); lines > limit {
				t.Errorf("%d lines for %d layers, want at most %d", lines, len(p.Steps), limit)
			}
		})
	}
}

// What the emitted packages import is type-checked once, from source.
var (
	fset    = token.NewFileSet()
	imports = importer.ForCompiler(fset, "source", nil)
)

// check checks what every emitted package must be: marked as generated, importing
// the runtime alone, of functions that are not too long, free of directives, and
// correct Go.
func check(t *testing.T, files []codegen.File) {
	t.Helper()
	var parsed []*ast.File
	for _, file := range files {
		if path.Base(file.Name) != file.Name || !strings.HasSuffix(file.Name, "_cnnc.go") {
			t.Errorf("a file called %q", file.Name)
		}
		f, err := parser.ParseFile(fset, file.Name, file.Data, parser.ParseComments)
		if err != nil {
			t.Fatalf("%v\n%s", err, file.Data)
		}
		parsed = append(parsed, f)
		if !ast.IsGenerated(f) {
			t.Errorf("%s does not say that it is generated", file.Name)
		}
		for _, i := range f.Imports {
			if i.Path.Value != `"github.com/cnnc-dev/cnnc/runtime"` {
				t.Errorf("%s imports %s", file.Name, i.Path.Value)
			}
		}
		for _, group := range f.Comments {
			for _, c := range group.List {
				if !harmless(c.Text) {
					t.Errorf("%s has the comment %q", file.Name, c.Text)
				}
			}
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && strings.HasSuffix(file.Name, "_forward_cnnc.go") && len(fn.Body.List) > 70 {
				t.Errorf("%s: %s has %d statements", file.Name, fn.Name.Name, len(fn.Body.List))
			}
		}
	}
	config := types.Config{Importer: imports, Error: func(err error) { t.Error(err) }}
	if _, err := config.Check("net", fset, parsed, nil); err != nil {
		for _, f := range files {
			t.Logf("%s:\n%s", f.Name, f.Data)
		}
	}
}

// harmless reports whether a comment is a line of text and no directive.
func harmless(comment string) bool {
	text, ok := strings.CutPrefix(comment, "//")
	return ok && !strings.ContainsAny(text, "\n\r") && !strings.HasPrefix(text, " +build") &&
		(text == "" || text[0] == ' ' || text[0] == '\t')
}

// chain is a plan of 1x1 convolutions of 16 channels, one after the other, of
// the given names.
func chain(layers ...string) *plan.Plan {
	s := shape.Shape{16, 4, 4}
	p := &plan.Plan{
		Name: "net", Source: "net.cnn", Arena: 512,
		Inputs:  []plan.Port{{Name: "image", Shape: s, View: runtime.View{Pitch: 16}}},
		Outputs: []plan.Port{{Name: "out", Shape: s, View: runtime.View{Offset: len(layers) % 2 * 256, Pitch: 16}}},
		Blocks:  map[string]string{},
	}
	one := runtime.Size{H: 1, W: 1}
	for i, name := range layers {
		p.Steps = append(p.Steps, plan.Step{
			Name: name, Key: name,
			Op: &runtime.Conv{
				In: runtime.Shape{C: 16, H: 4, W: 4}, Out: runtime.Shape{C: 16, H: 4, W: 4},
				Kernel: one, Stride: one, Dilation: one, Groups: 1,
			},
			Norms: []runtime.Norm{{Kind: runtime.BatchNorm, Key: name + ".bn", Eps: 1e-3, Affine: true}},
			Src:   []runtime.View{{Offset: i % 2 * 256, Pitch: 16}}, In: []shape.Shape{s},
			Dst: runtime.View{Offset: (i + 1) % 2 * 256, Pitch: 16}, Out: s,
			Span: diag.Span{Start: diag.Pos{File: p.Source, Line: i + 1, Col: 1}},
		})
	}
	return p
}

// TestHostile emits nets whose names do their worst.
func TestHostile(t *testing.T) {
	evil := []string{
		"type", "func", "range", "len", "min", "nil", "string", "float32", "_", "init", "main",
		"cnnrt", "Model", "memory", "NewSession", "batchNorm", "forward", "stem", "head", "m", "s", "b", "x", "y", "l", "key", "rt", "k",
		"a-b", "a_b", "a.b", "a b", "A-B", "a--b", "aB",
		"new\nline", "end */ func init() { panic(1) } /*", "// comment", "+build ignore", "go:build ignore", "line x.go:1",
		`quote" + os.Exit(1) + "`, "`back`", "%s%d", "\x00", "\xff", "\u2028", "été", "層", "0", "1.0", ".", "..", "a.", ".a", " ",
	}
	t.Run("layers", func(t *testing.T) { check(t, emit(t, chain(evil...), codegen.Options{Package: "net"})) })
	t.Run("scopes", func(t *testing.T) {
		var layers []string
		blocks := map[string]string{}
		for i, e := range evil {
			for _, f := range []string{evil[i], evil[(i+1)%len(evil)]} {
				scope := fmt.Sprintf("%s.%d", e, len(layers))
				layers = append(layers, scope+"."+f, scope+".second")
				blocks[scope] = e
			}
			blocks[e] = e
		}
		p := chain(layers...)
		p.Blocks = blocks
		check(t, emit(t, p, codegen.Options{Package: "net"}))
	})
	t.Run("ports", func(t *testing.T) {
		p := chain("conv")
		in, out := p.Inputs[0], p.Outputs[0]
		p.Inputs, p.Outputs = nil, nil
		for i, e := range evil {
			in.Name, out.Name = e, e
			p.Inputs = append(p.Inputs, in)
			if i > 0 {
				p.Outputs = append(p.Outputs, out)
			}
		}
		check(t, emit(t, p, codegen.Options{Package: "net"}))
	})
	t.Run("texts", func(t *testing.T) {
		for _, e := range evil {
			p := chain("conv")
			p.Name, p.Source, p.Labels = e, e, evil
			p.Preprocess = &runtime.Preprocess{Filter: e, Channels: e}
			p.Steps[0].Span.Start.File = e
			p.Steps[0].Norms[0].Key = e
			check(t, emit(t, p, codegen.Options{Package: "net"}))
		}
	})
}

// TestOddNets emits nets of unusual build.
func TestOddNets(t *testing.T) {
	numbered := func(n int, format string) []string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf(format, i))
		}
		return names
	}
	passing := chain()
	passing.Outputs = passing.Inputs
	weightless := chain("relu", "relu.2", "scope.relu", "scope.relu2", "other.relu", "other.relu2")
	for i := range weightless.Steps {
		s := &weightless.Steps[i]
		s.Op = &runtime.Activation{Shape: runtime.Shape{C: 16, H: 4, W: 4}, Act: runtime.Act{Kind: runtime.ReLU}}
		s.Key, s.Norms = "", nil
	}
	anywhere := chain("a.conv", "a.conv2", "b.conv", "b.conv2")
	anywhere.Steps[1].Key = "elsewhere" // no body can be shared
	norms := chain("a.conv", "a.conv2", "b.conv", "b.conv2")
	for i := range norms.Steps {
		norms.Steps[i].Norms = append(norms.Steps[i].Norms,
			runtime.Norm{Kind: runtime.BatchNorm, Key: norms.Steps[i].Name[:1] + ".pre", Before: true, Eps: 1e-5, Affine: true},
			runtime.Norm{Kind: runtime.BatchNorm, Key: norms.Steps[i].Name[:1] + ".post", Eps: 1e-5, Affine: true},
			runtime.Norm{Kind: runtime.Constant, Scale: []float64{-0.5}, Shift: []float64{1e-300, 1e300}})
	}
	for _, test := range []struct {
		name string
		plan *plan.Plan
	}{
		{"no layers", passing},
		{"no weights", weightless},
		{"500 layers without a scope", chain(numbered(500, "conv%d")...)},
		{"500 layers in a scope", chain(numbered(500, "features.%d")...)},
		{"a scope left and entered again", chain("a.x.1", "a.x.2", "b.x.1", "b.x.2", "a.y.1", "a.y.2", "a.x.3")},
		{"a layer with the name of a scope", chain("a", "a.b", "a.b.c", "a.b.c.d")},
		{"keys outside of the scope", anywhere},
		{"norms of all kinds", norms},
	} {
		t.Run(test.name, func(t *testing.T) { check(t, emit(t, test.plan, codegen.Options{Package: "net", Batch: 8})) })
	}
}

func TestErrors(t *testing.T) {
	for _, name := range []string{"", "_", "type", "a-b", "a b", "1a", "a.b", "a\n"} {
		if _, err := codegen.Emit(chain("conv"), codegen.Options{Package: name}); err == nil || !strings.Contains(err.Error(), strconv.Quote(name)) {
			t.Errorf("package %q: %v", name, err)
		}
	}
	for name, spoil := range map[string]func(*plan.Step){
		"no op":         func(s *plan.Step) { s.Op = nil },
		"no pointer":    func(s *plan.Step) { s.Op = runtime.Copy{} },
		"not a number":  func(s *plan.Step) { s.Op = &runtime.LayerNorm{Eps: math.NaN()} },
		"infinite norm": func(s *plan.Step) { s.Norms[0].Eps = math.Inf(1) },
		"unknown act":   func(s *plan.Step) { s.Op.(*runtime.Conv).Act.Kind = 200 },
	} {
		p := chain("first", "second")
		spoil(&p.Steps[1])
		if _, err := codegen.Emit(p, codegen.Options{Package: "net"}); err == nil ||
			!strings.Contains(err.Error(), "internal error: emitting net: second: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package codegen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/runtime"
)

// TestConstants compares the names that literals use with the runtime's own, in
// the order of their values.
func TestConstants(t *testing.T) {
	files, err := filepath.Glob("../runtime/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string][]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			typ := ""
			for _, spec := range group.Specs {
				v := spec.(*ast.ValueSpec)
				if id, ok := v.Type.(*ast.Ident); ok {
					typ = id.Name
				}
				declared[typ] = append(declared[typ], v.Names[0].Name)
			}
		}
	}
	for typ, names := range constants {
		if diff := cmp.Diff(declared[typ.Name()], names); diff != "" {
			t.Errorf("%s (-runtime +codegen):\n%s", typ, diff)
		}
	}
}

func TestLiteral(t *testing.T) {
	for _, test := range []struct {
		value any
		want  string
	}{
		{runtime.Shape{C: 3, H: 224, W: 224}, "runtime.Shape{C: 3, H: 224, W: 224}"},
		{runtime.Shape{}, "runtime.Shape{}"},
		{runtime.View{Offset: 16, Pitch: 32}, "runtime.View{Offset: 16, Pitch: 32}"},
		{runtime.Act{Kind: runtime.LeakyReLU, Slope: 0.1}, "runtime.Act{Kind: runtime.LeakyReLU, Slope: 0.1}"},
		{runtime.LayerNorm{Eps: 1e-6, Affine: true}, "runtime.LayerNorm{Eps: 1e-06, Affine: true}"},
		{runtime.LRN{Alpha: math.SmallestNonzeroFloat64, Beta: -0.75, K: 1 << 60}, "runtime.LRN{Alpha: 5e-324, Beta: -0.75, K: 1.152921504606847e+18}"},
		{runtime.Pick{Channels: []int{2, 0, 1}}, "runtime.Pick{Channels: []int{2, 0, 1}}"},
		{runtime.Norm{Kind: runtime.Constant, Key: "a\"\n", Shift: []float64{0, 0.1}}, `runtime.Norm{Kind: runtime.Constant, Key: "a\"\n", Shift: []float64{0, 0.1}}`},
		{runtime.Norm{}, "runtime.Norm{}"},
	} {
		got, err := literal(test.value, nil)
		if err != nil {
			t.Errorf("%#v: %v", test.value, err)
			continue
		}
		if diff := cmp.Diff(test.want, fmt.Sprintf("%#v", got)); diff != "" {
			t.Error(diff)
		}
	}
	for _, value := range []any{math.NaN(), math.Inf(-1), runtime.Algo(99), map[string]int{}, []string{"a"}, int8(1)} {
		if got, err := literal(value, nil); err == nil {
			t.Errorf("%v has a literal: %#v", reflect.TypeOf(value), got)
		}
	}
}

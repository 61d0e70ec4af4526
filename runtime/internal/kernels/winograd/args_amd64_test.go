//go:build !purego

package winograd

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// The generator knows the fields of the arguments by their order, eight bytes each.
func TestArgs(t *testing.T) {
	source, err := os.ReadFile("../_asm/winograd/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[inputArgs](), reflect.TypeFor[outputArgs](), reflect.TypeFor[weightsArgs]()} {
		list := regexp.MustCompile(`(?s)emit\.Struct\("` + typ.Name() + `",(.*?)\)`).FindSubmatch(source)
		if list == nil {
			t.Fatalf("the generator describes no %s", typ.Name())
		}
		fields := strings.Split(string(list[1]), ",")
		for i, name := range fields {
			name = strings.Trim(name, " \n\t\"")
			if name == "bounds" { // two floats
				name = "lo"
			}
			if f, ok := typ.FieldByName(name); !ok || f.Offset != uintptr(8*i) {
				t.Errorf("the generator has %s at %d, %s at %d", name, 8*i, typ.Name(), f.Offset)
			}
		}
		if size := uintptr(8 * len(fields)); typ.Size() != size {
			t.Errorf("the generator has %d bytes of %s, the declaration %d", size, typ.Name(), typ.Size())
		}
	}
}

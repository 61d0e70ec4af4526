// Package argstest checks that generators of assembly know where the fields of their
// functions' arguments lie.
package argstest

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// Check compares typ, a struct of arguments, with what the generator of a family of
// kernels says of it: the fields at multiples of eight bytes, by their order. Two floats
// share eight bytes, where the generator has the first one's name.
func Check(t *testing.T, family string, typ reflect.Type) {
	t.Helper()
	source, err := os.ReadFile("../_asm/" + family + "/main.go")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`emit\.Struct\("` + typ.Name() + `",([^)]*)\)`).FindSubmatch(source)
	if list == nil {
		t.Fatalf("the generator describes no %s", typ.Name())
	}
	fields := strings.Split(string(list[1]), ",")
	for i, name := range fields {
		name = strings.Trim(name, " \n\t\"")
		if f, ok := typ.FieldByName(name); !ok || f.Offset != uintptr(8*i) {
			t.Errorf("the generator has %s at %d, %s at %d", name, 8*i, typ.Name(), f.Offset)
		}
	}
	if size := uintptr(8 * len(fields)); typ.Size() != size {
		t.Errorf("the generator has %d bytes of %s, the declaration %d", size, typ.Name(), typ.Size())
	}
}

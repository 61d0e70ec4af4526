//go:build !purego

package transpose

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// The generator knows the fields of the arguments by their order, eight bytes each.
func TestArgs(t *testing.T) {
	source, err := os.ReadFile("../_asm/transpose/main.go")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`emit\.Struct\("args", (.*?)\)`).FindSubmatch(source)
	if list == nil {
		t.Fatal("the generator describes no args")
	}
	typ := reflect.TypeFor[args]()
	fields := strings.Split(string(list[1]), ", ")
	for i, name := range fields {
		name = strings.Trim(name, `"`)
		if f, ok := typ.FieldByName(name); !ok || f.Offset != uintptr(8*i) {
			t.Errorf("the generator has %s at %d, args at %d", name, 8*i, f.Offset)
		}
	}
	if size := uintptr(8 * len(fields)); typ.Size() != size {
		t.Errorf("the generator has %d bytes of args, the declaration %d", size, typ.Size())
	}
}

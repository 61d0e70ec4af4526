package window

import (
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The generators know fields by their places: those of Args by their order, eight bytes
// each, those of Band and Tile by constants named after them.
func TestPlaces(t *testing.T) {
	source, err := os.ReadFile("../_asm/window/window.go")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)emit\.Struct\("args",(.*?)\)`).FindSubmatch(source)
	if list == nil {
		t.Fatal("the generators describe no args")
	}
	fields := strings.Split(string(list[1]), ",")
	for i, name := range fields {
		checkPlace(t, reflect.TypeFor[Args](), strings.Trim(name, " \n\t\""), uintptr(8*i))
	}
	checkSize(t, reflect.TypeFor[Args](), uintptr(8*len(fields)))

	types := map[string]reflect.Type{"band": reflect.TypeFor[Band](), "tile": reflect.TypeFor[Tile]()}
	seen := 0
	for _, m := range regexp.MustCompile(`(?mi)^\s+(band|tile)([A-Z]\w*)\s+= (\d+)$`).FindAllSubmatch(source, -1) {
		typ := types[strings.ToLower(string(m[1]))]
		at, err := strconv.Atoi(string(m[3]))
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if string(m[2]) == "Size" {
			checkSize(t, typ, uintptr(at))
		} else {
			checkPlace(t, typ, string(m[2]), uintptr(at))
		}
	}
	if seen < 2 {
		t.Error("the generators describe neither bands nor tiles")
	}
}

func checkPlace(t *testing.T, typ reflect.Type, name string, at uintptr) {
	t.Helper()
	f, ok := typ.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
	if !ok || f.Offset != at {
		t.Errorf("the generators have %s at %d, %v at %d", name, at, typ, f.Offset)
	}
}

func checkSize(t *testing.T, typ reflect.Type, size uintptr) {
	t.Helper()
	if typ.Size() != size {
		t.Errorf("the generators have %d bytes of %v, it has %d", size, typ, typ.Size())
	}
}

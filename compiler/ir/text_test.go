package ir_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// graphs returns the text of every graph in testdata, by file name.
func graphs(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.ir")
	if err != nil || len(files) == 0 {
		t.Fatal("no graphs in testdata", err)
	}
	texts := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(f)] = string(b)
	}
	return texts
}

func parse(t testing.TB, text string) *ir.Graph {
	t.Helper()
	g, err := ir.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestText reads each graph and expects the very same text back.
func TestText(t *testing.T) {
	for name, text := range graphs(t) {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(text, ir.Print(parse(t, text))); diff != "" {
				t.Errorf("Print after Parse (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTextIsComplete walks the table: testdata must show every operation, and
// every attribute with a value that is not its default.
func TestTextIsComplete(t *testing.T) {
	shown := map[string]bool{}
	for _, text := range graphs(t) {
		for _, v := range parse(t, text).Values {
			shown[v.Op.String()] = true
			if v.Attr == nil {
				continue
			}
			fallback := reflect.ValueOf(v.Op.Info().NewAttr()).Elem()
			attr := reflect.ValueOf(v.Attr).Elem()
			for i := range attr.NumField() {
				if !reflect.DeepEqual(attr.Field(i).Interface(), fallback.Field(i).Interface()) {
					shown[attr.Type().Name()+"."+attr.Type().Field(i).Name] = true
				}
			}
		}
	}
	for _, op := range ir.Ops() {
		if !shown[op.String()] {
			t.Errorf("no graph in testdata has a %v", op)
		}
		if op.Info().NewAttr == nil {
			continue
		}
		attr := reflect.TypeOf(op.Info().NewAttr()).Elem()
		for i := range attr.NumField() {
			f := attr.Field(i)
			if !shown[attr.Name()+"."+f.Name] {
				t.Errorf("no graph in testdata sets %s.%s", attr.Name(), f.Name)
			}
			if f.Tag.Get("ir") == "" {
				t.Errorf("%s.%s has no name in IR text", attr.Name(), f.Name)
			}
		}
	}
}

// TestParseShort reads what people write by hand: no shapes, plain comments.
func TestParseShort(t *testing.T) {
	short := `
# a remark
graph tiny
  %x = input : [3 8 8]
  %conv1 = conv %x out=4 k=3x3 p=1x1 s=1   weights="conv1"  # not a span
  %relu=relu %conv1
  output y=%relu
`
	long := `graph tiny
  %x = input : [3 8 8]
  %conv1 = conv %x out=4 k=3 p=1 weights=conv1 : [4 8 8]
  %relu = relu %conv1 : [4 8 8]
  output y = %relu
`
	if diff := cmp.Diff(long, ir.Print(parse(t, short))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseErrors(t *testing.T) {
	const head = "graph g\n%x = input : [4 8 8]\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "1:1: want graph NAME"},
		{"value first", "%x = input : [1]", "1:1: want one graph line, before all others"},
		{"two graphs", "graph a\ngraph b", "2:1: want one graph line, before all others"},
		{"keyword", head + "result y = %x", `3:1: unknown keyword "result": want graph, preprocess, label, output, scope or a value %name`},
		{"name", head + "%né = relu %x", `3:3: want "="`},
		{"no name", head + "% = relu %x", "3:3: want a name of letters, digits, _ . and -"},
		{"taken", head + "%x = relu %x", "3:1: the name x is taken"},
		{"operation", head + "%y = relux %x", `3:6: unknown operation "relux"`},
		{"undefined", head + "%y = relu %z", "3:12: %z is not defined above"},
		{"arity", head + "%y = relu %x %x", "3:1: relu takes 1 argument, not 2"},
		{"arity of a range", head + "%y = linear %x %x %x", "3:1: linear takes 1 to 2 arguments, not 3"},
		{"arity of two", head + "%y = mul %x", "3:1: mul takes 2 arguments, not 1"},
		{"arity without end", head + "%y = add %x", "3:1: add takes 2 or more arguments, not 1"},
		{"attribute", head + "%y = maxpool %x k=3 stride=2", `3:21: unknown attribute "stride" of maxpool, which has k s d p ceil countpad covers`},
		{"attribute of none", head + "%y = relu %x k=3", `3:14: unknown attribute "k" of relu, which has covers`},
		{"attribute of folded", head + "%y = add %x %x act=relu{k=3}", `3:25: unknown attribute "k" of relu, which has none`},
		{"twice", head + "%y = maxpool %x k=3 k=3", `3:21: attribute "k" is given twice`},
		{"size", head + "%y = maxpool %x k=3x", `3:19: "3x" is not a size such as 3 or 1x7`},
		{"padding", head + "%y = pad %x p=1,2", `3:15: "1,2" is not a padding such as 1, 0x3 or 0,1,2,1`},
		{"integer", head + "%y = slice %x from=a", `3:20: "a" is not an integer`},
		{"number", head + "%y = batchnorm %x eps=NaN weights=y", `3:23: "NaN" is not a finite number`},
		{"bool", head + "%y = maxpool %x k=2 ceil=1", `3:26: "1" is neither true nor false`},
		{"value", head + "%y = slice %x from= to=4", `3:21: "to" is not an integer`},
		{"no value", head + "%y = slice %x from=", "3:20: want a value"},
		{"list", head + "%y = pick %x channels=1", `3:23: want "["`},
		{"open list", head + "%y = pick %x channels=[1", "3:25: want a value"},
		{"not an activation", head + "%y = add %x %x act=softmax", "3:20: softmax is not an activation"},
		{"not a norm", head + "%y = conv %x out=4 k=1 weights=y after=[relu]", "3:41: relu cannot be folded"},
		{"norm with activation", head + "%y = conv %x out=4 k=1 weights=y after=[batchnorm{weights=b act=relu}]", "3:41: batchnorm cannot be folded"},
		{"shape", head + "%y = relu %x : [4 8 9]", "3:1: %y: the shape is [4 8 8] by the rule of relu, not [4 8 9]"},
		{"rule", head + "%y = linear %x out=3 weights=y", "3:1: linear needs a vector [features], its input is [4 8 8] [SHAPE001]"},
		{"input shape", "graph g\n%x = input", "2:1: a shape has one axis, [features], or three, [channels height width]: this is [] [SHAPE001]"},
		{"rest", head + "output y = %x %x", `3:15: unexpected "%x"`},
		{"label", head + "label tench", "3:7: want a string in double quotes"},
		{"preprocess twice", head + "preprocess resize=1\npreprocess resize=1", "4:1: preprocess is given twice"},
		{"no output", head, "graph: has no output"},
		{"span", head + "%y = relu %x # 0:1-2:3", "3:1: span \"\" 0:1 to \"\" 2:3 is no stretch of a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ir.Parse(c.text)
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// FuzzParse demands that what parses is valid, and prints and parses to itself.
func FuzzParse(f *testing.F) {
	for _, text := range graphs(f) {
		f.Add(text)
		for line := range strings.Lines(text) {
			f.Add("graph g\n%image = input : [8 12 10]\n" + line + "output y = %image\n")
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ir.Parse(text)
		if err != nil {
			return
		}
		if err := ir.Verify(g); err != nil {
			t.Fatalf("Parse accepts what Verify does not: %v", err)
		}
		printed := ir.Print(g)
		again, err := ir.Parse(printed)
		if err != nil {
			t.Fatalf("%v\nin\n%s", err, printed)
		}
		if diff := cmp.Diff(g, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the graph changes on its way through text:\n%s", diff)
		}
		if diff := cmp.Diff(printed, ir.Print(again)); diff != "" {
			t.Fatalf("Print is not stable:\n%s", diff)
		}
	})
}

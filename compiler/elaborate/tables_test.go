package elaborate

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/dsl/diag"
	"github.com/cnnc-dev/cnnc/dsl/dsltest"
)

// TestDocTables keeps the tables of docs/language.md equal to the language's
// own; -update rewrites them.
func TestDocTables(t *testing.T) {
	const path = "../../docs/language.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	for _, table := range []struct{ name, want string }{
		{"primitives", primitiveTable()},
		{"functions", functionTable()},
	} {
		before, rest, ok := strings.Cut(doc, "<!-- "+table.name+" -->\n")
		have, after, ok2 := strings.Cut(rest, "<!-- end of "+table.name+" -->")
		if !ok || !ok2 {
			t.Fatalf("no markers of %s", table.name)
		}
		if have == table.want {
			continue
		}
		if !dsltest.Update() {
			t.Errorf("%s differ (-doc +language); run with -update\n%s", table.name, cmp.Diff(have, table.want))
			continue
		}
		doc = before + "<!-- " + table.name + " -->\n" + table.want + "<!-- end of " + table.name + " -->" + after
	}
	if doc != string(text) {
		if err := os.WriteFile(path, []byte(doc), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCodes compiles the example of each of this package's codes and expects that
// code alone.
func TestCodes(t *testing.T) {
	for _, e := range diag.Codes() {
		if strings.HasPrefix(e.Code, "SYNTAX") || strings.HasPrefix(e.Code, "SHAPE") || e.Example == "" {
			continue
		}
		_, diags := Net(&Loader{Read: readOnly("n.cnn", e.Example)}, "n.cnn", "")
		if len(diags) != 1 || diags[0].Code != e.Code {
			t.Errorf("the example of %s gives %v", e.Code, diags)
		}
	}
}

// readOnly reads one file, of that text.
func readOnly(name, text string) func(string) ([]byte, error) {
	return func(asked string) ([]byte, error) {
		if asked != name {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}
}

func primitiveTable() string {
	var b strings.Builder
	b.WriteString("| primitive | |\n| --- | --- |\n")
	for _, p := range primitives {
		args := strings.Join(p.tensors, ", ")
		if p.anyNumber {
			args = "a, b, ..."
		}
		sep := "; "
		for _, a := range p.attrs {
			args += sep + a.name
			if a.def != "" {
				args += " = " + a.def
			}
			sep = ", "
		}
		fmt.Fprintf(&b, "| `%s(%s)` | %s |\n", p.name, args, p.doc)
	}
	return b.String()
}

func functionTable() string {
	var b strings.Builder
	b.WriteString("| function | |\n| --- | --- |\n")
	for _, f := range builtins {
		var names []string
		for _, p := range f.params {
			names = append(names, p.name)
		}
		if f.variadic {
			names = append(names, "...")
		}
		fmt.Fprintf(&b, "| `%s(%s)` | %s |\n", f.name, strings.Join(names, ", "), f.doc)
	}
	return b.String()
}

// TestPrimitives walks the table for gaps: every operation of the compiler can
// be written, and every row can be built with its documented defaults.
func TestPrimitives(t *testing.T) {
	offered := map[ir.Op]bool{ir.OpInput: true, ir.OpSlice: true, ir.OpPick: true} // input, x[a:b], x[[a, b]]
	for _, p := range primitives {
		offered[p.op] = true
		if p.doc == "" {
			t.Errorf("%s has no doc", p.name)
		}
		if p.op != ir.OpInvalid && (p.build == nil) != (p.op.Info().NewAttr == nil) {
			t.Errorf("%s: attributes and build don't agree", p.name)
		}
		if p.key != (p.op.Info().Params != nil) {
			t.Errorf("%s: needs a label, or does not, unlike the operation", p.name)
		}
	}
	for _, op := range ir.Ops() {
		if !offered[op] {
			t.Errorf("no primitive for %v", op)
		}
	}
}

// TestDefaults builds each primitive with its required attributes only, and
// again with the defaults that its row states written out.
func TestDefaults(t *testing.T) {
	required := map[string]string{
		"out": "4", "kernel": "3", "size": "5", "groups": "2", "pad": "1", "scale": "2",
	}
	for _, p := range primitives {
		if p.anyNumber || len(p.tensors) != 1 {
			continue
		}
		var short, long []string
		for _, a := range p.attrs {
			switch {
			case a.def == "":
				short = append(short, a.name+" = "+required[a.name])
				long = append(long, a.name+" = "+required[a.name])
			case a.name == "stride" && a.def == "kernel":
				long = append(long, "stride = 3")
			default:
				long = append(long, a.name+" = "+a.def)
			}
		}
		input := "x[4, 8, 8]"
		if p.op == ir.OpLinear {
			input = "x[4]"
		}
		build := func(args []string) string {
			src := fmt.Sprintf("net n {\n    input %s\n    x -> y: %s(%s)\n}\n", input, p.name, strings.Join(args, ", "))
			g, diags := Net(&Loader{Read: readOnly("n.cnn", src)}, "n.cnn", "")
			if g == nil {
				t.Fatalf("%s: %v", src, diags)
			}
			text := ""
			for line := range strings.Lines(ir.Print(g)) {
				line, _, _ = strings.Cut(line, "   #")
				text += strings.TrimSpace(line) + "\n"
			}
			return text
		}
		if d := cmp.Diff(build(short), build(long)); d != "" {
			t.Errorf("%s: the stated defaults are not those that hold:\n%s", p.name, d)
		}
	}
}

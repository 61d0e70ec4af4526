package dsl

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cnnc-dev/cnnc/dsl/dsltest"
)

func TestFormat(t *testing.T) {
	dsltest.Archives(t, "testdata/format", "in.cnn", map[string]dsltest.Producer{
		"formatted": func(t *testing.T, a dsltest.Archive) []byte {
			out, diags := FormatSource("in.cnn", a.File(t, "in.cnn"))
			if err := diags.Err(); err != nil {
				t.Fatal(err)
			}
			return out
		},
	})
}

// checkFormat holds the promises of Format against one source: it means the
// same, no comment is lost, and formatting again changes nothing.
func checkFormat(t *testing.T, src []byte) {
	t.Helper()
	before, diags := Parse("in.cnn", src)
	if diags.HasErrors() {
		return
	}
	once := Format(before)
	after, diags := Parse("in.cnn", once)
	if diags.HasErrors() {
		t.Fatalf("formatted text has errors:\n%v\n--- source\n%s\n--- formatted\n%s", diags, src, once)
	}
	if diff := cmp.Diff(dump(before.Decls), dump(after.Decls)); diff != "" {
		t.Fatalf("formatting changed the meaning (-before +after):\n%s\n--- source\n%s\n--- formatted\n%s", diff, src, once)
	}
	if diff := cmp.Diff(commentTexts(before), commentTexts(after)); diff != "" {
		t.Fatalf("formatting changed comments (-before +after):\n%s\n--- source\n%s\n--- formatted\n%s", diff, src, once)
	}
	if twice := Format(after); !bytes.Equal(once, twice) {
		t.Fatalf("formatting again changed text (-once +twice):\n%s\n--- source\n%s", cmp.Diff(string(once), string(twice)), src)
	}
}

// commentTexts is the comments of f in some order: hoisted ones move.
func commentTexts(f *File) []string {
	var out []string
	for _, c := range f.Comments {
		out = append(out, strings.TrimRight(c.Text, " \t\r"))
	}
	slices.Sort(out)
	return out
}

func TestFormatKeeps(t *testing.T) {
	for _, src := range seeds(t) {
		checkFormat(t, src)
	}
}

func FuzzFormat(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkFormat(t, src) })
}

func FuzzParse(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, diags := Parse("in.cnn", src)
		checkSpans(t, file, src)
		for _, d := range diags {
			if !d.Span.Start.IsValid() || d.Code == "" || d.Summary == "" {
				t.Errorf("incomplete diagnostic %+v", d)
			}
		}
	})
}

// seeds is every source text among the golden files and specs.
func seeds(t testing.TB) [][]byte {
	var out [][]byte
	archives, _ := filepath.Glob("testdata/*/*.txtar")
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name == "in.cnn" || f.Name == "formatted" {
				out = append(out, f.Data)
			}
		}
	}
	for _, pattern := range []string{"testdata/inplace/*.cnn", "../specs/*.cnn", "../specs/blocks/*.cnn"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, dsltest.Chunks(src)...)
		}
	}
	if len(out) == 0 {
		t.Fatal("no sources")
	}
	return out
}

package dsl

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/participle/v2/lexer"
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

// TestFormatRelaid formats the sources with their lines broken and joined and
// comments strewn at random.
func TestFormatRelaid(t *testing.T) {
	valid := 0
	for _, src := range seeds(t) {
		for seed := range uint64(10) {
			relaid := relay(src, seed)
			if _, diags := Parse("in.cnn", relaid); !diags.HasErrors() {
				valid++
			}
			checkFormat(t, relaid)
		}
	}
	if valid < 100 {
		t.Errorf("only %d relaid sources are valid: the test tests little", valid)
	}
}

// relay changes the white space between the tokens of src, and with it where
// lines end, and puts in comments. Few places are touched if seed is even.
func relay(src []byte, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	odds := 3
	if seed%2 == 0 {
		odds = 40
	}
	var b bytes.Buffer
	end := lexer.Position{Line: 1}
	for _, t := range scan("", string(src)) {
		between := src[end.Offset:t.Pos.Offset]
		if r.IntN(odds) == 0 {
			switch r.IntN(8) {
			case 0, 1:
				between = []byte("\n")
			case 2, 3:
				if !bytes.HasPrefix(src[t.Pos.Offset:], []byte("//")) && t.Pos.Line == end.Line {
					between = []byte(" ")
				}
			case 4:
				between = []byte("\n\n\n")
			case 5:
				between = fmt.Appendf(nil, " // c%d\n", r.IntN(100))
			case 6:
				between = fmt.Appendf(nil, "\n// c%d\n", r.IntN(100))
			case 7:
				between = fmt.Appendf(nil, "// c%d\n\n// d\n\n", r.IntN(100))
			}
		}
		b.Write(between)
		b.WriteString(t.Value)
		end = endOf(t)
	}
	b.Write(src[end.Offset:])
	return b.Bytes()
}

func FuzzFormat(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src, uint64(0))
	}
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		checkFormat(t, src)
		checkFormat(t, relay(src, seed))
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

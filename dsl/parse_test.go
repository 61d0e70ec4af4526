package dsl

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/dsl/diag"
	"github.com/cnnc-dev/cnnc/dsl/dsltest"
)

func TestParse(t *testing.T) {
	dsltest.Archives(t, "testdata/parse", ".cnn", map[string]dsltest.Producer{
		"tree": func(t *testing.T, a dsltest.Archive) []byte {
			f, diags := Parse("in.cnn", a.File(t, "in.cnn"))
			if err := diags.Err(); err != nil {
				t.Fatal(err)
			}
			return []byte(strings.TrimPrefix(dump(f.Decls), "\n"))
		},
		"spans": func(t *testing.T, a dsltest.Archive) []byte {
			src := a.File(t, "in.cnn")
			f, diags := Parse("in.cnn", src)
			if err := diags.Err(); err != nil {
				t.Fatal(err)
			}
			return spans(f, src)
		},
	})
}

// spans lists each node with the text of its span, in the order of the tree.
func spans(f *File, src []byte) []byte {
	var b bytes.Buffer
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[At]() {
				return
			}
			if n, ok := v.Interface().(Node); ok {
				fmt.Fprintf(&b, "%s %s %q\n", n.Span(), v.Type().Name(), textOf(src, n.Span()))
			}
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(f.Decls))
	walk(reflect.ValueOf(f.Comments))
	return b.Bytes()
}

func textOf(src []byte, s diag.Span) string {
	return string(src[offsetOf(src, s.Start):offsetOf(src, s.End)])
}

func offsetOf(src []byte, p diag.Pos) int {
	lines := bytes.SplitAfter(src, []byte("\n"))
	n := 0
	for _, l := range lines[:p.Line-1] {
		n += len(l)
	}
	return n + len(string([]rune(string(lines[p.Line-1]))[:p.Col-1]))
}

// TestEncodings reads what other editors write.
func TestEncodings(t *testing.T) {
	src := []byte("\ufeffuse \"a.cnn\" // c\r\nlet s = \"ä\" +\r\n\t1 // d\r\n")
	f, diags := Parse("in.cnn", src)
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(f.Decls[0].Span(), " ", f.Decls[1].(*Let).Value.(*Binary).Y.Span(), " ", f.Comments[1].Text)
	if want := "in.cnn:1:1 in.cnn:3:2  d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := string(Format(f)), "use \"a.cnn\"  // c\nlet s = \"ä\"\n    + 1  // d\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGrammar(t *testing.T) {
	dsltest.File(t, "testdata/grammar.ebnf", []byte(fileParser.String()+"\n"))
}

// TestErrors keeps the full text of errors that a newcomer is likely to meet.
func TestErrors(t *testing.T) {
	dsltest.Archives(t, "testdata/errors", ".cnn", map[string]dsltest.Producer{
		"errors": func(t *testing.T, a dsltest.Archive) []byte {
			src := a.File(t, "in.cnn")
			_, diags := Parse("in.cnn", src)
			var b bytes.Buffer
			text := func(string) (string, bool) { return string(src), true }
			if err := diag.Render(&b, diags, text, false); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		},
	})
}

// TestErrorsInPlace has many small mistakes, each with its message beside it.
func TestErrorsInPlace(t *testing.T) {
	paths, _ := filepath.Glob("testdata/inplace/*.cnn")
	if len(paths) == 0 {
		t.Fatal("no files")
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.ToSlash(path)
			for _, chunk := range dsltest.Chunks(src) {
				_, diags := Parse(name, chunk)
				dsltest.CheckErrors(t, name, chunk, diags)
			}
		})
	}
}

// TestCodes holds the examples of the registry against Parse: each gets its code
// and no other.
func TestCodes(t *testing.T) {
	for _, e := range diag.Codes() {
		if !strings.HasPrefix(e.Code, "SYNTAX") || e.Example == "" {
			continue
		}
		_, diags := Parse("in.cnn", []byte(e.Example))
		if len(diags) != 1 || diags[0].Code != e.Code {
			t.Errorf("the example of %s gives\n%v", e.Code, diags)
		}
	}
}

// checkSpans checks that each node lies within the file and within its parent.
func checkSpans(t *testing.T, f *File, src []byte) {
	t.Helper()
	whole := diag.Span{Start: diag.Pos{File: f.Name, Line: 1, Col: 1}, End: f.Src.End}
	var walk func(v reflect.Value, around diag.Span)
	walk = func(v reflect.Value, around diag.Span) {
		switch v.Kind() {
		case reflect.Interface, reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem(), around)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), around)
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[At]() {
				return
			}
			if n, ok := v.Interface().(Node); ok {
				s := n.Span()
				if !s.Start.IsValid() || s.Start.Before(around.Start) || around.End.Before(s.End) || !s.Start.Before(s.End) {
					t.Fatalf("%s at %v-%v lies outside %v-%v in\n%s", v.Type().Name(), s.Start, s.End, around.Start, around.End, src)
				}
				around = s
			}
			for i := range v.NumField() {
				walk(v.Field(i), around)
			}
		}
	}
	walk(reflect.ValueOf(f.Decls), whole)
}

// checkNodes checks that Nodes misses none of a tree.
func checkNodes(t *testing.T, f *File, src []byte) {
	t.Helper()
	for _, d := range f.Decls {
		want := []Node{d}
		var walk func(v reflect.Value)
		walk = func(v reflect.Value) {
			switch v.Kind() {
			case reflect.Interface:
				if !v.IsNil() {
					walk(v.Elem())
				}
			case reflect.Pointer:
				if v.IsNil() {
					return
				}
				switch n := v.Interface().(type) {
				case Stmt, Expr, *Body:
					if n != any(d) {
						want = append(want, n.(Node))
					}
				}
				walk(v.Elem())
			case reflect.Slice:
				for i := range v.Len() {
					walk(v.Index(i))
				}
			case reflect.Struct:
				for i := range v.NumField() {
					walk(v.Field(i))
				}
			}
		}
		walk(reflect.ValueOf(d))
		if got := slices.Collect(Nodes(d)); !slices.Equal(got, want) {
			t.Fatalf("Nodes yields %d of the %d nodes of\n%s", len(got), len(want), src)
		}
	}
}

// checkParse holds against one source what Parse promises of any.
func checkParse(t *testing.T, src []byte) {
	t.Helper()
	f, diags := Parse("in.cnn", src)
	checkSpans(t, f, src)
	checkNodes(t, f, src)
	for _, d := range diags {
		if !d.Span.Start.IsValid() || d.Code == "" || d.Summary == "" {
			t.Errorf("incomplete diagnostic %+v for\n%s", d, src)
		}
		if _, ok := diag.Explain(d.Code); !ok {
			t.Errorf("%s isn't in the registry", d.Code)
		}
	}
	var b bytes.Buffer
	text := func(string) (string, bool) { return string(src), true }
	if err := diag.Render(&b, diags, text, false); err != nil {
		t.Error(err)
	}
}

// TestParseScrambled drops, doubles and swaps tokens of good sources.
func TestParseScrambled(t *testing.T) {
	for _, src := range seeds(t) {
		for seed := range uint64(20) {
			checkParse(t, scramble(src, seed))
		}
	}
}

func scramble(src []byte, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	tokens := scan("", string(src))
	var b bytes.Buffer
	line := 1
	for i, t := range tokens {
		if t.Pos.Line > line {
			b.WriteString("\n")
			line = t.Pos.Line
		}
		value := t.Value + " "
		if r.IntN(15) == 0 {
			switch r.IntN(3) {
			case 0:
				value = ""
			case 1:
				value += value
			case 2:
				value = tokens[r.IntN(len(tokens))].Value + " "
			}
		}
		if i > 0 && endOf(tokens[i-1]).Offset == t.Pos.Offset {
			b.Truncate(len(bytes.TrimRight(b.Bytes(), " ")))
		}
		b.WriteString(value)
	}
	return b.Bytes()
}

func FuzzParse(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src, uint64(0))
	}
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		checkParse(t, src)
		checkParse(t, scramble(src, seed))
	})
}

// BenchmarkParse parses the specs and their library, one after the other.
func BenchmarkParse(b *testing.B) {
	var sources [][]byte
	size, lines := 0, 0
	paths, _ := filepath.Glob("../specs/*.cnn")
	blocks, _ := filepath.Glob("../specs/blocks/*.cnn")
	for _, path := range append(paths, blocks...) {
		src, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		sources = append(sources, src)
		size += len(src)
		lines += bytes.Count(src, []byte("\n"))
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, src := range sources {
			if _, diags := Parse("in.cnn", src); diags.HasErrors() {
				b.Fatal(diags)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*lines), "µs/line")
}

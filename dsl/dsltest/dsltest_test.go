package dsltest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// recorder is a testing.TB that keeps what it is told.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Errorf(f string, a ...any) { r.said = append(r.said, fmt.Sprintf(f, a...)) }
func (r *recorder) Fatalf(f string, a ...any) {
	r.said = append(r.said, "fatal: "+fmt.Sprintf(f, a...))
}

func at(file string, line int, code, summary string) *diag.Diagnostic {
	p := diag.Pos{File: file, Line: line, Col: 1}
	return &diag.Diagnostic{Code: code, Summary: summary, Span: diag.Span{Start: p, End: p}}
}

func TestCheckErrors(t *testing.T) {
	const src = `let a = 1
let b = c  // ERROR "nothing is called c" "NAME\d+"
let d = "e"  // ERROR "say \"so\""
`
	cases := []struct {
		name string
		got  diag.List
		want []string
	}{
		{"all there", diag.List{
			at("f", 2, "NAME001", "nothing is called c"), at("f", 2, "NAME002", "x"), at("f", 3, "X001", `say "so"`),
		}, nil},
		{"other files are not ours", diag.List{
			at("f", 2, "NAME001", "nothing is called c"), at("f", 2, "NAME002", "x"), at("f", 3, "X001", `say "so"`), at("g", 1, "X001", "x"),
		}, nil},
		{"missing", diag.List{
			at("f", 2, "NAME001", "nothing is called c"), at("f", 3, "X001", `say "so"`),
		}, []string{`f:2: no diagnostic matches "NAME\\d+"`}},
		{"unexpected, on another line, without a place", diag.List{
			at("f", 2, "NAME001", "nothing is called c"), at("f", 2, "NAME002", "x"), at("f", 3, "X001", `say "so"`),
			at("f", 1, "X001", "x"), {Code: "X002", Summary: "y"},
		}, []string{"unexpected diagnostic: f:1:1: error: x [X001]", "unexpected diagnostic: error: y [X002]"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{TB: t}
			CheckErrors(r, "f", []byte(src), c.got)
			if diff := cmp.Diff(c.want, r.said); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestExpectedErrorsRejects(t *testing.T) {
	for _, src := range []string{"x  // ERROR no quotes", `x  // ERROR "a" b`, `x  // ERROR "("`} {
		if got, err := expectedErrors([]byte(src)); err == nil {
			t.Errorf("%q gives %v, want an error", src, got)
		}
	}
}

func TestChunks(t *testing.T) {
	var got []string
	for _, c := range Chunks([]byte("a\nb\n---\nc\n ---\nd")) {
		got = append(got, string(c))
	}
	if diff := cmp.Diff([]string{"a\nb\n", "\n\n\nc\n", "\n\n\n\n\nd"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestFile(t *testing.T) {
	if Update() {
		t.Skip("-update makes the files whose absence is tested")
	}
	path := filepath.Join(t.TempDir(), "golden")
	r := &recorder{TB: t}
	File(r, path, []byte("a\n"))
	if err := os.WriteFile(path, []byte("b\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	File(r, path, []byte("a\n"))
	File(r, path, []byte("b\n"))
	if len(r.said) != 2 || !strings.Contains(r.said[0], "-update") || !strings.Contains(r.said[1], "differs") {
		t.Errorf("got %q, want one message for a missing file and one for a different one", r.said)
	}
}

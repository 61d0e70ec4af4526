package diag

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func span(file string, line, col, endLine, endCol int) Span {
	return Span{Pos{file, line, col}, Pos{file, endLine, endCol}}
}

func TestRender(t *testing.T) {
	const net = "net n() {\n" +
		"\tconv 1x1 out=512\n" +
		"    add shortcut\n" +
		"    漢字 -> \u0301é relu\n" +
		"    bad \x1b[31m \u202e text\n" +
		"}\n"
	long := strings.Repeat("a, ", 100) + "HERE" + strings.Repeat(", b", 100)
	files := map[string]string{"net.cnn": net, "other.cnn": "block b(x) {\r\n    x\r\n}\r\n", "long.cnn": long}
	src := func(file string) (string, bool) {
		text, ok := files[file]
		return text, ok
	}
	cases := []struct {
		name string
		list List
		want string
	}{
		{"two places", List{{
			Code: "SHAPE003", Summary: "add needs equal shapes: left is [256 28 28], right is [512 28 28]",
			Span: span("net.cnn", 3, 5, 3, 8), Label: "channels differ: 256 and 512", Help: "make them equal\nor project",
			Related: []Related{{span("net.cnn", 2, 2, 2, 6), "right side comes from here; out=256 would match"}},
		}}, `
net.cnn:3:5: error: add needs equal shapes: left is [256 28 28], right is [512 28 28] [SHAPE003]
 3 |     add shortcut
   |     ^^^ channels differ: 256 and 512
 2 |     conv 1x1 out=512
   |     ---- right side comes from here; out=256 would match
   = help: make them equal
           or project
`},
		{"one line, two places", List{{
			Severity: Warning, Code: "X001", Summary: "w", Span: span("net.cnn", 3, 9, 3, 17),
			Related: []Related{{span("net.cnn", 3, 5, 3, 8), "here"}},
		}}, `
net.cnn:3:9: warning: w [X001]
 3 |     add shortcut
   |         ^^^^^^^^
   |     --- here
`},
		{"another file", List{{
			Code: "X001", Summary: "s", Span: span("net.cnn", 3, 5, 3, 8),
			Related: []Related{{span("other.cnn", 2, 5, 2, 6), "called from here"}, {span("gone.cnn", 7, 1, 7, 2), "and here"}},
		}}, `
net.cnn:3:5: error: s [X001]
 3 |     add shortcut
   |     ^^^
   at other.cnn:2:5:
 2 |     x
   |     - called from here
   = note: gone.cnn:7:1: and here
`},
		{"wide and combining characters", List{
			{Code: "X001", Summary: "s", Span: span("net.cnn", 4, 5, 4, 7), Label: "wide"},
			{Code: "X001", Summary: "s", Span: span("net.cnn", 4, 14, 4, 18), Label: "after them"},
		}, "\nnet.cnn:4:5: error: s [X001]\n" +
			" 4 |     漢字 -> \u0301é relu\n" +
			"   |     ^^^^ wide\n" +
			"\n" +
			"net.cnn:4:14: error: s [X001]\n" +
			" 4 |     漢字 -> \u0301é relu\n" +
			"   |               ^^^^ after them\n"},
		{"terminal sequences", List{{
			Code: "X001", Summary: "text \x1b[2J", Span: span("net.cnn", 5, 5, 5, 8),
		}}, `
net.cnn:5:5: error: text �[2J [X001]
 5 |     bad �[31m � text
   |     ^^^
`},
		{"several lines", List{{
			Code: "X001", Summary: "s", Span: span("net.cnn", 1, 1, 6, 2), Label: "all of it",
		}}, `
net.cnn:1:1: error: s [X001]
 1 | net n() {
   | ^^^^^^^^^ all of it (to line 6)
`},
		{"end of line, empty span, wrong places", List{
			{Code: "X001", Summary: "s", Span: span("net.cnn", 1, 10, 1, 11)},
			{Code: "X001", Summary: "s", Span: span("net.cnn", 3, 5, 3, 5)},
			{Code: "X001", Summary: "s", Span: span("net.cnn", 99, 5, 99, 6), Label: "kept"},
			{Code: "X001", Summary: "s", Span: span("net.cnn", 3, 500, 2, 1)},
		}, `
net.cnn:1:10: error: s [X001]
 1 | net n() {
   |          ^

net.cnn:3:5: error: s [X001]
 3 |     add shortcut
   |     ^

net.cnn:99:5: error: s [X001]
    = note: kept

net.cnn:3:500: error: s [X001]
 3 |     add shortcut
   |                 ^
`},
		{"no place", List{
			{Code: "X001", Summary: "no net", Help: "name one"},
			{Code: "X001", Summary: "unreadable", Span: Span{Start: Pos{File: "a.cnn"}}},
		}, `
error: no net [X001]
   = help: name one

a.cnn: error: unreadable [X001]
`},
		{"long line", List{{
			Code: "X001", Summary: "s", Span: span("long.cnn", 1, 301, 1, 305), Label: "here",
		}}, "\nlong.cnn:1:301: error: s [X001]\n" +
			" 1 | … " + strings.Repeat("a, ", 13) + "HERE" + strings.Repeat(", b", 38) + ", …\n" +
			"   | " + strings.Repeat(" ", 41) + "^^^^ here\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if err := Render(&b, c.list, src, false); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), b.String()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			var colored strings.Builder
			if err := Render(&colored, c.list, src, true); err != nil {
				t.Fatal(err)
			}
			plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(colored.String(), "")
			if diff := cmp.Diff(b.String(), plain); diff != "" {
				t.Errorf("colour changes the text (-plain +coloured)\n%s", diff)
			}
		})
	}
}

func TestSuggest(t *testing.T) {
	blocks := []string{"bottleneck", "batchnorm", "conv", "basic_block", "relu", "relu6", "globalavgpool"}
	cases := []struct{ name, want string }{
		{"botleneck", "bottleneck"},
		{"BatchNorm", "batchnorm"},
		{"batch_norm", "batchnorm"},
		{"basicblock", "basic_block"},
		{"cnov", "conv"},
		{"conf", "conv"},
		{"relu", "relu6"}, // a name isn't suggested for itself
		{"rele", "relu"},
		{"gap", ""},
		{"x", ""},
		{"", ""},
		{"dropout", ""},
	}
	for _, c := range cases {
		if got := Suggest(c.name, blocks); got != c.want {
			t.Errorf("Suggest(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	cases := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"abcdef", "abdcef", 1}, {"ca", "abc", 3},
	}
	for _, c := range cases {
		if got := distance([]rune(c.a), []rune(c.b), 100); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		for limit := range 5 {
			if got := distance([]rune(c.a), []rune(c.b), limit); got < min(limit, c.want) || c.want < limit && got != c.want {
				t.Errorf("distance(%q, %q) with limit %d = %d, want %d", c.a, c.b, limit, got, c.want)
			}
		}
	}
}

func TestListSort(t *testing.T) {
	d := func(file string, line, col int, s Severity, code string) *Diagnostic {
		return &Diagnostic{Severity: s, Code: code, Span: span(file, line, col, line, col+1)}
	}
	l := List{
		d("b", 1, 1, Error, "A"), d("a", 2, 1, Error, "A"), d("a", 1, 9, Warning, "A"), d("a", 1, 9, Error, "B"),
		d("a", 1, 2, Error, "A"), d("a", 2, 1, Error, "A"), {Code: "first"},
	}
	l.Sort()
	var got []string
	for _, d := range l {
		got = append(got, fmt.Sprintf("%v %v %s", d.Span, d.Severity, d.Code))
	}
	want := []string{" error first", "a:1:2 error A", "a:1:9 error B", "a:1:9 warning A", "a:2:1 error A", "b:1:1 error A"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestListErr(t *testing.T) {
	if err := (List{{Severity: Warning}}).Err(); err != nil {
		t.Errorf("warnings alone give the error %v", err)
	}
	if err := (List)(nil).Err(); err != nil {
		t.Errorf("nothing gives the error %v", err)
	}
	l := List{
		{Code: "X001", Summary: "one", Span: span("a", 1, 2, 1, 3)},
		{Code: "X002", Summary: "two", Severity: Warning},
	}
	err := fmt.Errorf("wrapped: %w", l.Err())
	var back List
	if !errors.As(err, &back) || len(back) != 2 {
		t.Errorf("errors.As finds %v", back)
	}
	if want := "a:1:2: error: one [X001]\nwarning: two [X002]"; l.Error() != want {
		t.Errorf("Error() = %q, want %q", l.Error(), want)
	}
}

func TestJSON(t *testing.T) {
	l := List{
		{
			Code: "SHAPE003", Summary: "s", Span: span("a.cnn", 1, 2, 3, 4), Label: "l", Help: "h",
			Related: []Related{{span("b.cnn", 5, 6, 5, 7), "n"}},
		},
		{Severity: Warning, Code: "X001", Summary: "w"},
	}
	got, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `[
 {
  "severity": "error",
  "code": "SHAPE003",
  "message": "s",
  "file": "a.cnn",
  "line": 1,
  "column": 2,
  "end_line": 3,
  "end_column": 4,
  "label": "l",
  "help": "h",
  "related": [
   {
    "message": "n",
    "file": "b.cnn",
    "line": 5,
    "column": 6,
    "end_line": 5,
    "end_column": 7
   }
  ]
 },
 {
  "severity": "warning",
  "code": "X001",
  "message": "w",
  "file": ""
 }
]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestRegistry(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z]+[0-9]{3}$`)
	seen := make(map[string]bool)
	for _, e := range Codes() {
		if !form.MatchString(e.Code) {
			t.Errorf("%q isn't letters and three digits", e.Code)
		}
		if seen[e.Code] {
			t.Errorf("%s is there twice", e.Code)
		}
		seen[e.Code] = true
		if e.Title == "" || strings.HasSuffix(e.Title, ".") {
			t.Errorf("%s: title %q", e.Code, e.Title)
		}
		if !strings.HasSuffix(e.Text, ".") {
			t.Errorf("%s: text %q isn't whole sentences", e.Code, e.Text)
		}
		if got, ok := Explain(e.Code); !ok || got != e {
			t.Errorf("Explain(%s) = %v, %v", e.Code, got, ok)
		}
	}
	if _, ok := Explain("NONE000"); ok {
		t.Error("an unknown code is explained")
	}
}

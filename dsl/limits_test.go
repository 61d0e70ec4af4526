package dsl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// TestHostile feeds what would overflow stacks or take quadratic time: each
// input has some hundred thousand bytes, and a parser that isn't linear in all of
// them doesn't end within the test's time.
func TestHostile(t *testing.T) {
	const n = 40_000
	body := func(s string) string { return "block b(x) {\n" + s + "\n}\n" }
	cases := []struct {
		name, src string
		code      string // the first error; "" for none
	}{
		{"open parentheses", strings.Repeat("(", n), "SYNTAX023"},
		{"open braces", strings.Repeat("{", n), "SYNTAX023"},
		{"closing brackets", strings.Repeat("]", n), "SYNTAX008"},
		{"nested lists", "let a = " + strings.Repeat("[", n) + strings.Repeat("]", n), "SYNTAX023"},
		{"nested blocks", strings.Repeat("block b() {\n", n/4), "SYNTAX007"},
		{"nested ifs", body(strings.Repeat("if a {\n", n/4)), "SYNTAX023"},
		{"nested labels", body("x" + strings.Repeat("-> a{ x ", n/8)), "SYNTAX023"},
		{"minus signs", "let a = " + strings.Repeat("-", n) + "1", "SYNTAX024"},
		{"nots", "let a = " + strings.Repeat("not ", n) + "true", "SYNTAX024"},
		{"sum", "let a = 1" + strings.Repeat(" + 1", n/2), "SYNTAX024"},
		{"powers", "let a = 1" + strings.Repeat("^1", n/2), "SYNTAX024"},
		{"calls", "let a = f" + strings.Repeat("()", n/2), "SYNTAX024"},
		{"else ifs", body("if a {}" + strings.Repeat(" else if a {}", n/8)), "SYNTAX024"},
		{"missing commas", "let a = [" + strings.Repeat("1 ", n/2) + "]", "SYNTAX012"},
		{"errors", body(strings.Repeat("= x\n", n/4)), "SYNTAX001"},
		{"errors in a broken statement", body("f({" + strings.Repeat("= x\n", n/4)), "SYNTAX007"},
		{"lost blocks", strings.Repeat("block b\n}\n", n/10), "SYNTAX019"},
		{"broken blocks", strings.Repeat("block b(x) {\nf(\n= 3\n}\n", n/20), "SYNTAX007"},
		{"stray lines", strings.Repeat("x\n", n/2), "SYNTAX017"},
		{"stray characters", strings.Repeat("?\n", n/2), "SYNTAX002"},
		{"one label", body("x -> a" + strings.Repeat(".a", n/2) + ": f"), ""},
		{"no label", body("x -> a" + strings.Repeat("{a}", n/4)), "SYNTAX001"},
		{"pipe", body("x" + strings.Repeat(" -> f", n/4)), ""},
		{"long list", "let a = [" + strings.Repeat("1,", n/2) + "]", ""},
		{"table", "let a = [\n" + strings.Repeat("[1, 2],\n", n/8) + "]", ""},
		{"statements", body(strings.Repeat("y = x\n", n/6)), ""},
		{"declarations", strings.Repeat("let a = 1\n", n/10), ""},
		{"comments", strings.Repeat("// c\n", n/5), ""},
		{"comments inside", "let a = [\n" + strings.Repeat("1, // c\n", n/8) + "]", ""},
		{"operands over lines", "let a = 1\n" + strings.Repeat(" + 1\n", maxDepth), ""},
		{"nested as deep as allowed", "let a = " + strings.Repeat("[f(", maxDepth/2) + "1" + strings.Repeat(")]", maxDepth/2), ""},
		{"nested bodies", body(strings.Repeat("if a {\n", maxDepth-1) + strings.Repeat("}\n", maxDepth-1)), ""},
		{"long line", "let a = " + strings.Repeat("a", n), ""},
		{"long string", `let a = "` + strings.Repeat(`\n`, n/2) + `"`, ""},
		{"zero bytes", strings.Repeat("\x00", n), "SYNTAX002"},
		{"invalid UTF-8", strings.Repeat("\xff", n), "SYNTAX002"},
		{"too large", strings.Repeat(" ", maxSource+1), "SYNTAX022"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, diags := Parse("in.cnn", []byte(c.src))
			code := ""
			if len(diags) > 0 {
				code = diags[0].Code
			}
			if code != c.code {
				t.Errorf("got %q %.200v, want code %q", code, fmt.Sprint(diags), c.code)
			}
			if len(diags) > maxErrors {
				t.Errorf("%d errors, want at most %d", len(diags), maxErrors)
			}
			if len(diags) == 0 {
				Format(f)
			}
			if err := diag.Render(&strings.Builder{}, diags, func(string) (string, bool) { return c.src, true }, false); err != nil {
				t.Error(err)
			}
		})
	}
}

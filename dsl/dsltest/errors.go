package dsltest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// Expected is one diagnostic that a source file announces.
type Expected struct {
	Line    int
	Pattern *regexp.Regexp
}

// marker starts the part of a comment that announces diagnostics of its line:
//
//	y = x -> conf(3)  // ERROR "unknown block conf" "NAME001"
//
// Each quoted Go string is a regular expression for one diagnostic, matched
// against the text of Diagnostic.Error.
const marker = "// ERROR "

// ExpectedErrors reads the markers of src.
func ExpectedErrors(src []byte) ([]Expected, error) {
	var out []Expected
	for i, line := range strings.Split(string(src), "\n") {
		_, rest, ok := strings.Cut(line, marker)
		for ok && rest != "" {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("line %d: want quoted patterns after %q, found %q", i+1, marker, rest)
			}
			text, _ := strconv.Unquote(quoted)
			re, err := regexp.Compile(text)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			out = append(out, Expected{i + 1, re})
			rest = strings.TrimSpace(rest[len(quoted):])
		}
	}
	return out, nil
}

// CheckErrors compares the diagnostics in the file called name with the markers
// in its text. Each marker takes one diagnostic, each diagnostic there (or
// nowhere) needs a marker; those in other files are theirs to check.
func CheckErrors(t testing.TB, name string, src []byte, got diag.List) {
	t.Helper()
	expected, err := ExpectedErrors(src)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	rest := append(diag.List(nil), got...)
	for _, e := range expected {
		found := false
		for i, d := range rest {
			if d.Span.Start.File == name && d.Span.Start.Line == e.Line && e.Pattern.MatchString(d.Error()) {
				rest = append(rest[:i], rest[i+1:]...)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("%s:%d: no diagnostic matches %q", name, e.Line, e.Pattern)
		}
	}
	for _, d := range rest {
		if file := d.Span.Start.File; file == name || file == "" {
			t.Errorf("unexpected diagnostic: %v", d)
		}
	}
}

package dsltest

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// expected is one diagnostic that a source file announces.
type expected struct {
	Line    int
	Pattern *regexp.Regexp
}

// marker starts the part of a comment that announces diagnostics of its line:
//
//	y = x -> conf(3)  // ERROR "unknown block conf" "NAME001"
//
// Between each pair of quotes stands a regular expression, as it is, for one
// diagnostic; it is matched against the text of Diagnostic.Error.
const marker = "// ERROR "

// pattern is one expression; \" in it is a quote.
var pattern = regexp.MustCompile(`^"((?:[^"\\]|\\.)*)"`)

// expectedErrors reads the markers of src.
func expectedErrors(src []byte) ([]expected, error) {
	var out []expected
	for i, line := range strings.Split(string(src), "\n") {
		_, rest, ok := strings.Cut(line, marker)
		for ok && rest != "" {
			m := pattern.FindStringSubmatch(rest)
			if m == nil {
				return nil, fmt.Errorf("line %d: want quoted patterns after %q, found %q", i+1, marker, rest)
			}
			re, err := regexp.Compile(m[1])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			out = append(out, expected{i + 1, re})
			rest = strings.TrimSpace(rest[len(m[0]):])
		}
	}
	return out, nil
}

// CheckErrors compares the diagnostics in the file called name with the markers
// in its text. Each marker takes one diagnostic, each diagnostic there (or
// nowhere) needs a marker; those in other files are theirs to check.
func CheckErrors(t testing.TB, name string, src []byte, got diag.List) {
	t.Helper()
	want, err := expectedErrors(src)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	rest := append(diag.List(nil), got...)
	for _, e := range want {
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

// Chunks splits a file of mistakes at lines that are "---", for cases that must
// not meet. Each chunk is padded with blank lines so that its line numbers are
// those of the file.
func Chunks(src []byte) [][]byte {
	var chunks [][]byte
	var chunk bytes.Buffer
	for line, text := range bytes.SplitAfter(src, []byte("\n")) {
		if string(bytes.TrimSpace(text)) != "---" {
			chunk.Write(text)
			continue
		}
		chunks = append(chunks, bytes.Clone(chunk.Bytes()))
		chunk.Reset()
		chunk.WriteString(strings.Repeat("\n", line+1))
	}
	return append(chunks, bytes.Clone(chunk.Bytes()))
}

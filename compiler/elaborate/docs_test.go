package elaborate_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/elaborate"
)

// languageDoc teaches the language; its examples are tests.
const languageDoc = "../../docs/language.md"

var (
	fence    = regexp.MustCompile("(?ms)^```cnn(?: error ([A-Z]+[0-9]+))?\n(.*?)^```$")
	netStart = regexp.MustCompile(`(?m)^net `)
)

// printed is what a fence is said to print: indented, right behind it.
var printed = regexp.MustCompile(`\A\n+it prints\n\n((?:    .*\n)+)`)

// TestLanguageDoc elaborates every ```cnn fence of docs/language.md, each net of
// it; one marked "error CODE" must give that code first, and print what the page
// says. A fence without a net is the body of one, with the input that the page
// names.
func TestLanguageDoc(t *testing.T) {
	text, err := os.ReadFile(languageDoc)
	if err != nil {
		t.Fatal(err)
	}
	fences := fence.FindAllStringSubmatchIndex(string(text), -1)
	if len(fences) != strings.Count(string(text), "\n```cnn") {
		t.Errorf("%d of %d fences are understood", len(fences), strings.Count(string(text), "\n```cnn"))
	}
	for _, m := range fences {
		src, code := string(text[m[4]:m[5]]), ""
		if m[2] >= 0 {
			code = string(text[m[2]:m[3]])
		}
		if !netStart.MatchString(src) {
			src = "net example {\n    input x[16, 32, 32]\n    output given = x\n" + src + "}\n"
		}
		line := 1 + strings.Count(string(text[:m[0]]), "\n")
		l := loader(map[string]string{"main.cnn": src})
		nets, diags := elaborate.Nets(l, "main.cnn")
		for _, n := range nets {
			_, more := elaborate.Net(l, "main.cnn", n.Name)
			diags = append(diags, more...)
		}
		switch {
		case code == "" && diags.HasErrors():
			t.Errorf("line %d:\n%s", line, render(t, l, diags))
		case code != "" && (len(diags) == 0 || diags[0].Code != code):
			t.Errorf("line %d: want %s, got\n%s", line, code, render(t, l, diags))
		}
		if m := printed.FindSubmatch(text[m[1]:]); m != nil {
			want := strings.TrimPrefix(strings.ReplaceAll("\n"+string(m[1]), "\n    ", "\n"), "\n")
			if got := string(render(t, l, diags)); got != want {
				t.Errorf("line %d: the page says\n%sand the compiler\n%s", line, want, got)
			}
		}
	}
}

package specs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/specs"
)

var (
	docRow  = regexp.MustCompile("(?m)^\\| `(.*?)` \\| (.*?) \\| (.*?) \\| (.*?) \\|$")
	docLink = regexp.MustCompile(`\]\(([^)#][^)]*)\)`)
)

// TestNetworksDoc holds docs/networks.md to the specs: each line of its tables has
// the figures that the compiler computes, no net is forgotten, no link leads
// nowhere.
func TestNetworksDoc(t *testing.T) {
	const doc = "../docs/networks.md"
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range docRow.FindAllStringSubmatch(string(text), -1) {
		net, set, _ := strings.Cut(m[1], " -D ")
		seen[net] = true
		var overrides []string
		if set != "" {
			overrides = strings.Split(set, " -D ")
		}
		g := graph(t, net, overrides...)
		input := strings.ReplaceAll(strings.Trim(g.Inputs()[0].Shape.String(), "[]"), " ", " × ")
		got := fmt.Sprintf("%s, %s, %s", input, thousands(ir.ParamCount(g)), thousands(ir.MACs(g)))
		if want := strings.Join(m[2:], ", "); got != want {
			t.Errorf("%s: the page says %s, the compiler %s", m[1], want, got)
		}
	}
	for _, n := range leaves(t) {
		if !seen[n] {
			t.Errorf("the page has no line for %s", n)
		}
	}
	for _, m := range docLink.FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join("../docs", m[1])); err != nil {
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
}

// leaves returns the nets of the library that no other net specialises.
func leaves(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(specs.FS(), "*.cnn")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		infos, diags := elaborate.Nets(&elaborate.Loader{Library: specs.FS()}, specs.Prefix+file)
		if diags.HasErrors() {
			t.Fatal(diags.Err())
		}
		bases := map[string]bool{}
		for _, n := range infos {
			bases[n.Base] = true
		}
		for _, n := range infos {
			if !bases[n.Name] {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// thousands writes a count with its thousands apart.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

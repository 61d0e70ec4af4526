package diag

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// code is a diagnostic's code as sources have it.
var code = regexp.MustCompile(`"([A-Z]+0\d\d)"`)

// TestEveryCodeIsExplained looks for codes in the packages that give them.
func TestEveryCodeIsExplained(t *testing.T) {
	found := 0
	for _, root := range []string{"..", "../../compiler"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range code.FindAllStringSubmatch(string(text), -1) {
				found++
				if e, ok := Explain(m[1]); !ok || e.Title == "" || e.Text == "" {
					t.Errorf("%s: nothing explains %s", path, m[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 2*len(Codes()) { // each in its table, and where it is given
		t.Errorf("%d codes in the sources, of %d explained", found, len(Codes()))
	}
}

package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	var b strings.Builder
	Table(&b, []Column{{Title: "layer"}, {Title: "params", Right: true}},
		[][]string{{"conv1", Count(9408)}, {"é", "1"}}, []string{"total", "9,409"})
	want := `
layer  params
---------------
conv1   9,408
é           1
---------------
total   9,409
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

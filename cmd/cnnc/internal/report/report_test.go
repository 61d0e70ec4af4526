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

func TestJSON(t *testing.T) {
	var b strings.Builder
	err := JSON(&b, map[string]any{
		"shape": []int{3, 224, 224}, "empty": []int{}, "names": []string{"a, b", "[1"}, "nested": [][]float64{{-1.5, 1e-9}, {0}},
		"long": []int{1, 2, 3, 4, 5, 6, 7, 8, 9},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "empty": [],
  "long": [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9
  ],
  "names": [
    "a, b",
    "[1"
  ],
  "nested": [
    [-1.5, 1e-9],
    [0]
  ],
  "shape": [3, 224, 224]
}
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

package pass_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

const source = `graph tiny
  %x = input : [4 8 8]
  %a = relu %x : [4 8 8]
  %b = sigmoid %a : [4 8 8]
  output y = %b
`

func parse(t *testing.T) *ir.Graph {
	t.Helper()
	g, err := ir.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// noting returns a pass that notes in ran that it has run.
func noting(name string, ran *[]string) pass.Pass {
	return pass.Pass{Name: name, Run: func(g *ir.Graph) (*ir.Graph, error) {
		*ran = append(*ran, name)
		return g, nil
	}}
}

func TestSwitches(t *testing.T) {
	tests := []struct {
		name string
		opts pass.Options
		want []string
	}{
		{"all", pass.Options{}, []string{"one", "two", "three"}},
		{"disabled", pass.Options{Disable: []string{"two"}}, []string{"one", "three"}},
		{"stop", pass.Options{StopAfter: "two"}, []string{"one", "two"}},
		{"stop after a disabled one", pass.Options{Disable: []string{"two"}, StopAfter: "two"}, []string{"one"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var ran, told []string
			list := []pass.Pass{noting("one", &ran), noting("two", &ran), noting("three", &ran)}
			_, events, err := pass.Run(parse(t), list, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				told = append(told, e.Pass.Name)
			}
			if !slices.Equal(ran, tt.want) || !slices.Equal(told, tt.want) {
				t.Errorf("ran %v, events of %v; want %v", ran, told, tt.want)
			}
		})
	}
}

func TestOptionErrors(t *testing.T) {
	var ran []string
	list := []pass.Pass{noting("fold-batchnorm", &ran), noting("dce", &ran)}
	list[1].Required = true
	tests := []struct {
		opts pass.Options
		want string
	}{
		{pass.Options{Disable: []string{"fold-batchnrom"}}, `there is no pass "fold-batchnrom"; did you mean fold-batchnorm?`},
		{pass.Options{StopAfter: "xyz"}, `there is no pass "xyz"; the passes are fold-batchnorm, dce`},
		{pass.Options{Disable: []string{"dce"}}, `pass dce cannot be switched off; later phases count on it`},
	}
	for _, tt := range tests {
		_, _, err := pass.Run(parse(t), list, tt.opts)
		var opt *pass.OptionError
		if !errors.As(err, &opt) || err.Error() != tt.want {
			t.Errorf("%+v: error is %v, want %s", tt.opts, err, tt.want)
		}
	}
	if len(ran) > 0 {
		t.Errorf("%v ran in spite of a wrong switch", ran)
	}
}

func TestFailures(t *testing.T) {
	boom := pass.EachValue(func(_ *ir.Rewriter, v *ir.Value) error {
		if v.Name == "b" {
			panic("boom")
		}
		return nil
	})
	tests := []struct {
		name string
		run  func(*ir.Graph) (*ir.Graph, error)
		want string
	}{
		{"panic at a value", boom, "internal error: pass bad: value b: panic: boom"},
		{"panic elsewhere", func(*ir.Graph) (*ir.Graph, error) { panic("boom") }, "internal error: pass bad: panic: boom"},
		{
			"error", pass.EachValue(func(_ *ir.Rewriter, v *ir.Value) error { return errors.New("no") }),
			"internal error: pass bad: value a: no",
		},
		{
			"wrong result", func(g *ir.Graph) (*ir.Graph, error) {
				g.Values[1].Shape = g.Values[1].Shape[:1]
				return g, nil
			},
			"internal error: pass bad: ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := pass.Run(parse(t), []pass.Pass{{Name: "bad", Run: tt.run}}, pass.Options{})
			var internal *pass.InternalError
			if !errors.As(err, &internal) {
				t.Fatalf("error is %v, want an internal error", err)
			}
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error is %q, want %q", err, tt.want)
			}
		})
	}
}

func TestWrongGraph(t *testing.T) {
	g := parse(t)
	g.Outputs = nil
	_, _, err := pass.Run(g, nil, pass.Options{})
	var internal *pass.InternalError
	if !errors.As(err, &internal) {
		t.Errorf("error is %v, want an internal error", err)
	}
}

func TestCheckOrder(t *testing.T) {
	list := []pass.Pass{{Name: "one"}, {Name: "two"}}
	tests := []struct {
		list  []pass.Pass
		order []pass.Order
		want  string
	}{
		{list, []pass.Order{{"one", "two", "reason"}}, ""},
		{list, []pass.Order{{"two", "one", "it must"}}, "pass two must run before one: it must"},
		{list, []pass.Order{{"one", "six", "reason"}}, "an ordering rule names the pass six, which is not in the list"},
		{list, []pass.Order{{"six", "one", "reason"}}, "an ordering rule names the pass six, which is not in the list"},
		{[]pass.Pass{{Name: "one"}, {Name: "one"}}, nil, "pass one is in the list twice"},
	}
	for _, tt := range tests {
		got := ""
		if err := pass.CheckOrder(tt.list, tt.order); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("CheckOrder(%v) = %q, want %q", tt.order, got, tt.want)
		}
	}
}

package draw

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// symbols writes the channels inside of a block as papers do: by those that come
// in, c, and those that go out, n, so that one figure stands for blocks of all
// sizes.
type symbols struct {
	inputs [][]int // channels of each input, a block each
	out    []int   // channels of the result, a block each
	usesC  bool
	usesN  bool
}

func newSymbols(g *ir.Graph, k *group, inputs int) *symbols {
	s := &symbols{inputs: make([][]int, inputs)}
	for _, it := range k.list {
		for i, a := range outside(it.body) {
			s.inputs[i] = append(s.inputs[i], g.Value(a).Shape.Channels())
		}
		s.out = append(s.out, g.Value(it.result).Shape.Channels())
	}
	return s
}

// input returns the channels of the i-th input.
func (s *symbols) input(i int) string {
	if i == 0 && !constant(s.inputs[0]) {
		s.usesC = true
		return "c"
	}
	return s.write(s.inputs[i])
}

// of returns the channels of the results of items, a block each.
func (s *symbols) of(list []*item) string {
	var channels []int
	for _, it := range list {
		channels = append(channels, it.out.Shape.Channels())
	}
	return s.write(channels)
}

func (s *symbols) write(channels []int) string {
	if constant(channels) {
		return strconv.Itoa(channels[0])
	}
	if text, ok := relative(channels, s.inputs[0], "c"); ok {
		s.usesC = true
		return text
	}
	if text, ok := relative(channels, s.out, "n"); ok {
		s.usesN = true
		return text
	}
	if text, ok := multiples(channels, s.inputs[0], "c"); ok {
		s.usesC = true
		return text
	}
	return fmt.Sprintf("%d–%d", slices.Min(channels), slices.Max(channels))
}

func constant(list []int) bool { return slices.Min(list) == slices.Max(list) }

// relative writes numbers as a multiple or a part of others, or as those and some
// more, if the same holds for all.
func relative(list, base []int, name string) (string, bool) {
	holds := func(f func(x, b int) bool) bool {
		for i := range list {
			if !f(list[i], base[i]) {
				return false
			}
		}
		return true
	}
	x, b := list[0], base[0]
	switch {
	case x%b == 0 && holds(func(y, c int) bool { return y == c*(x/b) }):
		return times(x/b, name), true
	case b%x == 0 && holds(func(y, c int) bool { return c == y*(b/x) }):
		return fmt.Sprintf("%s/%d", name, b/x), true
	case x > b && holds(func(y, c int) bool { return y-c == x-b }):
		return fmt.Sprintf("%s + %d", name, x-b), true
	}
	return "", false
}

func times(k int, name string) string {
	if k == 1 {
		return name
	}
	return strconv.Itoa(k) + name
}

// multiples writes numbers as two or three different multiples of others: 4c/6c.
func multiples(list, base []int, name string) (string, bool) {
	var factors []int
	for i, x := range list {
		if x%base[i] != 0 {
			return "", false
		}
		factors = append(factors, x/base[i])
	}
	slices.Sort(factors)
	factors = slices.Compact(factors)
	var text []string
	for _, k := range factors {
		text = append(text, times(k, name))
	}
	const most = 3
	return strings.Join(text, "/"), len(factors) <= most
}

// note says what the letters stand for.
func (s *symbols) note() string {
	var text []string
	if s.usesC {
		text = append(text, "c = "+series(s.inputs[0]))
	}
	if s.usesN {
		text = append(text, "n = "+series(s.out))
	}
	return strings.Join(text, "; ")
}

// series lists the different numbers in rising order, the first and the last if
// there are many.
func series(list []int) string {
	list = slices.Clone(list)
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > 5 {
		return fmt.Sprintf("%d … %d", list[0], list[len(list)-1])
	}
	var text []string
	for _, n := range list {
		text = append(text, strconv.Itoa(n))
	}
	return strings.Join(text, ", ")
}

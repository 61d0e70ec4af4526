package draw

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// item is what becomes a node: an operation with the small ones that belong to
// it, or a block; or several of either that repeat.
type item struct {
	name   string // the layer's or the block's label, the net's scopes included
	op     *ir.Value
	in     shape.Shape // of op's first argument
	pick   *ir.Value   // the choice of channels that op reads, if any
	tail   []*ir.Value // normalisations, activations: what works on op's or the block's result in place
	block  string      // the block called, as the spec names it; op is nil then
	body   []*item     // the block's
	result ir.ID       // what the block returned

	args []ir.ID // values from elsewhere, each once, in order of use
	outs []ir.ID // what others may use of it
	out  *ir.Value

	// units are the repetitions, this item being the first of them; nil for none.
	units    []*item
	parallel bool // the repetitions stand side by side
}

// tree builds the items of a graph by its scopes, blocks in blocks.
func tree(g *ir.Graph) []*item {
	b := &treeBuilder{g: g, scopes: scopeRanges(g)}
	return b.items(0, len(g.Values))
}

// scopeRange is a labelled block call: values [from, to) and what it returned.
type scopeRange struct {
	from, to int
	scope    ir.Scope
}

// scopeRanges finds the values of each scope by their names; outer scopes come
// before inner ones. A scope whose values do not stand together is left out:
// drawn as one node it could be part of a cycle.
func scopeRanges(g *ir.Graph) []scopeRange {
	at := map[string]int{}
	found := make([]scopeRange, len(g.Scopes))
	for i, s := range g.Scopes {
		at[s.Name] = i
		found[i] = scopeRange{scope: s}
	}
	count := make([]int, len(found))
	for i, v := range g.Values {
		for end := 0; end < len(v.Name); end++ {
			if v.Name[end] != '.' {
				continue
			}
			k, ok := at[v.Name[:end]]
			if !ok {
				continue
			}
			if count[k] == 0 {
				found[k].from = i
			}
			found[k].to = i + 1
			count[k]++
		}
	}
	var ranges []scopeRange
	for i, r := range found {
		inside := int(r.scope.Value) >= r.from && int(r.scope.Value) < r.to
		if count[i] == r.to-r.from && inside {
			ranges = append(ranges, r)
		}
	}
	slices.SortStableFunc(ranges, func(a, b scopeRange) int {
		if a.from != b.from {
			return a.from - b.from
		}
		if a.to != b.to {
			return b.to - a.to
		}
		return len(a.scope.Name) - len(b.scope.Name)
	})
	return ranges
}

type treeBuilder struct {
	g      *ir.Graph
	scopes []scopeRange // those not yet passed
}

// items builds the items of values [from, to).
func (b *treeBuilder) items(from, to int) []*item {
	var items []*item
	for i := from; i < to; {
		if len(b.scopes) > 0 && b.scopes[0].from == i && b.scopes[0].to <= to {
			s := b.scopes[0]
			b.scopes = b.scopes[1:]
			it := &item{name: s.scope.Name, block: s.scope.Block, out: b.g.Value(s.scope.Value), result: s.scope.Value, body: b.items(s.from, s.to)}
			it.args = outside(it.body)
			for id := s.from; id < s.to; id++ {
				it.outs = append(it.outs, ir.ID(id))
			}
			items = append(items, it)
			i = s.to
			continue
		}
		v := b.g.Values[i]
		it := &item{name: v.Name, op: v, out: v, outs: []ir.ID{v.ID}}
		for _, a := range v.Args {
			it.args = appendOnce(it.args, a)
		}
		if len(v.Args) > 0 {
			it.in = b.g.Value(v.Args[0]).Shape
		}
		items = append(items, it)
		i++
	}
	return items
}

// outside lists what a body uses of values that aren't its own.
func outside(body []*item) []ir.ID {
	var args []ir.ID
	own := producers(body)
	for _, it := range body {
		for _, a := range it.args {
			if _, ok := own[a]; !ok {
				args = appendOnce(args, a)
			}
		}
	}
	return args
}

// producers maps each value to the item of the body that makes it.
func producers(body []*item) map[ir.ID]int {
	own := map[ir.ID]int{}
	for i, it := range body {
		for _, o := range it.outs {
			own[o] = i
		}
	}
	return own
}

func appendOnce(list []ir.ID, id ir.ID) []ir.ID {
	if slices.Contains(list, id) {
		return list
	}
	return append(list, id)
}

// values returns every operation of the item, repetitions included, in order.
func (it *item) values() []*ir.Value {
	if it.units != nil {
		var all []*ir.Value
		for _, u := range it.units {
			all = append(all, u.values()...)
		}
		return all
	}
	var all []*ir.Value
	for _, b := range it.body {
		all = append(all, b.values()...)
	}
	if it.pick != nil {
		all = append(all, it.pick)
	}
	if it.op != nil {
		all = append(all, it.op)
	}
	return append(all, it.tail...)
}

// count returns how often the item stands there.
func (it *item) count() int { return max(1, len(it.units)) }

// each returns the repetitions, or the item alone.
func (it *item) each() []*item {
	if it.units != nil {
		return it.units
	}
	return []*item{it}
}

// label returns the names of the item: layer1.1 to layer1.3 as layer1.1–3.
func (it *item) label() string {
	if it.units == nil {
		return it.name
	}
	first, last := it.units[0].name, it.units[len(it.units)-1].name
	n := 0
	for n < len(first) && n < len(last) && first[n] == last[n] {
		n++
	}
	for n > 0 && !(partStarts(first, n) && partStarts(last, n)) {
		n--
	}
	if n == 0 {
		return first + " – " + last
	}
	return first + "–" + last[n:]
}

// partStarts reports whether a part of a name starts at i: behind a dot or an
// underscore, or with a number's first digit.
func partStarts(name string, i int) bool {
	if i == 0 || i >= len(name) {
		return i == 0
	}
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	before := name[i-1]
	return before == '.' || before == '_' || digit(name[i]) && !digit(before)
}

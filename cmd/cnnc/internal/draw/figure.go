package draw

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// group is the blocks of one structure, which share a figure.
type group struct {
	block string
	tag   string // A, B, ... if the block has several structures
	list  []*item
}

func (k *group) title() string {
	return strings.TrimSpace(blockTitle(k.block) + " " + k.tag)
}

type groups struct {
	list []*group
	of   map[string]*group // by signature
}

// collect groups the blocks among items, those inside of blocks last.
func collect(items []*item) *groups {
	k := &groups{of: map[string]*group{}}
	level := items
	for len(level) > 0 {
		var inner []*item
		for _, it := range level {
			if it.block == "" {
				continue
			}
			for _, u := range it.each() {
				k.add(u)
				inner = append(inner, u.body...)
			}
		}
		level = inner
	}
	variants := map[string][]*group{}
	for _, g := range k.list {
		variants[g.block] = append(variants[g.block], g)
	}
	for _, gs := range variants {
		for i, g := range gs {
			if len(gs) > 1 {
				g.tag = tag(i)
			}
		}
	}
	return k
}

func (k *groups) add(it *item) {
	sig := structure(it)
	g := k.of[sig]
	if g == nil {
		g = &group{block: it.block}
		k.of[sig] = g
		k.list = append(k.list, g)
	}
	g.list = append(g.list, it)
}

func (k *groups) find(it *item) *group { return k.of[structure(it)] }

// structure is the signature of a block alone, without what follows it in place.
func structure(it *item) string {
	alone := *it
	alone.units, alone.tail = nil, nil
	return alone.signature(false)
}

// tag returns A to Z, then 27, 28, ...
func tag(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return strconv.Itoa(i + 1)
}

type figureBuilder struct {
	g      *ir.Graph
	groups *groups
}

// results returns what a block computes for others: what it returned first, and
// whatever else is used outside of it.
func (b *figureBuilder) results(it *item) []ir.ID {
	results := []ir.ID{it.result}
	inside := map[ir.ID]bool{}
	for _, inner := range it.body {
		for _, o := range inner.outs {
			inside[o] = true
		}
	}
	for _, v := range b.g.Values {
		for _, a := range v.Args {
			if inside[a] && !inside[v.ID] {
				results = appendOnce(results, a)
			}
		}
	}
	for _, o := range b.g.Outputs {
		if inside[o.Value] {
			results = appendOnce(results, o.Value)
		}
	}
	return results
}

// network draws the column of the network.
func (b *figureBuilder) network(items []*item) *Figure {
	f := &Figure{}
	at := map[ir.ID]int{} // the node that makes a value
	for i, it := range items {
		n := Node{
			Kind: it.kind(), Title: title([]*item{it}), Detail: detail([]*item{it}), Name: it.label(),
			Count: it.count(),
			Shape: shapeText(it.out.Shape), Map: mapText(it.out),
		}
		if it.parallel {
			n.Detail = dots("side by side", detail(it.units))
			n.Shape = fmt.Sprintf("%d of %s", n.Count, n.Shape)
		}
		if it.block != "" {
			k := b.groups.find(it)
			n.Title = k.title()
			n.Detail = dots(k.particulars(it), n.Detail)
		}
		if n.Kind == Input {
			n.Name, n.Map = "", ""
		}
		for _, v := range it.values() {
			l := b.layer(v)
			n.Params += l.Params
			n.MACs += l.MACs
			n.Layers = append(n.Layers, l)
		}
		f.Nodes = append(f.Nodes, n)
		for _, o := range it.outs {
			at[o] = i
		}
		for _, a := range it.args {
			f.connect(at[a], i)
		}
	}
	for _, o := range b.g.Outputs {
		f.Nodes = append(f.Nodes, Node{Kind: Output, Title: o.Name, Count: 1, Shape: shapeText(b.g.Value(o.Value).Shape)})
		f.connect(at[o.Value], len(f.Nodes)-1)
	}
	return f
}

// connect adds an edge, once.
func (f *Figure) connect(from, to int) {
	if e := [2]int{from, to}; !slices.Contains(f.Edges, e) {
		f.Edges = append(f.Edges, e)
	}
}

func mapText(v *ir.Value) string {
	if !v.Shape.IsMap() {
		return ""
	}
	return fmt.Sprintf("%d × %d", v.Shape.Height(), v.Shape.Width())
}

func (b *figureBuilder) layer(v *ir.Value) Layer {
	l := Layer{Name: v.Name, Op: v.Op.String(), Shape: shapeText(v.Shape), MACs: v.MACs(b.g), Source: v.Span.String()}
	for _, p := range v.Params(b.g) {
		if !p.Buffer {
			l.Params += p.Elems()
		}
	}
	return l
}

// particulars says what sets a block apart from others of its group: what its
// figure shows as 3×3/5×5 or /s.
func (k *group) particulars(it *item) string {
	var kernels, strides, acts []string
	for j, inner := range it.body {
		all, one := k.column(j), []*item{inner}
		if text := kernelOf(one); text != kernelOf(all) {
			kernels = append(kernels, text)
		}
		if text := strideOf(one); text != strideOf(all) {
			strides = append(strides, text)
		}
		for i, v := range inner.small() {
			differs := func(other *item) bool { return other.small()[i].Op != v.Op }
			if slices.ContainsFunc(all, differs) {
				acts = append(acts, shorthand[v.Op])
			}
		}
	}
	text := slices.Concat(kernels, strides, acts)
	slices.Sort(text)
	return dots(slices.Compact(text)...)
}

// column returns the j-th items of the group's blocks.
func (k *group) column(j int) []*item {
	var list []*item
	for _, it := range k.list {
		list = append(list, it.body[j])
	}
	return list
}

// block draws the inside of a group's blocks.
func (b *figureBuilder) block(k *group) *Figure {
	f := &Figure{Title: k.title()}
	first := k.list[0]
	args := outside(first.body)
	at := map[ir.ID]int{}
	sym := newSymbols(b.g, k, len(args))
	for i, a := range args {
		f.Nodes = append(f.Nodes, Node{Kind: Port, Count: 1, Shape: sym.input(i)})
		at[a] = i
	}
	for j, it := range first.body {
		all := k.column(j)
		n := Node{Kind: it.kind(), Title: title(all), Detail: detail(all), Count: 1, Shape: sym.of(all)}
		if it.block != "" {
			n.Title = b.groups.find(it).title()
		}
		i := len(f.Nodes)
		f.Nodes = append(f.Nodes, n)
		for _, o := range it.outs {
			at[o] = i
		}
		for _, a := range it.args {
			f.connect(at[a], i)
		}
	}
	for _, result := range b.results(first) {
		f.Nodes = append(f.Nodes, Node{Kind: Port, Count: 1})
		f.connect(at[result], len(f.Nodes)-1)
	}
	f.Note = sym.note()
	return f
}

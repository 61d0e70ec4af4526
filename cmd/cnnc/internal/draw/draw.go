// Package draw makes pictures of networks as papers have them: the layers in a
// column, equal ones folded into one with a count, and each kind of block drawn
// once beside it. New decides what there is to see; DOT, SVG and HTML write it.
// The same network gives the same bytes everywhere.
package draw

import (
	"fmt"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// Kind is what a node is, and gives its colour.
type Kind uint8

const (
	Input  Kind = iota // of the network
	Output             // of the network
	Port               // where a block's input comes in, or its result goes out; not drawn
	Conv
	Grouped // convolutions of several groups, depthwise ones among them
	Linear
	Pool
	Small // normalisation and activation that stand alone
	Join  // sum, product, concatenation
	Other
	Block // drawn beside
)

// Drawing is what a picture of a network shows.
type Drawing struct {
	Name    string // the net's
	Source  string // its spec
	Params  int64  // as PyTorch counts
	Buffers int64  // running statistics
	MACs    int64  // of one image; convolutions and linear layers
	Network *Figure
	Blocks  []*Figure // a kind of block each, in the order in which they appear
}

// Figure is a graph: the network's column, or the inside of a block.
type Figure struct {
	Title string
	Note  string // what the letters on a block's edges stand for; ""
	Nodes []Node
	Edges [][2]int // from, to: indices of Nodes
}

// Node is a layer, a block, or several equal ones.
type Node struct {
	Kind   Kind
	Title  string // 3×3 conv, /2
	Detail string // what follows in place: BN · ReLU
	Count  int    // how often it stands there, in a row unless Detail says otherwise
	Name   string // the label in the spec; "" in blocks
	Shape  string // of its result, for the edges that leave it
	Map    string // height and width of the result, "" for a vector
	Params int64
	MACs   int64
	Layers []Layer // what it consists of; nil in blocks
}

// Layer is one operation, for tables and hover texts.
type Layer struct {
	Name   string
	Op     string
	Shape  string
	Params int64
	MACs   int64
	Source string // file:line:col
}

// mostNodes is how many nodes a figure may have.
const mostNodes = 1000

// New folds a network, as the spec has it, into what is worth drawing.
func New(g *ir.Graph) (*Drawing, error) {
	items := fold(g)
	if err := fits(g.Name, items); err != nil {
		return nil, err
	}
	groups := collect(items)
	b := &figureBuilder{g: g, groups: groups}
	d := &Drawing{
		Name: g.Name, Source: g.Source,
		Params: ir.ParamCount(g), Buffers: ir.BufferCount(g), MACs: ir.MACs(g),
		Network: b.network(items),
	}
	for _, k := range groups.list {
		if err := fits(k.block, k.list[0].body); err != nil {
			return nil, err
		}
		d.Blocks = append(d.Blocks, b.block(k))
	}
	return d, nil
}

func fits(name string, items []*item) error {
	if len(items) > mostNodes {
		return fmt.Errorf("%s is %d nodes after folding, and a drawing holds %d; call repeated parts as labelled blocks", name, len(items), mostNodes)
	}
	return nil
}

// blockTitle is what the spec calls a block, in words.
func blockTitle(name string) string { return strings.ReplaceAll(name, "_", " ") }

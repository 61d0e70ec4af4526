package draw

import (
	"bytes"
	"fmt"
	"strings"
)

// DOT writes the drawing for Graphviz: the network and each block a cluster.
func DOT(d *Drawing) []byte {
	w := &dotWriter{}
	w.line("digraph %s {", quote(d.Name))
	w.depth++
	w.line("graph [label=%s, labelloc=t, labeljust=l, fontname=Helvetica, fontsize=14, ranksep=0.3, nodesep=0.2]", quote(d.Name+"\n"+totals(d)))
	w.line("node [shape=box, style=filled, fontname=Helvetica, fontsize=11, color=%q, height=0.3, margin=\"0.12,0.04\"]", lineColour)
	w.line("edge [fontname=Helvetica, fontsize=9, arrowsize=0.6, color=%q]", lineColour)
	w.network(d.Network)
	// Blocks stand side by side unless an edge says otherwise.
	rows, most := 0, rowsOf(d.Network)
	for i, f := range d.Blocks {
		w.block(i, f)
		n := rowsOf(f)
		if rows += n; i > 0 && rows <= most {
			w.line("b%d_%d -> b%d_0 [style=invis]", i-1, len(d.Blocks[i-1].Nodes)-1, i)
		} else {
			rows = n
		}
	}
	w.depth--
	w.line("}")
	return w.b.Bytes()
}

func rowsOf(f *Figure) int { return len(layOut(f, blockSize).graph.Rows) }

const lineColour = "#444444"

type dotWriter struct {
	b     bytes.Buffer
	depth int
}

func (w *dotWriter) line(format string, args ...any) {
	w.b.WriteString(strings.Repeat("  ", w.depth))
	fmt.Fprintf(&w.b, format+"\n", args...)
}

// network writes the column, a cluster a size of the maps.
func (w *dotWriter) network(f *Figure) {
	for i := 0; i < len(f.Nodes); {
		size, stage := f.Nodes[i].Map, i
		if f.Nodes[i].Kind == Input {
			size = ""
		}
		if size != "" {
			w.line("subgraph cluster_%d {", i)
			w.depth++
			w.line("graph [label=%s, fontsize=9, color=\"#bbbbbb\", style=rounded]", quote(size))
		}
		for ; i < len(f.Nodes) && (i == stage || f.Nodes[i].Map == size && f.Nodes[i].Kind != Input); i++ {
			w.node(fmt.Sprintf("n%d", i), &f.Nodes[i])
		}
		if size != "" {
			w.depth--
			w.line("}")
		}
	}
	w.edges("n", f)
}

func (w *dotWriter) block(i int, f *Figure) {
	w.line("subgraph cluster_b%d {", i)
	w.depth++
	w.line("graph [label=%s, fontsize=11, color=\"#999999\", style=rounded]", quote(strings.TrimSuffix(f.Title+"\n"+f.Note, "\n")))
	prefix := fmt.Sprintf("b%d_", i)
	for j := range f.Nodes {
		w.node(fmt.Sprint(prefix, j), &f.Nodes[j])
	}
	w.edges(prefix, f)
	w.depth--
	w.line("}")
}

func (w *dotWriter) node(id string, n *Node) {
	if n.Kind == Port {
		w.line("%s [shape=point, style=invis, width=0, height=0]", id)
		return
	}
	title := n.Title
	if n.Count > 1 {
		title += " ×" + fmt.Sprint(n.Count)
	}
	text := []string{title, n.Detail}
	if n.wide() && n.Layers != nil {
		figures := dots(suffixed(threeDigits(n.Params), " parameters"), suffixed(threeDigits(n.MACs), " MACs"))
		text = append(text, dots(n.Name, figures))
	}
	attrs := fmt.Sprintf("label=%s, fillcolor=%q", quote(join("\n", text)), fills[n.Kind])
	switch n.Kind {
	case Input, Output, Join:
		attrs += `, style="filled,rounded"`
	case Block:
		attrs += ", penwidth=1.6"
	}
	if n.Count > 1 {
		attrs += ", peripheries=2"
	}
	w.line("%s [%s]", id, attrs)
}

func suffixed(text, suffix string) string {
	if text == "" {
		return ""
	}
	return text + suffix
}

func (w *dotWriter) edges(prefix string, f *Figure) {
	labelled := map[int]bool{}
	for _, e := range f.Edges {
		attrs := ""
		if shape := f.Nodes[e[0]].Shape; !labelled[e[0]] && shape != "" {
			attrs = " [label=" + quote(" "+shape) + "]"
			labelled[e[0]] = true
		}
		w.line("%s%d -> %s%d%s", prefix, e[0], prefix, e[1], attrs)
	}
}

// quote writes a string of DOT, with \n for line ends.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

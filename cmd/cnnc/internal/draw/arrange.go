package draw

import (
	"math"
	"slices"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/layered"
)

// box is where something stands.
type box struct{ x, y, w, h float64 }

// placed is a figure with its layout.
type placed struct {
	*Figure
	graph  *layered.Graph
	widths []float64 // of the nodes as drawn; graph has room for shapes, too
	box
}

// page is the arrangement of a drawing: the network in a column or several, the
// blocks beside and below.
type page struct {
	network []placed
	blocks  []placed
	w, h    float64
}

const (
	headHeight  = 78   // title, totals, legend
	tallness    = 1.25 // a page's height by its width; a picture should fill one
	mostColumns = 6
	shortest    = 8  // layers of a column
	steps       = 40 // widths that are tried
)

// arrange finds the arrangement that can be printed largest.
func arrange(d *Drawing) page {
	size := networkSize(d.Network)
	var blocks []placed
	for _, f := range d.Blocks {
		b := layOut(f, blockSize)
		b.w = max(b.graph.W, boldWidth(f.Title, titleSize), textWidth(f.Note, smallSize)) + 2*panelPad
		b.h = b.graph.H + f.head() + panelPad
		blocks = append(blocks, b)
	}
	var best page
	for count := 1; count == 1 || count <= min(mostColumns, len(d.Network.Nodes)/shortest); count++ {
		parts := columns(d.Network, count)
		if parts == nil {
			break
		}
		network := placeColumns(parts, size)
		network.w = max(network.w, margin+headWidth(d))
		narrowest := network.place(blocks, 0).w
		widest := network.place(blocks, math.Inf(1)).w
		for i := range steps {
			p := network.place(blocks, narrowest+(widest-narrowest)*float64(i)/(steps-1))
			if best.w == 0 || p.extent() < best.extent() {
				best = p
			}
		}
	}
	return best
}

// extent is what limits how large a page shows the picture.
func (p page) extent() float64 { return max(p.w*tallness, p.h) }

// columns cuts a network that is one long chain into parts of nearly equal
// length, if it can where the size of the maps changes. Other networks stay whole.
func columns(f *Figure, count int) []*Figure {
	if count == 1 {
		return []*Figure{f}
	}
	if len(f.Edges) != len(f.Nodes)-1 {
		return nil
	}
	for i, e := range f.Edges {
		if e != [2]int{i, i + 1} {
			return nil
		}
	}
	var parts []*Figure
	from := 0
	for i := range count {
		to := len(f.Nodes) * (i + 1) / count
		for _, near := range []int{0, 1, -1, 2, -2} {
			if at := to + near; at > from && at < len(f.Nodes) && f.Nodes[at].Map != f.Nodes[at-1].Map {
				to = at
				break
			}
		}
		part := &Figure{Nodes: f.Nodes[from:to]}
		for j := range part.Nodes[1:] {
			part.Edges = append(part.Edges, [2]int{j, j + 1})
		}
		parts = append(parts, part)
		from = to
	}
	return parts
}

// placeColumns puts the parts of the network side by side.
func placeColumns(parts []*Figure, size func(*Node) (w, h float64)) page {
	var p page
	x := float64(margin)
	for i, f := range parts {
		c := layOut(f, size)
		c.x, c.y = x+stageW, margin+headHeight
		p.network = append(p.network, c)
		x = c.x + c.w + panelGap
		p.w, p.h = max(p.w, c.x+c.w), max(p.h, c.y+c.h)
		if i < len(parts)-1 {
			p.h = max(p.h, c.y+c.h+rowGap)
		}
	}
	return p
}

// place returns the page with blocks beside and below its network, each as high
// as it can stand within a width, and with its margins.
func (p page) place(blocks []placed, width float64) page {
	const top = margin + headHeight - lineHeight
	var taken []box
	for _, c := range p.network {
		taken = append(taken, box{c.x - stageW, 0, c.w + stageW + panelGap, c.y + c.h + rowGap - panelGap})
	}
	p.blocks = slices.Clone(blocks)
	for i := range p.blocks {
		b := &p.blocks[i]
		b.x, b.y = spot(taken, b.w, b.h, top, max(width, p.w))
		taken = append(taken, b.box)
		p.w, p.h = max(p.w, b.x+b.w), max(p.h, b.y+b.h)
	}
	p.w += margin
	p.h += margin
	return p
}

// head is the height of a block's title and note.
func (f *Figure) head() float64 {
	if f.Note == "" {
		return panelHead
	}
	return panelHead + lineHeight
}

// spot finds the highest place for a box, the leftmost of several, below or beside
// those that are taken.
func spot(taken []box, w, h, top, width float64) (x, y float64) {
	found := false
	candidates := []float64{margin}
	for _, t := range taken {
		candidates = append(candidates, t.x, t.x+t.w+panelGap)
	}
	for _, cx := range candidates {
		if cx+w > width && cx > margin {
			continue
		}
		cy := top
		for moved := true; moved; {
			moved = false
			for _, t := range taken {
				if cx < t.x+t.w+panelGap && t.x < cx+w+panelGap && cy < t.y+t.h+panelGap && t.y < cy+h+panelGap {
					cy, moved = t.y+t.h+panelGap, true
				}
			}
		}
		if !found || cy < y || cy == y && cx < x {
			x, y, found = cx, cy, true
		}
	}
	return x, y
}

// at returns where a node is drawn.
func (p placed) at(i int) box {
	n := p.graph.Nodes[i]
	return box{p.x + n.X - p.widths[i]/2, p.y + n.Y - n.H/2, p.widths[i], n.H}
}

func layOut(f *Figure, size func(*Node) (w, h float64)) placed {
	g := &layered.Graph{RowGap: rowGap, NodeGap: nodeGap, LaneGap: laneGap}
	var widths []float64
	for i := range f.Nodes {
		w, h := size(&f.Nodes[i])
		widths = append(widths, w)
		if f.Nodes[i].Kind != Port {
			w = max(w, 2*(shapeGap+textWidth(f.Nodes[i].Shape, smallSize)))
		}
		g.Nodes = append(g.Nodes, layered.Node{W: w, H: h})
	}
	for _, e := range f.Edges {
		g.Edges = append(g.Edges, &layered.Edge{From: e[0], To: e[1]})
	}
	layered.Layout(g)
	return placed{Figure: f, graph: g, widths: widths, box: box{w: g.W, h: g.H}}
}

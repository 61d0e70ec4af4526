package draw

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/layered"
	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
)

// Measures of a picture, in pixels.
const (
	margin     = 16
	rowGap     = 28 // between rows: an arrow, and a shape beside it
	nodeGap    = 14
	laneGap    = 12
	titleSize  = 12
	smallSize  = 10
	lineHeight = 15
	padding    = 9  // inside nodes, left and right
	shapeGap   = 5  // between an edge and its shape
	jog        = 9  // above a row, where edges go sideways
	trackGap   = 5  // between edges that do so
	turnAbove  = 20 // a column, where the edge from the last one turns down
	bend       = 5  // the radius of their corners
	figuresW   = 56 // a column of parameters or MACs
	stageW     = 74 // what stands left of the network's column
	panelPad   = 12
	panelHead  = 22 // a block's name
	panelGap   = 18
)

// fills are the colours of kinds: tints that people with any colour vision tell
// apart, and of falling lightness in print.
var fills = map[Kind]string{
	Input: "#ffffff", Output: "#ffffff", Conv: "#bcd9ef", Grouped: "#dcecd2", Linear: "#c9b6de",
	Pool: "#fdeac2", Small: "#f1f1f1", Join: "#ffffff", Other: "#f1f1f1", Block: "#ffffff",
}

// key explains a colour.
type key struct {
	kind Kind
	text string
}

func (k key) width() float64 { return 17 + textWidth(k.text, smallSize) + 16 }

const strideKey = "/2: stride"

// keys returns those of the colours that the drawing uses.
func keys(d *Drawing) []key {
	all := []key{
		{Conv, "convolution"}, {Grouped, "grouped or depthwise"}, {Pool, "pooling"},
		{Linear, "fully connected"}, {Block, "block, drawn beside"},
	}
	used := map[Kind]bool{}
	for _, f := range append([]*Figure{d.Network}, d.Blocks...) {
		for _, n := range f.Nodes {
			used[n.Kind] = true
		}
	}
	return slices.DeleteFunc(all, func(k key) bool { return !used[k.kind] })
}

// headWidth is the width of what stands above a drawing.
func headWidth(d *Drawing) float64 {
	w := textWidth(strideKey, smallSize)
	for _, k := range keys(d) {
		w += k.width()
	}
	return max(w, textWidth(totals(d), titleSize))
}

const style = `<style>
.cnnc{font-family:Helvetica,Arial,"Liberation Sans",sans-serif;font-size:12px}
.cnnc text{fill:#111}
.cnnc .b{font-weight:bold}
.cnnc .s{font-size:10px;fill:#444}
.cnnc .m{text-anchor:middle}
.cnnc .e{text-anchor:end}
.cnnc .n{stroke:#444}
.cnnc .k{stroke-width:1.6}
.cnnc .w{fill:none;stroke:#444}
.cnnc .f{fill:#fff;stroke:#999}
.cnnc .a{fill:#444}
.cnnc .g{stroke:#bbb}
</style>
`

// SVG writes the drawing as an SVG picture.
func SVG(d *Drawing) []byte { return svg(d, false) }

// svg writes the picture; with links, each layer of the network leads to #n and
// its index.
func svg(d *Drawing, links bool) []byte {
	var b bytes.Buffer
	p := arrange(d)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="cnnc" viewBox="0 0 %s %s" width="%s" height="%s">`+"\n",
		num(p.w), num(p.h), num(p.w), num(p.h))
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(d.Name))
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect width="%s" height="%s" fill="#fff"/>`+"\n", num(p.w), num(p.h))
	w := &svgWriter{b: &b, links: links}
	w.text(margin, margin+16, "b", `font-size="18"`, d.Name)
	w.text(margin, margin+34, "", "", totals(d))
	w.legend(keys(d), margin, margin+44)
	for i, column := range p.network {
		w.column(column)
		if i > 0 {
			w.turn(p.network[i-1], column)
		} else {
			w.header(column)
		}
	}
	for _, block := range p.blocks {
		w.block(block)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// totals is the line below the title.
func totals(d *Drawing) string {
	text := fmt.Sprintf("%s parameters · %s multiply-accumulates", report.Count(d.Params), report.Count(d.MACs))
	if d.Source != "" {
		text += " · " + d.Source
	}
	return text
}

// networkSize gives all layers of the column one width, so that figures stand
// below each other.
func networkSize(f *Figure) func(*Node) (w, h float64) {
	wide := 0.0
	for i := range f.Nodes {
		n := &f.Nodes[i]
		if !n.wide() {
			continue
		}
		first := lineWidth(n) + 2*padding
		if n.Count > 1 {
			first += boldWidth(count(n), titleSize) + padding
		}
		second := textWidth(n.Name, smallSize) + 2*figuresW + 2*padding
		wide = max(wide, first, second)
	}
	return func(n *Node) (w, h float64) {
		if n.wide() {
			return wide, 2*lineHeight + 6
		}
		return blockSize(n)
	}
}

// class is what a node's outline is styled by.
func class(k Kind) string {
	if k == Block {
		return "n k"
	}
	return "n"
}

// wide reports whether a node of the column carries figures.
func (n *Node) wide() bool {
	switch n.Kind {
	case Input, Output, Port, Join:
		return false
	}
	return true
}

// lineWidth is the width of title and detail in a line.
func lineWidth(n *Node) float64 {
	w := boldWidth(n.Title, titleSize)
	if n.Detail != "" {
		w += textWidth("  "+n.Detail, smallSize)
	}
	return w
}

// blockSize is a node's size inside of a block.
func blockSize(n *Node) (w, h float64) {
	switch n.Kind {
	case Port:
		return 0, 0
	case Join:
		return lineWidth(n) + 2*padding, lineHeight + 4
	}
	w = boldWidth(n.Title, titleSize)
	h = lineHeight + 6
	if n.Detail != "" {
		w = max(w, textWidth(n.Detail, smallSize))
		h += lineHeight - 3
	}
	return w + 2*padding, h
}

func count(n *Node) string { return fmt.Sprintf("×%d", n.Count) }

// svgWriter writes shapes.
type svgWriter struct {
	b     *bytes.Buffer
	links bool
	layer int // of the network, the next to be written
}

func (w *svgWriter) text(x, y float64, class, attrs, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(w.b, `<text x="%s" y="%s"`, num(x), num(y))
	if class != "" {
		fmt.Fprintf(w.b, ` class="%s"`, class)
	}
	if attrs != "" {
		fmt.Fprintf(w.b, " %s", attrs)
	}
	fmt.Fprintf(w.b, ">%s</text>\n", escape(text))
}

func (w *svgWriter) rect(b box, class, attrs string) {
	fmt.Fprintf(w.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s" %s/>`+"\n", class, num(b.x), num(b.y), num(b.w), num(b.h), attrs)
}

// legend writes what the colours mean that the drawing uses.
func (w *svgWriter) legend(keys []key, x, y float64) {
	for _, k := range keys {
		w.rect(box{x, y, 12, 10}, class(k.kind), fmt.Sprintf(`rx="2" fill="%s"`, fills[k.kind]))
		w.text(x+17, y+9, "s", "", k.text)
		x += k.width()
	}
	w.text(x, y+9, "s", "", strideKey)
}

// turn writes the edge from the end of a column to the start of the next.
func (w *svgWriter) turn(a, b placed) {
	from, to := a.graph.Nodes[len(a.Nodes)-1], b.graph.Nodes[0]
	x, y := a.x+from.X, a.y+from.Y+from.H/2
	gutter, top := a.x+a.w+panelGap, b.y-turnAbove
	w.b.WriteString(`<path class="w" d="` + polyline([]layered.Point{
		{X: x, Y: y}, {X: x, Y: y + rowGap - jog}, {X: gutter, Y: y + rowGap - jog},
		{X: gutter, Y: top}, {X: b.x + to.X, Y: top}, {X: b.x + to.X, Y: b.y},
	}) + `"/>` + "\n")
	w.text(x+shapeGap, y+14, "s", "", a.Nodes[len(a.Nodes)-1].Shape)
}

// header names the figures of the column below.
func (w *svgWriter) header(p placed) {
	right := p.x + p.w
	for i := range p.Nodes {
		if p.Nodes[i].wide() {
			right = p.at(i).x + p.at(i).w
			break
		}
	}
	w.text(right-figuresW-padding, p.y-6, "s e", "", "parameters")
	w.text(right-padding, p.y-6, "s e", "", "MACs")
}

// column writes the network, or a part of it, with its stages.
func (w *svgWriter) column(p placed) {
	w.stages(p)
	w.edges(p)
	for i := range p.Nodes {
		n, b := &p.Nodes[i], p.at(i)
		if !n.wide() {
			w.node(n, b)
			continue
		}
		if w.links {
			fmt.Fprintf(w.b, `<a href="#n%d">`, w.layer+i)
		}
		fmt.Fprintf(w.b, "<g><title>%s</title>\n", escape(hover(n)))
		if n.Count > 1 {
			w.rect(box{b.x + 4, b.y + 4, b.w, b.h}, class(n.Kind), fmt.Sprintf(`rx="3" fill="%s"`, fills[n.Kind]))
		}
		w.rect(b, class(n.Kind), fmt.Sprintf(`rx="3" fill="%s"`, fills[n.Kind]))
		w.head(n, b.x+padding, b.y+lineHeight, "")
		if n.Count > 1 {
			w.text(b.x+b.w-padding, b.y+lineHeight, "b e", "", count(n))
		}
		y := b.y + 2*lineHeight - 1
		w.text(b.x+padding, y, "s", "", n.Name)
		w.text(b.x+b.w-padding-figuresW, y, "s e", "", threeDigits(n.Params))
		w.text(b.x+b.w-padding, y, "s e", "", threeDigits(n.MACs))
		w.b.WriteString("</g>\n")
		if w.links {
			w.b.WriteString("</a>\n")
		}
	}
	w.layer += len(p.Nodes)
}

// head writes title and detail in a line.
func (w *svgWriter) head(n *Node, x, y float64, class string) {
	fmt.Fprintf(w.b, `<text x="%s" y="%s"`, num(x), num(y))
	if class != "" {
		fmt.Fprintf(w.b, ` class="%s"`, class)
	}
	fmt.Fprintf(w.b, `><tspan class="b">%s</tspan>`, escape(n.Title))
	if n.Detail != "" {
		fmt.Fprintf(w.b, `<tspan class="s" dx="6">%s</tspan>`, escape(n.Detail))
	}
	w.b.WriteString("</text>\n")
}

// hover is what shows when the mouse rests on a node.
func hover(n *Node) string {
	text := fmt.Sprintf("%s: %s parameters, %s MACs", n.Name, report.Count(n.Params), report.Count(n.MACs))
	if len(n.Layers) > 1 {
		text += fmt.Sprintf(", %d operations", len(n.Layers))
	}
	return text
}

// stages writes the size of the maps left of the column, a bracket a size.
func (w *svgWriter) stages(p placed) {
	sizes := make([]string, len(p.graph.Rows)) // of each row, by its first node that has one
	for i := len(p.Nodes) - 1; i >= 0; i-- {
		if n := &p.Nodes[i]; n.Map != "" && n.Kind != Input {
			sizes[p.graph.Nodes[i].Row] = n.Map
		}
	}
	for from := 0; from < len(sizes); {
		to := from + 1
		for to < len(sizes) && sizes[to] == sizes[from] {
			to++
		}
		if sizes[from] != "" {
			rows := p.graph.Rows
			top, bottom := p.y+rows[from].Y, p.y+rows[to-1].Y+rows[to-1].H
			x := p.x - 14
			fmt.Fprintf(w.b, `<path class="w g" d="M%s %sh-5V%sh5"/>`+"\n", num(x), num(top), num(bottom))
			w.text(x-10, (top+bottom)/2+4, "s e", "", sizes[from])
		}
		from = to
	}
}

// block writes a block in its frame.
func (w *svgWriter) block(p placed) {
	w.rect(p.box, "f", `rx="6"`)
	w.text(p.x+panelPad, p.y+17, "b", "", p.Title)
	w.text(p.x+panelPad, p.y+17+lineHeight-1, "s", "", p.Note)
	p.x += (p.w - p.graph.W) / 2
	p.y += p.head()
	w.edges(p)
	for i := range p.Nodes {
		w.node(&p.Nodes[i], p.at(i))
	}
}

// node writes a node without figures.
func (w *svgWriter) node(n *Node, b box) {
	round := 3.0
	switch n.Kind {
	case Port:
		return
	case Input, Output, Join:
		round = b.h / 2
	}
	w.rect(b, class(n.Kind), fmt.Sprintf(`rx="%s" fill="%s"`, num(round), fills[n.Kind]))
	x := b.x + b.w/2
	if n.Kind == Join {
		w.head(n, x, b.y+lineHeight-2, "m")
		return
	}
	w.text(x, b.y+lineHeight, "b m", "", n.Title)
	w.text(x, b.y+2*lineHeight-3, "s m", "", n.Detail)
}

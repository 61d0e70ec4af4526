package draw

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/layered"
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
	jog        = 9  // above a row, where edges go sideways
	trackGap   = 5  // between edges that do so
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
	Input: "#fff", Output: "#fff", Conv: "#bcd9ef", Grouped: "#dcecd2", Linear: "#d3c4e3",
	Pool: "#fbe3b5", Small: "#f1f1f1", Join: "#fff", Other: "#f1f1f1", Block: "#fafafa",
}

// legend names the kinds whose colour says something, in this order.
var legend = []struct {
	kind Kind
	text string
}{
	{Conv, "convolution"}, {Grouped, "grouped or depthwise"}, {Pool, "pooling"}, {Linear, "fully connected"}, {Block, "block, drawn beside"},
}

const style = `<style>
.cnnc{font-family:Helvetica,Arial,"Liberation Sans",sans-serif;font-size:12px}
.cnnc text{fill:#111}
.cnnc .b{font-weight:bold}
.cnnc .s{font-size:10px;fill:#444}
.cnnc .m{text-anchor:middle}
.cnnc .e{text-anchor:end}
.cnnc .n{stroke:#444}
.cnnc .w{fill:none;stroke:#444}
.cnnc .f{fill:#fff;stroke:#999}
.cnnc .a{fill:#444}
.cnnc .g{stroke:#bbb}
</style>
`

// SVG writes the drawing as an SVG picture.
func SVG(d *Drawing) []byte {
	var b bytes.Buffer
	p := arrange(d)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="cnnc" viewBox="0 0 %s %s" width="%s" height="%s">`+"\n",
		num(p.w), num(p.h), num(p.w), num(p.h))
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(d.Name))
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect width="%s" height="%s" fill="#fff"/>`+"\n", num(p.w), num(p.h))
	w := &svgWriter{b: &b}
	w.text(margin, margin+16, "b", `font-size="18"`, d.Name)
	w.text(margin, margin+34, "", "", totals(d))
	w.legend(d, margin, margin+44)
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
	text := fmt.Sprintf("%s parameters · %s multiply-accumulates", comma(d.Params), comma(d.MACs))
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
		first := headWidth(n) + 2*padding
		if n.Count > 1 {
			first += textWidth(count(n), titleSize)*boldness + padding
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

// wide reports whether a node of the column carries figures.
func (n *Node) wide() bool {
	switch n.Kind {
	case Input, Output, Port, Join:
		return false
	}
	return true
}

// headWidth is the width of title and detail in a line.
func headWidth(n *Node) float64 {
	w := textWidth(n.Title, titleSize) * boldness
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
		return headWidth(n) + 2*padding, lineHeight + 4
	}
	w = textWidth(n.Title, titleSize) * boldness
	h = lineHeight + 6
	if n.Detail != "" {
		w = max(w, textWidth(n.Detail, smallSize))
		h += lineHeight - 3
	}
	return w + 2*padding, h
}

func count(n *Node) string { return fmt.Sprintf("×%d", n.Count) }

// svgWriter writes shapes.
type svgWriter struct{ b *bytes.Buffer }

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

// legend writes the colours that the drawing uses.
func (w *svgWriter) legend(d *Drawing, x, y float64) {
	used := map[Kind]bool{}
	for _, f := range append([]*Figure{d.Network}, d.Blocks...) {
		for _, n := range f.Nodes {
			used[n.Kind] = true
		}
	}
	for _, l := range legend {
		if !used[l.kind] {
			continue
		}
		w.rect(box{x, y, 12, 10}, "n", fmt.Sprintf(`rx="2" fill="%s"`, fills[l.kind]))
		w.text(x+17, y+9, "s", "", l.text)
		x += 17 + textWidth(l.text, smallSize) + 16
	}
}

// turn writes the edge from the end of a column to the start of the next.
func (w *svgWriter) turn(a, b placed) {
	from, to := a.graph.Nodes[len(a.Nodes)-1], b.graph.Nodes[0]
	x, y := a.x+from.X, a.y+from.Y+from.H/2
	gutter, top := a.x+a.w+panelGap, b.y-headHeight/4
	w.b.WriteString(`<path class="w" d="` + polyline([]layered.Point{
		{X: x, Y: y}, {X: x, Y: y + rowGap - jog}, {X: gutter, Y: y + rowGap - jog},
		{X: gutter, Y: top}, {X: b.x + to.X, Y: top}, {X: b.x + to.X, Y: b.y},
	}) + `"/>` + "\n")
	w.text(x+5, y+14, "s", "", a.Nodes[len(a.Nodes)-1].Shape)
}

// header names the figures of the column below.
func (w *svgWriter) header(p placed) {
	right := p.x + p.w
	for i := range p.Nodes {
		if p.Nodes[i].wide() {
			right = p.x + p.graph.Nodes[i].X + p.graph.Nodes[i].W/2
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
		n, at := &p.Nodes[i], p.graph.Nodes[i]
		b := box{p.x + at.X - at.W/2, p.y + at.Y - at.H/2, at.W, at.H}
		if !n.wide() {
			w.node(n, b)
			continue
		}
		fmt.Fprintf(w.b, "<g><title>%s</title>\n", escape(hover(n)))
		if n.Count > 1 {
			w.rect(box{b.x + 4, b.y + 4, b.w, b.h}, "n", fmt.Sprintf(`rx="3" fill="%s"`, fills[n.Kind]))
		}
		w.rect(b, "n", fmt.Sprintf(`rx="3" fill="%s"`, fills[n.Kind]))
		w.head(n, b.x+padding, b.y+lineHeight, "")
		if n.Count > 1 {
			w.text(b.x+b.w-padding, b.y+lineHeight, "b e", "", count(n))
		}
		y := b.y + 2*lineHeight - 1
		w.text(b.x+padding, y, "s", "", n.Name)
		w.text(b.x+b.w-padding-figuresW, y, "s e", "", figure(n.Params))
		w.text(b.x+b.w-padding, y, "s e", "", figure(n.MACs))
		w.b.WriteString("</g>\n")
	}
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
	text := fmt.Sprintf("%s: %s parameters, %s MACs", n.Name, comma(n.Params), comma(n.MACs))
	for i, l := range n.Layers {
		const most = 12
		if i == most && len(n.Layers) > most+1 {
			return text + fmt.Sprintf("\nand %d more", len(n.Layers)-most)
		}
		text += fmt.Sprintf("\n%s: %s → %s", l.Name, l.Op, l.Shape)
	}
	return text
}

// stages writes the size of the maps left of the column, a bracket a size.
func (w *svgWriter) stages(p placed) {
	sizes := make([]string, len(p.graph.Rows)) // of each row; the first node's counts
	for i := len(p.Nodes) - 1; i >= 0; i-- {
		if n := &p.Nodes[i]; n.wide() || n.Kind == Join {
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
		at := p.graph.Nodes[i]
		w.node(&p.Nodes[i], box{p.x + at.X - at.W/2, p.y + at.Y - at.H/2, at.W, at.H})
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
	w.rect(b, "n", fmt.Sprintf(`rx="%s" fill="%s"`, num(round), fills[n.Kind]))
	x := b.x + b.w/2
	if n.Kind == Join {
		w.head(n, x, b.y+lineHeight-2, "m")
		return
	}
	w.text(x, b.y+lineHeight, "b m", "", n.Title)
	w.text(x, b.y+2*lineHeight-3, "s m", "", n.Detail)
}

// edges writes the edges of a figure, and at their start the shape of what they
// carry.
func (w *svgWriter) edges(p placed) {
	labelled := make([]bool, len(p.Nodes))
	tracks := make([][]track, len(p.graph.Rows))
	for _, e := range p.graph.Edges {
		points := p.route(e, tracks)
		for i := range points {
			points[i].X += p.x
			points[i].Y += p.y
		}
		w.b.WriteString(`<path class="w" d="` + polyline(points) + `"/>` + "\n")
		if n := &p.Nodes[e.From]; !labelled[e.From] && n.Shape != "" {
			labelled[e.From] = true
			from := p.graph.Nodes[e.From]
			w.text(p.x+from.X+5, p.y+from.Y+from.H/2+14, "s", "", n.Shape)
		}
	}
}

// track is a stretch on which an edge goes sideways above a row. Edges from one
// node, or to one, may share it; others take the next track.
type track struct {
	from, to, number int
	left, right      float64
}

// route returns the corners of an edge, within the figure.
func (p placed) route(e *layered.Edge, tracks [][]track) []layered.Point {
	from, to := p.graph.Nodes[e.From], p.graph.Nodes[e.To]
	x := from.X
	points := []layered.Point{{X: x, Y: from.Y + from.H/2}}
	turn := func(next float64, row int) {
		if next == x {
			return
		}
		t := track{from: e.From, to: e.To, left: min(x, next), right: max(x, next)}
		for slices.ContainsFunc(tracks[row], t.collides) {
			t.number++
		}
		tracks[row] = append(tracks[row], t)
		y := p.graph.Rows[row].Y - jog - float64(t.number)*trackGap
		points = append(points, layered.Point{X: x, Y: y}, layered.Point{X: next, Y: y})
		x = next
	}
	for i, lane := range e.Lane {
		turn(lane, from.Row+1+i)
	}
	aside := x < to.X-to.W/2 || x > to.X+to.W/2
	if p.Nodes[e.To].Kind == Join && aside && p.free(to, x) {
		side := to.X - to.W/2
		if x > to.X {
			side = to.X + to.W/2
		}
		return append(points, layered.Point{X: x, Y: to.Y}, layered.Point{X: side, Y: to.Y})
	}
	turn(to.X, to.Row)
	return append(points, layered.Point{X: x, Y: to.Y - to.H/2})
}

func (t track) collides(u track) bool {
	return t.number == u.number && t.from != u.from && t.to != u.to && t.left < u.right+bend && u.left < t.right+bend
}

// free reports whether nothing stands between x and a node in its row.
func (p placed) free(to layered.Node, x float64) bool {
	for _, n := range p.graph.Nodes {
		if n.Row == to.Row && n.Point != to.Point && (n.X > min(x, to.X)-n.W/2 && n.X < max(x, to.X)+n.W/2) {
			return false
		}
	}
	return true
}

// polyline writes a path with round corners and an arrowhead at its end.
func polyline(points []layered.Point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%s %s", num(points[0].X), num(points[0].Y))
	for i := 1; i < len(points)-1; i++ {
		a, c, d := points[i-1], points[i], points[i+1]
		r := min(bend, length(a, c)/2, length(c, d)/2)
		in, out := toward(c, a, r), toward(c, d, r)
		fmt.Fprintf(&b, "L%s %sQ%s %s %s %s", num(in.X), num(in.Y), num(c.X), num(c.Y), num(out.X), num(out.Y))
	}
	a, c := points[len(points)-2], points[len(points)-1]
	fmt.Fprintf(&b, "L%s %s", num(c.X), num(c.Y))
	const size = 4
	back := toward(c, a, size)
	dx, dy := (c.Y-back.Y)*0.75, (back.X-c.X)*0.75
	fmt.Fprintf(&b, "M%s %sL%s %sL%s %s", num(back.X-dx), num(back.Y-dy), num(c.X), num(c.Y), num(back.X+dx), num(back.Y+dy))
	return b.String()
}

// length is that of a horizontal or vertical line.
func length(a, b layered.Point) float64 { return max(a.X-b.X, b.X-a.X) + max(a.Y-b.Y, b.Y-a.Y) }

// toward returns the point at a distance from a on the horizontal or vertical
// line to b.
func toward(a, b layered.Point, distance float64) layered.Point {
	n := length(a, b)
	if n == 0 {
		return a
	}
	return layered.Point{X: a.X + (b.X-a.X)*distance/n, Y: a.Y + (b.Y-a.Y)*distance/n}
}

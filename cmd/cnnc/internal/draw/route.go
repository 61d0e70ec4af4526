package draw

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/layered"
)

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
			w.text(p.x+from.X+shapeGap, p.y+from.Y+from.H/2+14, "s", "", n.Shape)
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
	half := p.widths[e.To] / 2
	if p.Nodes[e.To].Kind == Join && math.Abs(x-to.X) > half && p.free(to, x) {
		side := to.X - half
		if x > to.X {
			side = to.X + half
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

// polyline writes a path of horizontal and vertical lines with round corners and
// an arrowhead at its end.
func polyline(points []layered.Point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%s %s", num(points[0].X), num(points[0].Y))
	line := func(from, to layered.Point) {
		if from.X == to.X {
			b.WriteString("V" + num(to.Y))
		} else {
			b.WriteString("H" + num(to.X))
		}
	}
	for i := 1; i < len(points)-1; i++ {
		a, c, d := points[i-1], points[i], points[i+1]
		r := min(bend, length(a, c)/2, length(c, d)/2)
		in, out := toward(c, a, r), toward(c, d, r)
		line(a, in)
		fmt.Fprintf(&b, "Q%s %s %s %s", num(c.X), num(c.Y), num(out.X), num(out.Y))
	}
	a, c := points[len(points)-2], points[len(points)-1]
	line(a, c)
	switch {
	case a.X == c.X:
		b.WriteString("m-3-4l3 4 3-4")
	case a.X < c.X:
		b.WriteString("m-4-3l4 3-4 3")
	default:
		b.WriteString("m4-3l-4 3 4 3")
	}
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

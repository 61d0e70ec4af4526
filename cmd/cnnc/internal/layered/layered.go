// Package layered places the nodes of small directed acyclic graphs in rows and
// routes their edges, after Sugiyama, Tagawa and Toda (1981): rows by longest
// path, order in them by barycentres, then places by medians, with chains and
// long edges kept straight. The same graph gets the same drawing everywhere.
package layered

import (
	"cmp"
	"math"
	"slices"
)

// Point is a place, y growing downwards.
type Point struct{ X, Y float64 }

// Node is a box. The caller gives its size; Layout sets the rest.
type Node struct {
	W, H float64
	Point
	Row int // counted from the top
}

// Edge leads downwards from one node to another, by their indices. Layout sets
// Lane: for an edge that passes rows, the x at which it passes each of them.
type Edge struct {
	From, To int
	Lane     []float64
}

// Graph is what Layout places. Points of nodes are their centres.
type Graph struct {
	Nodes []Node
	Edges []*Edge
	// RowGap is what stays free between rows, NodeGap between nodes of a row, and
	// LaneGap beside an edge that passes.
	RowGap, NodeGap, LaneGap float64

	W, H float64 // of everything; set by Layout
	Rows []Row   // set by Layout
}

// Row is where the nodes of a row stand: from Y down, the highest of them H high.
type Row struct{ Y, H float64 }

// vertex is a node, or an edge's passage through a row.
type vertex struct {
	node     int // -1 for a passage
	w        float64
	group    int
	up, down []link
}

// link leads from a vertex to one in a neighbouring row. A weak one has little say
// in where the vertex goes.
type link struct {
	to   int
	weak bool
}

const (
	orderSweeps = 12
	placeSweeps = 50   // at most; small graphs settle in a handful
	settled     = 0.01 // what still moves less than this stands
	weakness    = 0.1  // the weight of a weak link beside 1
)

type layout struct {
	g     *Graph
	vs    []vertex
	rows  [][]int // vertices of each row, from left to right
	lanes [][]int // passages of each edge

	members [][]place // of each group
	x       []float64 // of each group
}

// place is a position in a row.
type place struct{ row, i int }

// Layout places g. Its edges must have no cycle; nodes should be numbered in
// topological order, and it helps if neighbours stand as they should from left
// to right.
func Layout(g *Graph) {
	if len(g.Nodes) == 0 {
		return
	}
	l := &layout{g: g, lanes: make([][]int, len(g.Edges))}
	l.assignRows()
	l.addPassages()
	l.order()
	l.place()
	l.write()
}

// assignRows puts each node one row below the lowest of those before it. A node
// that has nothing before it, or that brings several together for one other,
// stands right above the first that needs it.
func (l *layout) assignRows() {
	n := l.g.Nodes
	ins, outs := make([]int, len(n)), make([]int, len(n))
	for i := range n {
		n[i].Row = 0
	}
	for range n { // once suffices if the numbers are topological
		changed := false
		for _, e := range l.g.Edges {
			if n[e.To].Row <= n[e.From].Row {
				n[e.To].Row, changed = n[e.From].Row+1, true
			}
		}
		if !changed {
			break
		}
	}
	next := make([][]int, len(n))
	for _, e := range l.g.Edges {
		ins[e.To]++
		outs[e.From]++
		next[e.From] = append(next[e.From], e.To)
	}
	for i := len(n) - 1; i >= 0; i-- {
		if ins[i] == 0 && outs[i] > 0 || ins[i] > 1 && outs[i] == 1 {
			first := slices.MinFunc(next[i], func(a, b int) int { return n[a].Row - n[b].Row })
			n[i].Row = n[first].Row - 1
		}
	}
}

// addPassages makes the vertices: nodes first, then what passes them by, so that
// long edges start on the right.
func (l *layout) addPassages() {
	rows := 0
	for _, n := range l.g.Nodes {
		rows = max(rows, n.Row+1)
	}
	l.rows = make([][]int, rows)
	for i, n := range l.g.Nodes {
		l.vs = append(l.vs, vertex{node: i, w: n.W})
		l.rows[n.Row] = append(l.rows[n.Row], i)
	}
	outs := make([]int, len(l.g.Nodes))
	for _, e := range l.g.Edges {
		outs[e.From]++
	}
	for i, e := range l.g.Edges {
		bypass := outs[e.From] > 1 // a way around others, not a branch with a node of its own
		last := e.From
		for row := l.g.Nodes[e.From].Row + 1; row < l.g.Nodes[e.To].Row; row++ {
			v := len(l.vs)
			l.vs = append(l.vs, vertex{node: -1})
			l.rows[row] = append(l.rows[row], v)
			l.lanes[i] = append(l.lanes[i], v)
			l.link(last, v, last == e.From && bypass, false)
			last = v
		}
		l.link(last, e.To, last != e.From, last != e.From && bypass)
	}
}

// link joins two vertices; it may be weak for either.
func (l *layout) link(from, to int, weakFrom, weakTo bool) {
	l.vs[from].down = append(l.vs[from].down, link{to, weakFrom})
	l.vs[to].up = append(l.vs[to].up, link{from, weakTo})
}

// order sorts each row by the mean position of its neighbours in the row above,
// then below, and so on; the order with the fewest crossings wins.
func (l *layout) order() {
	best, fewest := l.copyRows(), l.crossings()
	for s := range orderSweeps {
		if fewest == 0 {
			break
		}
		if s%2 == 0 {
			for r := 1; r < len(l.rows); r++ {
				l.sortRow(r, func(v *vertex) []link { return v.up })
			}
		} else {
			for r := len(l.rows) - 2; r >= 0; r-- {
				l.sortRow(r, func(v *vertex) []link { return v.down })
			}
		}
		if n := l.crossings(); n < fewest {
			best, fewest = l.copyRows(), n
		}
	}
	l.rows = best
}

func (l *layout) copyRows() [][]int {
	rows := make([][]int, len(l.rows))
	for i, r := range l.rows {
		rows[i] = slices.Clone(r)
	}
	return rows
}

func (l *layout) positions() []int {
	at := make([]int, len(l.vs))
	for _, row := range l.rows {
		for i, v := range row {
			at[v] = i
		}
	}
	return at
}

func (l *layout) sortRow(r int, neighbours func(*vertex) []link) {
	at := l.positions()
	centre := make(map[int]float64, len(l.rows[r]))
	for i, v := range l.rows[r] {
		links := neighbours(&l.vs[v])
		if len(links) == 0 {
			centre[v] = float64(i) // nothing draws it elsewhere
			continue
		}
		sum := 0
		for _, k := range links {
			sum += at[k.to]
		}
		centre[v] = float64(sum) / float64(len(links))
	}
	slices.SortStableFunc(l.rows[r], func(a, b int) int { return cmp.Compare(centre[a], centre[b]) })
}

func (l *layout) crossings() int {
	at := l.positions()
	n := 0
	for _, row := range l.rows {
		var ends []int // of the links below, by start
		for _, v := range row {
			first := len(ends)
			for _, k := range l.vs[v].down {
				for _, e := range ends[:first] {
					if e > at[k.to] {
						n++
					}
				}
				ends = append(ends, at[k.to])
			}
		}
	}
	return n
}

// place finds the x of each vertex. Those that should stand below each other make
// a group; groups are pushed to the left as far as their widths allow, and then
// drawn to their neighbours.
func (l *layout) place() {
	order := l.group(true)
	if order == nil {
		order = l.group(false)
	}
	l.members = make([][]place, len(l.vs))
	for r, row := range l.rows {
		for i, v := range row {
			g := l.vs[v].group
			l.members[g] = append(l.members[g], place{r, i})
		}
	}
	l.x = make([]float64, len(l.vs))
	for _, g := range order {
		lo, _ := l.room(g)
		l.x[g] = max(0, lo)
	}
	for s := range placeSweeps {
		moved := 0.0
		for i := range order {
			if s%2 == 0 {
				i = len(order) - 1 - i
			}
			g := order[i]
			if wishes := l.wishes(g); len(wishes) > 0 {
				lo, hi := l.room(g)
				x := max(lo, min(hi, median(wishes)))
				moved = max(moved, math.Abs(x-l.x[g]))
				l.x[g] = x
			}
		}
		if moved < settled {
			break
		}
	}
}

// group puts vertices into groups and returns those from left to right; nil if
// two groups stand on either side of each other in different rows. Without
// chains each vertex is a group of its own.
func (l *layout) group(chains bool) []int {
	for v := range l.vs {
		l.vs[v].group = v
	}
	if chains {
		for _, row := range l.rows {
			for _, v := range row {
				if u, ok := l.above(v); ok {
					l.vs[v].group = l.vs[u].group
				}
			}
		}
	}
	right := make([][]int, len(l.vs)) // of each group, its neighbours
	waits := make([]int, len(l.vs))
	for _, row := range l.rows {
		for i := range row[1:] {
			a, b := l.vs[row[i]].group, l.vs[row[i+1]].group
			right[a] = append(right[a], b)
			waits[b]++
		}
	}
	count := 0
	var order []int
	for v := range l.vs {
		if l.vs[v].group == v {
			count++
			if waits[v] == 0 {
				order = append(order, v)
			}
		}
	}
	for i := 0; i < len(order); i++ {
		for _, g := range right[order[i]] {
			if waits[g]--; waits[g] == 0 {
				order = append(order, g)
			}
		}
	}
	if len(order) < count {
		return nil
	}
	return order
}

// above returns the vertex that v stands below in a straight line: the only one
// that draws it, of which it is the only one drawn, too.
func (l *layout) above(v int) (int, bool) {
	u, ok := strongest(l.vs[v].up)
	if !ok {
		return 0, false
	}
	w, ok := strongest(l.vs[u].down)
	return u, ok && w == v
}

// strongest returns the end of the only link, or of the only one that isn't weak.
func strongest(links []link) (int, bool) {
	if len(links) == 1 {
		return links[0].to, true
	}
	found, count := 0, 0
	for _, k := range links {
		if !k.weak {
			found = k.to
			count++
		}
	}
	return found, count == 1
}

// room returns between which x a group may stand, its neighbours staying.
func (l *layout) room(g int) (lo, hi float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	for _, m := range l.members[g] {
		row, i := l.rows[m.row], m.i
		if i > 0 {
			lo = max(lo, l.x[l.vs[row[i-1]].group]+l.apart(row[i-1], row[i]))
		}
		if i+1 < len(row) {
			hi = min(hi, l.x[l.vs[row[i+1]].group]-l.apart(row[i], row[i+1]))
		}
	}
	return lo, hi
}

// apart returns the least distance of the centres of two neighbours in a row.
func (l *layout) apart(a, b int) float64 {
	gap := l.g.NodeGap
	if l.vs[a].node < 0 || l.vs[b].node < 0 {
		gap = l.g.LaneGap
	}
	return (l.vs[a].w+l.vs[b].w)/2 + gap
}

// wish is where a link would have a group.
type wish struct{ x, weight float64 }

func (l *layout) wishes(g int) []wish {
	var list []wish
	for _, m := range l.members[g] {
		v := &l.vs[l.rows[m.row][m.i]]
		for _, k := range slices.Concat(v.up, v.down) {
			weight := 1.0
			if k.weak {
				weight = weakness
			}
			if to := l.vs[k.to].group; to != g {
				list = append(list, wish{l.x[to], weight})
			}
		}
	}
	return list
}

// median returns the weighted median; between two that are both, their mean.
func median(list []wish) float64 {
	slices.SortFunc(list, func(a, b wish) int { return cmp.Compare(a.x, b.x) })
	total := 0.0
	for _, w := range list {
		total += w.weight
	}
	const slack = 1e-9 // of sums of weights such as 0.1
	sum := 0.0
	for i, w := range list {
		sum += w.weight
		switch {
		case sum > total/2+slack:
			return w.x
		case sum > total/2-slack:
			return (w.x + list[i+1].x) / 2
		}
	}
	return list[len(list)-1].x
}

// write hands the places over, the leftmost edge at 0 and the top at 0.
func (l *layout) write() {
	g := l.g
	left, right := math.Inf(1), math.Inf(-1)
	for _, v := range l.vs {
		left, right = min(left, l.x[v.group]-v.w/2), max(right, l.x[v.group]+v.w/2)
	}
	y := 0.0
	g.Rows = nil
	for _, row := range l.rows {
		high := 0.0
		for _, v := range row {
			if n := l.vs[v].node; n >= 0 {
				high = max(high, g.Nodes[n].H)
			}
		}
		for _, v := range row {
			if n := l.vs[v].node; n >= 0 {
				g.Nodes[n].Point = Point{l.x[l.vs[v].group] - left, y + high/2}
			}
		}
		g.Rows = append(g.Rows, Row{y, high})
		y += high + g.RowGap
	}
	for i, e := range g.Edges {
		e.Lane = nil
		for _, v := range l.lanes[i] {
			e.Lane = append(e.Lane, l.x[l.vs[v].group]-left)
		}
	}
	g.W, g.H = right-left, y-g.RowGap
}

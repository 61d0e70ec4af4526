package layered

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// graph makes a graph of boxes of these widths.
func graph(widths []float64, edges ...[2]int) *Graph {
	g := &Graph{RowGap: 20, NodeGap: 10, LaneGap: 6}
	for _, w := range widths {
		g.Nodes = append(g.Nodes, Node{W: w, H: 10})
	}
	for _, e := range edges {
		g.Edges = append(g.Edges, &Edge{From: e[0], To: e[1]})
	}
	return g
}

// A chain is straight, and so is the way around it.
func TestResidual(t *testing.T) {
	g := graph([]float64{20, 30, 80, 40, 10, 20}, [2]int{0, 1}, [2]int{1, 2}, [2]int{2, 3}, [2]int{0, 4}, [2]int{3, 4}, [2]int{4, 5})
	Layout(g)
	for i, n := range g.Nodes {
		if n.X != 40 || n.Row != i {
			t.Errorf("node %d at %v in row %d, want x 40 in row %d", i, n.X, n.Row, i)
		}
	}
	lane := g.Edges[3].Lane
	if want := []float64{86, 86, 86}; !reflect.DeepEqual(lane, want) {
		t.Errorf("the way around is at %v, want %v", lane, want)
	}
	if g.W != 86 || g.H != 6*10+5*20 {
		t.Errorf("%v wide and %v high", g.W, g.H)
	}
}

// Branches stand side by side, their start and end in the middle; the one that
// ends early goes straight down.
func TestBranches(t *testing.T) {
	g := graph([]float64{10, 40, 40, 40, 40, 10}, [2]int{0, 1}, [2]int{0, 2}, [2]int{0, 3}, [2]int{2, 4}, [2]int{1, 5}, [2]int{4, 5}, [2]int{3, 5})
	Layout(g)
	n := g.Nodes
	if n[1].X != 20 || n[2].X != 70 || n[3].X != 120 || n[0].X != 70 || n[5].X != 70 || n[4].X != 70 {
		t.Errorf("nodes at %v", n)
	}
	if lane := g.Edges[4].Lane; len(lane) != 1 || lane[0] != 20 {
		t.Errorf("the early branch passes at %v, want 20", lane)
	}
	if n[4].Row != 2 || n[5].Row != 3 {
		t.Errorf("rows %d and %d", n[4].Row, n[5].Row)
	}
}

// An input that is needed late stands late; what joins others for one stands
// right above it.
func TestRows(t *testing.T) {
	g := graph([]float64{10, 10, 10, 10, 10, 10, 10},
		[2]int{0, 2}, [2]int{2, 3}, [2]int{3, 4}, [2]int{1, 4}, // 1 is the late input
		[2]int{0, 5}, [2]int{2, 5}, [2]int{5, 6}, [2]int{4, 6}, // 5 joins 0 and 2 for 6
	)
	Layout(g)
	var rows []int
	for _, n := range g.Nodes {
		rows = append(rows, n.Row)
	}
	if want := []int{0, 2, 1, 2, 3, 3, 4}; !reflect.DeepEqual(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
}

// TestRandom wants of any graph that nothing overlaps and every edge leads down,
// and the same drawing twice.
func TestRandom(t *testing.T) {
	for seed := range uint64(300) {
		g, again := random(seed), random(seed)
		Layout(g)
		Layout(again)
		if !reflect.DeepEqual(g, again) {
			t.Fatalf("seed %d: two drawings", seed)
		}
		if err := check(g); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	Layout(&Graph{}) // no nodes
}

func random(seed uint64) *Graph {
	r := rand.New(rand.NewPCG(seed, 0))
	g := graph(nil)
	for range 1 + r.IntN(25) {
		g.Nodes = append(g.Nodes, Node{W: float64(r.IntN(60)), H: float64(r.IntN(20))})
	}
	for to := range g.Nodes {
		for range r.IntN(3) {
			if to > 0 {
				g.Edges = append(g.Edges, &Edge{From: r.IntN(to), To: to})
			}
		}
	}
	return g
}

func check(g *Graph) error {
	type span struct {
		left, right float64
		what        string
	}
	rows := make([][]span, len(g.Rows))
	add := func(row int, s span) error {
		for _, o := range rows[row] {
			const slack = 1e-6
			if s.left < o.right-slack && o.left < s.right-slack {
				return fmt.Errorf("%s and %s overlap in row %d: %v %v", s.what, o.what, row, s, o)
			}
		}
		rows[row] = append(rows[row], s)
		return nil
	}
	for i, n := range g.Nodes {
		if math.IsNaN(n.X) || n.X-n.W/2 < -1e-6 || n.X+n.W/2 > g.W+1e-6 || n.Y-n.H/2 < -1e-6 || n.Y+n.H/2 > g.H+1e-6 {
			return fmt.Errorf("node %d is outside: %+v of %v x %v", i, n, g.W, g.H)
		}
		if err := add(n.Row, span{n.X - n.W/2, n.X + n.W/2, fmt.Sprint("node ", i)}); err != nil {
			return err
		}
	}
	for i, e := range g.Edges {
		from, to := g.Nodes[e.From].Row, g.Nodes[e.To].Row
		if to <= from || len(e.Lane) != to-from-1 {
			return fmt.Errorf("edge %d from row %d to %d passes %d rows", i, from, to, len(e.Lane))
		}
		for j, x := range e.Lane {
			if err := add(from+1+j, span{x, x, fmt.Sprint("edge ", i)}); err != nil {
				return err
			}
		}
	}
	return nil
}

package runtime

import (
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// TestAhead is that the blocks of a thread ask for its weights in order, each before its
// block is multiplied, and then for those of the layers that follow.
func TestAhead(t *testing.T) {
	defer cpu.Force(cpu.Level())() // without tiles
	for _, c := range []struct {
		size    int // many pixels are divided among threads, few are not
		in, out int
		threads int
	}{{14, 256, 512, 1}, {14, 256, 512, 2}, {7, 256, 512, 2}, {7, 512, 128, 3}, {4, 64, 64, 2}} {
		ops := []convCase{pointwise(c.size, c.in, c.out), threeByThree(c.size, c.out, c.out), pointwise(c.size, c.out, c.in), pointwise(c.size, c.in, 16)}
		ops[1].algo = Depthwise
		var algos []algorithm
		rng := rand.New(rand.NewPCG(1, 2))
		var l *Loader
		for i := range ops {
			op := ops[i].op(Act{})
			next := NewLoader(convWeights(rng, op))
			if l != nil {
				next.leader = l.leader
			}
			l = next
			algos = append(algos, l.Conv("conv", op).algo)
			if err := l.Err(); err != nil {
				t.Fatal(err)
			}
		}
		p := &algos[0].(*direct).product
		if len(p.then) != 2 || p.then[0] != algos[1] || p.then[1] != algos[2] {
			t.Fatalf("%+v: %d layers follow, want the two up to the next product", c, len(p.then))
		}
		s := NewSession(Memory{}, Threads(c.threads))
		defer s.Close()
		s.images, s.threads = 1, c.threads
		for worker := range c.threads {
			checkAhead(t, s, p, worker, c.size*c.size)
		}
	}
}

func checkAhead(t *testing.T, s *Session, p *product, worker, m int) {
	t.Helper()
	call := productCall{product: p, m: m, blocks: p.blocks(m, 0), parts: 1}
	n := len(call.blocks)
	first, end := s.begins(worker, n), (n*(worker+1)+s.threads-1)/s.threads // threads may share one
	if s.byRows(m, len(p.b)) {
		call.parts, first, end = s.threads, 0, n
	}
	// Weights are numbered as they should be asked for.
	pieces := [][]float32{p.b[call.blocks[first].bTo:call.blocks[end-1].bTo]}
	for _, next := range p.then {
		pieces = append(pieces, next.first(s, worker))
	}
	number := 0
	for _, x := range pieces {
		for i := range x {
			x[i] = float32(number)
			number++
		}
	}
	const tiles = 14
	asked, last := 0, 0
	for i := first; i < end; i++ {
		a := call.ahead(s, worker, i, tiles)
		for tile := range tiles {
			for _, v := range a.share(tile, tile+1, tiles) {
				if int(v) < last {
					t.Fatalf("worker %d, block %d, tile %d: weight %v is asked for after weight %d", worker, i, tile, v, last)
				}
				asked, last = asked+1, int(v)
			}
		}
		if i+1 < end && last+1 < min(call.blocks[i+1].bTo-call.blocks[first].bTo, len(pieces[0])) {
			t.Errorf("worker %d: block %d is multiplied before all of it has been asked for", worker, i+1)
		}
	}
	// Where one piece ends and the next begins, some are left out.
	if last+1 != number || asked < number*3/4 {
		t.Errorf("worker %d: %d weights are asked for, up to %d of %d", worker, asked, last+1, number)
	}
}

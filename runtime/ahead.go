package runtime

// Weights that nobody asked for before their use keep a thread waiting: at the first block
// of a product there is nothing to compute meanwhile. So a product asks for what comes next
// all the time, in passing: first for its own weights, then for the first ones of the layers
// that follow it. Who follows is guessed from the order in which layers are loaded; a
// wrong guess costs some bandwidth.

// leader is an algorithm that asks for the weights of the layers behind it.
type leader interface {
	// leads adds a layer. The last is a leader itself.
	leads(next algorithm)
}

func (p *product) leads(next algorithm) { p.then = append(p.then, next) }

// ahead is what a block of a product asks for: floats [from, to) of the pieces, one after
// the other. These are the thread's weights behind its first block, then those of the
// layers that follow.
type ahead struct {
	pieces   [4][]float32
	from, to int
}

// ahead is what block i asks for, a task for so many tiles of its part.
func (c *productCall) ahead(s *Session, worker, i, tiles int) ahead {
	first, end := 0, len(c.blocks) // of the thread
	if c.parts == 1 {
		first = s.begins(worker, len(c.blocks))
		end = (len(c.blocks)*(worker+1) + s.threads - 1) / s.threads // it may share the last
	}
	if i < first || i >= end { // it is another's
		return ahead{}
	}
	var a ahead
	begin := &c.blocks[first]
	a.pieces[0] = c.b[begin.bTo:c.blocks[end-1].bTo]
	then := 0
	for k, next := range c.then[:min(len(c.then), len(a.pieces)-1)] {
		a.pieces[k+1] = next.first(s, worker)
		then += len(a.pieces[k+1])
	}
	// So many tiles ask for as much as each of them reads.
	const askAll = 4
	spare := (c.blocks[end-1].bTo - begin.bFrom) * (tiles - askAll) / askAll
	floats := len(a.pieces[0]) + max(min(then, spare), begin.bTo-begin.bFrom)
	n := end - first
	a.from, a.to = floats*(i-first)/n, floats*(i-first+1)/n
	return a
}

// share is parts [from, to) of n, as far as they lie in the piece that they begin in.
func (a *ahead) share(from, to, n int) []float32 {
	from, to = a.from+(a.to-a.from)*from/n, a.from+(a.to-a.from)*to/n
	for _, x := range a.pieces {
		if from < len(x) {
			return x[from:min(to, len(x))]
		}
		from, to = from-len(x), to-len(x)
	}
	return nil
}

// firstBlock is the weights that a thread reads first if C has m rows.
func (p *product) firstBlock(s *Session, worker, m int) []float32 {
	blocks, i := p.blocks(m, 0), 0
	if !s.byRows(m, len(p.b)) {
		i = s.begins(worker, len(blocks))
	}
	return p.b[blocks[i].bFrom:blocks[i].bTo]
}

func (d *direct) first(s *Session, worker int) []float32 {
	return d.firstBlock(s, worker, s.images*d.op.Out.Pixels())
}

func (p *prologue) first(*Session, int) []float32 { return p.b }

func (r *rowTaps) first(*Session, int) []float32 { return r.b }

// first is more than the first part: it passes faster than the next one arrives.
func (w *winogradConv) first(s *Session, worker int) []float32 {
	const most = 128 << 10 // floats; the second-level cache has to hold the layer before, too
	u := w.u
	if w.shared {
		u = u[w.parts[s.begins(worker, len(w.parts))].u:]
	}
	return u[:min(most, len(u))]
}

func (w *windowed) first(s *Session, worker int) []float32 {
	if w.byRows(s) {
		return w.weights
	}
	return w.weights[s.begins(worker, len(w.weights)):s.begins(worker+1, len(w.weights))]
}

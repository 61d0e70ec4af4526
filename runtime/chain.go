package runtime

import "slices"

// PackedChain is convolutions that each read what the one before computes, run depth
// first: of the last one's output a band of rows at a time, and of the others the rows
// that it takes. These lie in scratch memory, few enough for the second-level cache, and
// never get into the arena. Neither bands nor threads change a bit of the result.
//
// To a task, what a convolution does for a band is a convolution of a smaller map. The
// rows at the end of a band that the next one reads again are moved, not computed twice,
// unless another thread does that one.
type PackedChain struct {
	links []*PackedConv
	maps  []bandMap // of what the links but the last compute
	size  int       // floats of scratch that these take
	cuts  [][]band  // into ever more bands, twice as many each time
}

// bandMap is where a task has the rows that a link computes.
type bandMap struct {
	start int // in its scratch
	line  int // floats a row
	pitch int // floats a pixel
}

// band is consecutive rows of the chain's output.
type band struct {
	rows  []span  // of each link's output that it takes
	alone []piece // what computes them, for each link
	after []piece // the same, where the thread has done the band before
}

// piece is rows of a link's output as a convolution of their own.
type piece struct {
	rows, from span      // of the link's output, and its input
	algo       algorithm // nil if there are no rows
}

// resizable is an algorithm that can have maps of other heights.
type resizable interface {
	// resized returns the algorithm with the same weights for op, which may differ from
	// its own convolution in heights and in the padding at top and bottom. It may be
	// called when the layer is packed.
	resized(op *Conv) algorithm
}

// CanChain reports whether a convolution may be part of a chain: the sums of Winograd's
// algorithms depend on where tiles begin, and a gate is not for bands.
func (op *Conv) CanChain() bool { return !op.Algo.IsWinograd() && !op.Gate && !op.pools() }

// Chain joins convolutions, of which each reads nothing but what the one before computes.
func (l *Loader) Chain(links ...*PackedConv) *PackedChain {
	c := &PackedChain{links: links}
	scratch := 0
	for k, link := range links {
		if !link.op.CanChain() || k > 0 && link.op.In != links[k-1].op.Out {
			panic("cnnc: these convolutions are no chain")
		}
		scratch = max(scratch, link.algo.scratch())
	}

	height, n := c.last().op.Out.H, 1
	for most := BandRows(c.ops()); n < height && (height+n-1)/n > most; {
		n = min(2*n, height)
	}
	c.maps, c.size = placeMaps(c.ops(), (height+n-1)/n)
	l.needScratch(c.size + scratch)
	l.after = append(l.after, func() {
		resize := c.resizer()
		for ; n <= height; n *= 2 {
			c.cuts = append(c.cuts, c.cut(n, resize))
		}
	})
	return c
}

func (c *PackedChain) last() *PackedConv { return c.links[len(c.links)-1] }

func (c *PackedChain) ops() []*Conv {
	ops := make([]*Conv, len(c.links))
	for k, link := range c.links {
		ops[k] = link.op
	}
	return ops
}

// BandRows returns how many rows of the output the bands of a chain may have: what the
// other convolutions compute for them should stay in a second-level cache of 1 MB. It is
// 0 if there is no room for one.
func BandRows(chain []*Conv) int {
	const most = 160 << 10 // floats
	rows := chain[len(chain)-1].Out.H
	for ; rows > 0; rows-- {
		if _, size := placeMaps(chain, rows); size <= most {
			break
		}
	}
	return rows
}

// placeMaps finds places for what the links of a chain but the last compute for a band
// of so many rows, and returns the floats that they take together.
func placeMaps(chain []*Conv, rows int) (maps []bandMap, size int) {
	maps = make([]bandMap, len(chain)-1)
	for k, reader := range slices.Backward(chain[1:]) {
		rows = min(reader.In.H, (rows-1)*reader.Stride.H+(reader.Kernel.H-1)*reader.Dilation.H+1)
		pitch := roundUp(reader.In.C, lineFloats)
		if pitch%512 == 0 {
			pitch += lineFloats // else, pixels would compete for the same lines of the first-level cache
		}
		maps[k] = bandMap{size, reader.In.W * pitch, pitch}
		size += rows * maps[k].line
	}
	return maps, size
}

// resizer returns what makes the algorithm of a piece of a link, one for equal pieces.
func (c *PackedChain) resizer() func(k int, op Conv) algorithm {
	type key struct {
		link int
		op   Conv
	}
	made := map[key]algorithm{}
	return func(k int, op Conv) algorithm {
		id := key{k, op}
		if made[id] == nil {
			made[id] = c.links[k].algo.(resizable).resized(&op)
		}
		return made[id]
	}
}

// cut divides the chain's output into n bands.
func (c *PackedChain) cut(n int, resize func(k int, op Conv) algorithm) []band {
	height := c.last().op.Out.H
	bands := make([]band, n)
	for i := range bands {
		b := &bands[i]
		b.rows = make([]span, len(c.links))
		rows := span{height * i / n, height * (i + 1) / n}
		for k, link := range slices.Backward(c.links) {
			b.rows[k] = rows
			rows = link.op.reads(rows)
		}
		for k, rows := range b.rows {
			b.alone = append(b.alone, c.piece(k, rows, resize))
			if i > 0 {
				rows.from = min(max(rows.from, bands[i-1].rows[k].to), rows.to)
			}
			b.after = append(b.after, c.piece(k, rows, resize))
		}
	}
	return bands
}

// piece makes the piece of a link for some rows of its output.
func (c *PackedChain) piece(k int, rows span, resize func(k int, op Conv) algorithm) piece {
	if rows.from == rows.to {
		return piece{rows: rows}
	}
	op := *c.links[k].op
	from := op.reads(rows)
	first, end := op.under(rows)
	op.In.H, op.Out.H = from.to-from.from, rows.to-rows.from
	op.Pad.Top, op.Pad.Bottom = from.from-first, max(0, end-from.to)
	return piece{rows, from, resize(k, op)}
}

// under returns the rows [first, end) of the padded input that lie under rows of the
// output, counted from the first that is no padding.
func (op *Conv) under(rows span) (first, end int) {
	first = rows.from*op.Stride.H - op.Pad.Top
	return first, first + (rows.to-rows.from-1)*op.Stride.H + (op.Kernel.H-1)*op.Dilation.H + 1
}

// reads returns the rows of the input under rows of the output: at least one, so that
// there is a map where all is padding.
func (op *Conv) reads(rows span) span {
	first, end := op.under(rows)
	from := min(max(0, first), op.In.H-1)
	return span{from, min(max(from+1, end), op.In.H)}
}

// Run computes dst, of the last link, from src, of the first. dst must not overlap src.
func (c *PackedChain) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, c.last().op.Out), src: s.tensor(src, c.links[0].op.In)}
	c.run(s)
}

// RunAdd is Run, with a residual of the last link. dst must not overlap src; it may be
// residual.
func (c *PackedChain) RunAdd(s *Session, dst, src, residual View) {
	out := c.last().op.Out
	s.call = call{dst: s.tensor(dst, out), src: s.tensor(src, c.links[0].op.In), arg: s.tensor(residual, out)}
	c.run(s)
}

func (c *PackedChain) run(s *Session) {
	for _, solo := range s.solos {
		solo.band = -1
	}
	s.run(c, s.images*len(c.bands(s)))
}

// bands returns the largest bands of which there are enough for all threads.
func (c *PackedChain) bands(s *Session) []band {
	for _, bands := range c.cuts {
		if s.threads == 1 || s.images*len(bands) >= 2*s.threads {
			return bands
		}
	}
	return c.cuts[len(c.cuts)-1]
}

// task computes a band. A thread mostly does one after the other.
func (c *PackedChain) task(s *Session, worker, i int) {
	bands := c.bands(s)
	maps, solo := s.solo(worker, c.size)
	image, n := i/len(bands), i%len(bands)
	b := &bands[n]
	pieces := b.alone
	if n > 0 && solo.band == i-1 {
		pieces = b.after
		c.keep(maps.data, &bands[n-1], b)
	}
	solo.band = i
	for k, link := range c.links {
		p := &pieces[k]
		if p.algo == nil {
			continue
		}
		solo.call = call{}
		if k == 0 {
			solo.call.src = s.call.src.lines(image, link.op.In, p.from)
		} else {
			solo.call.src = c.lines(maps, k-1, b, p.from)
		}
		if k < len(c.maps) {
			solo.call.dst = c.lines(maps, k, b, p.rows)
		} else {
			solo.call.dst = s.call.dst.lines(image, link.op.Out, p.rows)
			if s.call.arg.data != nil {
				solo.call.arg = s.call.arg.lines(image, link.op.Out, p.rows)
			}
		}
		p.algo.run(solo)
	}
}

// keep moves the rows that band b has in common with the one before it to where it has them.
func (c *PackedChain) keep(maps []float32, before, b *band) {
	for k, m := range c.maps {
		rows := span{b.rows[k].from, b.after[k].rows.from}
		copy(maps[m.start:][:(rows.to-rows.from)*m.line], maps[m.start+(rows.from-before.rows[k].from)*m.line:])
	}
}

// lines is some rows of what link k computes for a band.
func (c *PackedChain) lines(maps tensor, k int, b *band, rows span) tensor {
	m, shape := &c.maps[k], c.links[k].op.Out
	rows.from -= b.rows[k].from
	rows.to -= b.rows[k].from
	t := tensor{maps.data[m.start:], m.pitch, maps.at + m.start}
	return t.lines(0, shape, rows)
}

// lines is some rows of an image.
func (t tensor) lines(image int, shape Shape, rows span) tensor {
	from := (image*shape.H + rows.from) * shape.W * t.pitch
	n := ((rows.to-rows.from)*shape.W-1)*t.pitch + shape.C
	return tensor{t.data[from:][:n], t.pitch, t.at + from}
}

package runtime

import "slices"

// PackedChain is layers that each read what the one before computes, run depth first: of
// the last one's output a band of rows at a time, and of the others the rows that it takes.
// These lie in scratch memory, few enough for the second-level cache, and never get into
// the arena. Neither bands nor threads change a bit of the result.
//
// To a task, what a layer does for a band is a layer of a smaller map. The rows at the end
// of a band that the next one reads again are moved, not computed twice, unless another
// thread does that one.
type PackedChain struct {
	links []Link
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

// piece is rows of a link's output as a layer of their own.
type piece struct {
	rows, from span   // of the link's output, and its input
	layer      runner // nil if there are no rows
}

// runner computes s.call.dst from s.call.src and, if it can add a residual, s.call.arg.
type runner interface{ run(s *Session) }

// Chainable describes a layer that may be part of a chain, if it says so: a *Conv or a
// *MaxPool.
type Chainable interface {
	CanChain() bool
	window() window
}

// Link is a layer that may be part of a chain: a *PackedConv, or a *MaxPool as it stands.
type Link interface {
	Chainable
	// scratch is what a thread needs, in floats.
	scratch() int
	// resized returns the layer for another window, which may differ from its own in
	// heights and in the padding at top and bottom. It may be called when the layer is
	// packed.
	resized(w window) runner
}

// window is what an output pixel is made of.
type window struct {
	in, out                  Shape
	kernel, stride, dilation Size
	pad                      Padding
}

// resizable is an algorithm that can have maps of other heights.
type resizable interface{ resized(op *Conv) algorithm }

// CanChain reports whether a convolution may be part of a chain: the sums of Winograd's
// algorithms depend on where tiles begin, and a gate is not for bands.
func (op *Conv) CanChain() bool { return !op.Algo.IsWinograd() && !op.Gate && !op.pools() }

func (op *Conv) window() window {
	return window{op.In, op.Out, op.Kernel, op.Stride, op.Dilation, op.Pad}
}

// CanChain is that of its description.
func (p *PackedConv) CanChain() bool { return p.op.CanChain() }

func (p *PackedConv) window() window { return p.op.window() }

func (p *PackedConv) scratch() int { return p.algo.scratch() }

func (p *PackedConv) resized(w window) runner {
	op := *p.op
	op.In, op.Out, op.Pad = w.in, w.out, w.pad
	return p.algo.(resizable).resized(&op)
}

// Chain joins layers, of which each reads nothing but what the one before computes.
func (l *Loader) Chain(links ...Link) *PackedChain {
	c := &PackedChain{links: links}
	scratch := 0
	for k, link := range links {
		if !link.CanChain() || k > 0 && link.window().in != links[k-1].window().out {
			panic("cnnc: these layers are no chain")
		}
		scratch = max(scratch, link.scratch())
	}

	height, n := c.out().H, 1
	for most := bandRows(c.windows()); n < height && (height+n-1)/n > most; {
		n = min(2*n, height)
	}
	c.maps, c.size = placeMaps(c.windows(), (height+n-1)/n)
	l.needScratch(c.size + scratch)
	l.after = append(l.after, func() {
		resize := c.resizer()
		for ; n <= height; n *= 2 {
			c.cuts = append(c.cuts, c.cut(n, resize))
		}
	})
	return c
}

// in is the shape of the input.
func (c *PackedChain) in() Shape { return c.links[0].window().in }

// out is the shape of the output.
func (c *PackedChain) out() Shape { return c.links[len(c.links)-1].window().out }

func (c *PackedChain) windows() []window { return windows(c.links) }

func windows[T Chainable](links []T) []window {
	list := make([]window, len(links))
	for k, link := range links {
		list[k] = link.window()
	}
	return list
}

// BandRows returns how many rows of the output the bands of a chain may have: what the
// other layers compute for them should stay in a second-level cache of 1 MB. It is 0 if
// there is no room for one.
func BandRows(chain []Chainable) int { return bandRows(windows(chain)) }

func bandRows(chain []window) int {
	const most = 160 << 10 // floats
	rows := chain[len(chain)-1].out.H
	for ; rows > 0; rows-- {
		if _, size := placeMaps(chain, rows); size <= most {
			break
		}
	}
	return rows
}

// placeMaps finds places for what the links of a chain but the last compute for a band
// of so many rows, and returns the floats that they take together.
func placeMaps(chain []window, rows int) (maps []bandMap, size int) {
	maps = make([]bandMap, len(chain)-1)
	for k, reader := range slices.Backward(chain[1:]) {
		rows = min(reader.in.H, (rows-1)*reader.stride.H+(reader.kernel.H-1)*reader.dilation.H+1)
		pitch := roundUp(reader.in.C, lineFloats)
		if pitch%512 == 0 {
			pitch += lineFloats // else, pixels would compete for the same lines of the first-level cache
		}
		maps[k] = bandMap{size, reader.in.W * pitch, pitch}
		size += rows * maps[k].line
	}
	return maps, size
}

// resizer returns what makes the layer of a piece of a link, one for equal pieces.
func (c *PackedChain) resizer() func(k int, w window) runner {
	type key struct {
		link int
		window
	}
	made := map[key]runner{}
	return func(k int, w window) runner {
		id := key{k, w}
		if made[id] == nil {
			made[id] = c.links[k].resized(w)
		}
		return made[id]
	}
}

// cut divides the chain's output into n bands.
func (c *PackedChain) cut(n int, resize func(k int, w window) runner) []band {
	height := c.out().H
	bands := make([]band, n)
	for i := range bands {
		b := &bands[i]
		b.rows = make([]span, len(c.links))
		rows := span{height * i / n, height * (i + 1) / n}
		for k, link := range slices.Backward(c.links) {
			b.rows[k] = rows
			rows = link.window().reads(rows)
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
func (c *PackedChain) piece(k int, rows span, resize func(k int, w window) runner) piece {
	if rows.from == rows.to {
		return piece{rows: rows}
	}
	w := c.links[k].window()
	from := w.reads(rows)
	first, end := w.under(rows)
	w.in.H, w.out.H = from.to-from.from, rows.to-rows.from
	w.pad.Top, w.pad.Bottom = from.from-first, max(0, end-from.to)
	return piece{rows, from, resize(k, w)}
}

// under returns the rows [first, end) of the padded input that lie under rows of the
// output, counted from the first that is no padding.
func (w *window) under(rows span) (first, end int) {
	first = rows.from*w.stride.H - w.pad.Top
	return first, first + (rows.to-rows.from-1)*w.stride.H + (w.kernel.H-1)*w.dilation.H + 1
}

// reads returns the rows of the input under rows of the output: at least one, so that
// there is a map where all is padding.
func (w window) reads(rows span) span {
	first, end := w.under(rows)
	from := min(max(0, first), w.in.H-1)
	return span{from, min(max(from+1, end), w.in.H)}
}

// Run computes dst, of the last link, from src, of the first. dst must not overlap src.
func (c *PackedChain) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, c.out()), src: s.tensor(src, c.in())}
	c.run(s)
}

// RunAdd is Run, with a residual of the last link, a convolution. dst must not overlap src;
// it may be residual.
func (c *PackedChain) RunAdd(s *Session, dst, src, residual View) {
	out := c.out()
	s.call = call{dst: s.tensor(dst, out), src: s.tensor(src, c.in()), arg: s.tensor(residual, out)}
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
	for k := range c.links {
		p := &pieces[k]
		if p.layer == nil {
			continue
		}
		solo.call = call{}
		if k == 0 {
			solo.call.src = s.call.src.lines(image, c.in(), p.from)
		} else {
			solo.call.src = c.lines(maps, k-1, b, p.from)
		}
		if k < len(c.maps) {
			solo.call.dst = c.lines(maps, k, b, p.rows)
		} else {
			solo.call.dst = s.call.dst.lines(image, c.out(), p.rows)
			if s.call.arg.data != nil {
				solo.call.arg = s.call.arg.lines(image, c.out(), p.rows)
			}
		}
		p.layer.run(solo)
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
	m, shape := &c.maps[k], c.links[k].window().out
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

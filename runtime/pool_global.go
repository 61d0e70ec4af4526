package runtime

import "github.com/cnnc-dev/cnnc/runtime/internal/kernels/pool"

// globalMean is the mean over a large map. Threads divide its rows, as they did when they
// computed the map, and will when they multiply it with what becomes of its means: if they
// divided the channels, half of the map would go from one's cache to another's and back.
// The map is cut into the same bands of rows for any number of threads, and so sums are
// the same.
type globalMean struct {
	in         Shape
	image      int
	channel, n int // what is pooled at a time
	strips     int // of these channels, a band
}

const (
	meanBands    = 4
	meanChannels = 1280 // at a time
	meanScratch  = meanBands * meanChannels
)

// isGlobalMean reports whether a pooling is a mean over a map large enough: of fewer
// pixels, a thread sooner reads some channels of all.
func (op *AdaptivePool) isGlobalMean() bool {
	const large = 48 // pixels
	return op.Out.Pixels() == 1 && !op.Max && op.In.H >= meanBands && op.In.Pixels() >= large
}

// run pools image by image, and the scratch memory's channels at a time. Then the caller
// adds the bands up, which takes no time.
func (g *globalMean) run(s *Session) {
	for g.image = range s.images {
		for g.channel = 0; g.channel < g.in.C; g.channel += g.n {
			g.n = min(meanChannels, g.in.C-g.channel)
			g.strips = min(s.threads/meanBands+1, (g.n+stripChannels-1)/stripChannels)
			s.run(g, meanBands*g.strips)
			bands := pool.Window{Rows: meanBands, RowPitch: meanChannels, Cols: 1, Count: 1, Channels: g.n}
			dst := s.call.dst.data[g.image*s.call.dst.pitch+g.channel:]
			pool.Sum(dst, s.scratch(0), &bands, 1/float32(g.in.Pixels()))
		}
	}
}

func (g *globalMean) task(s *Session, _, i int) {
	band, strip := i/g.strips, i%g.strips
	y, end := g.in.H*band/meanBands, g.in.H*(band+1)/meanBands
	c, to := g.n*strip/g.strips, g.n*(strip+1)/g.strips
	src := s.call.src
	w := pool.Window{
		Rows: end - y, RowPitch: g.in.W * src.pitch, Cols: g.in.W, ColPitch: src.pitch,
		Count: 1, Channels: to - c,
	}
	pixel := (g.image*g.in.H + y) * g.in.W
	pool.Sum(s.scratch(0)[band*meanChannels+c:], src.data[pixel*src.pitch+g.channel+c:], &w, 1)
}

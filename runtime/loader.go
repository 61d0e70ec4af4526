package runtime

import (
	"fmt"
	"math"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

// Loader turns a checkpoint into packed layers, once Err has been called. Only then
// may they run, and the checkpoint be closed.
type Loader struct {
	src     Tensors
	asked   []*weight // in the order asked for
	scratch int       // floats a thread
	zeros   int       // floats
	leader  leader    // the last one loaded
	layers  []func()  // pack what was asked for and fits
	packed  int       // floats that they take
	memory  []float32 // for them
	after   []func()  // left to do then, if all is well
}

// NewLoader returns a loader of src.
func NewLoader(src Tensors) *Loader { return &Loader{src: src} }

// Err packs every layer asked for. It returns nil, or one error that lists
// all tensors that are missing, have another shape, cannot be read, or were never
// asked for (num_batches_tracked excepted). It also reports a CNNC_CPU that this
// machine cannot follow.
func (l *Loader) Err() error {
	l.pack()
	if err := cpu.Err(); err != nil {
		return err
	}
	if err := l.mismatch(); err != nil {
		return err
	}
	for _, f := range l.after {
		f()
	}
	l.after = nil
	return nil
}

// pack packs the layers, as many at a time as there are processors, into one piece of
// memory: in large pages, and a heap that grew layer by layer would be collected each time
// that it has doubled.
func (l *Loader) pack() {
	l.memory = alignedFloats(l.packed)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(len(l.layers), goruntime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(l.layers) {
					return
				}
				l.layers[i]()
			}
		})
	}
	workers.Wait()
	l.layers, l.packed, l.memory = nil, 0, nil
}

// Memory returns what a session needs whose arena has the given number of floats
// an image.
func (l *Loader) Memory(arena int) Memory {
	return Memory{Arena: arena, Scratch: l.scratch, Zeros: l.zeros}
}

// needScratch reserves scratch memory, in floats a thread.
func (l *Loader) needScratch(floats int) { l.scratch = max(l.scratch, floats) }

// needZeros reserves zeros behind the arena.
func (l *Loader) needZeros(floats int) { l.zeros = max(l.zeros, floats) }

// weight is a tensor that a layer asked for.
type weight struct {
	key   string
	shape []int     // as asked for
	found []int     // as the checkpoint has it; nil if it does not
	data  []float32 // while the layer is packed, row-major
	err   error     // from reading
}

func (w *weight) fits() bool { return w.found != nil && slices.Equal(w.found, w.shape) }

// layerLoader collects what one layer needs, then packs it.
type layerLoader struct {
	l       *Loader
	weights []*weight
}

func (l *Loader) layer() *layerLoader { return &layerLoader{l: l} }

// tensor asks for a tensor. Its data is there when the layer is packed.
func (ll *layerLoader) tensor(key string, shape ...int) *weight {
	w := &weight{key: key, shape: shape}
	if found, ok := ll.l.src.Shape(key); ok {
		w.found = append([]int{}, found...)
	}
	ll.weights = append(ll.weights, w)
	ll.l.asked = append(ll.l.asked, w)
	return w
}

// Expect asks for a tensor that no layer packs: for whoever has another use for the
// checkpoint and wants Err to say whether it fits.
func (l *Loader) Expect(key string, shape ...int) { l.layer().tensor(key, shape...) }

// pack has Err read the tensors asked for and call f. It does neither if one of them
// does not fit or cannot be read; Err will tell.
func (ll *layerLoader) pack(f func()) {
	for _, w := range ll.weights {
		if !w.fits() {
			return
		}
	}
	ll.l.layers = append(ll.l.layers, func() {
		for _, w := range ll.weights {
			if w.err = w.read(ll.l.src); w.err != nil {
				return
			}
		}
		f()
		for _, w := range ll.weights {
			ll.l.drop(w.data)
			w.data = nil
		}
	})
}

// drop gives back the memory of what has been packed, so that a model is not in memory
// twice while it is loaded.
func (l *Loader) drop(data []float32) {
	if d, ok := l.src.(weights.Dropper); ok {
		d.Drop(data)
	}
}

func (w *weight) read(src Tensors) error {
	data, err := src.Read(w.key)
	if err != nil {
		return err
	}
	n := 1
	for _, d := range w.shape {
		n *= d
	}
	if len(data) != n {
		return fmt.Errorf("%d values instead of %d", len(data), n)
	}
	w.data = data
	return nil
}

// fold is a chain of norms: y = x*scale + shift, a channel.
type fold struct {
	channels int
	norms    []Norm
	weights  [][]*weight // of each norm: mean, variance, weight, bias; or the factor
}

// splitNorms returns the norms that act on a layer's input, and those on its output.
func splitNorms(norms []Norm) (before, after []Norm) {
	for _, n := range norms {
		if n.Before {
			before = append(before, n)
		} else {
			after = append(after, n)
		}
	}
	return before, after
}

// fold asks for the weights of a chain of norms over so many channels.
func (ll *layerLoader) fold(norms []Norm, channels int) *fold {
	f := &fold{channels: channels, norms: norms}
	for _, n := range norms {
		var ws []*weight
		switch n.Kind {
		case BatchNorm:
			ws = []*weight{
				ll.tensor(n.Key+".running_mean", channels),
				ll.tensor(n.Key+".running_var", channels),
			}
			if n.Affine {
				ws = append(ws, ll.tensor(n.Key+".weight", channels), ll.tensor(n.Key+".bias", channels))
			}
		case LearnedScale:
			ws = []*weight{ll.tensor(n.Key, n.Dims...)}
		}
		f.weights = append(f.weights, ws)
	}
	return f
}

// values multiplies the chain out; ones and zeros if it is empty. It may be called
// when the layer is packed.
func (f *fold) values() (scale, shift []float64) {
	scale, shift = make([]float64, f.channels), make([]float64, f.channels)
	for c := range scale {
		x, y := 1.0, 0.0
		for i := range f.norms {
			a, b := f.norms[i].at(c, f.weights[i])
			x, y = x*a, y*a+b
		}
		scale[c], shift[c] = x, y
	}
	return scale, shift
}

// at returns channel c's factor and shift.
func (n *Norm) at(c int, ws []*weight) (a, b float64) {
	switch n.Kind {
	case BatchNorm:
		a, b = 1, 0
		if n.Affine {
			a, b = float64(ws[2].data[c]), float64(ws[3].data[c])
		}
		mean, variance := float64(ws[0].data[c]), float64(ws[1].data[c])
		a /= math.Sqrt(variance + n.Eps)
		return a, b - mean*a
	case LearnedScale:
		return float64(ws[0].data[c]), 0
	default:
		return oneOrEach(n.Scale, c), oneOrEach(n.Shift, c)
	}
}

// oneOrEach returns v's value of channel c, where a single value is for all.
func oneOrEach(v []float64, c int) float64 {
	if len(v) == 1 {
		return v[0]
	}
	return v[c]
}

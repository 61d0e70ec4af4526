package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/depthwise"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/grouped"
	slide "github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
)

// windowed is what the algorithms Depthwise and Grouped have in common: kernels that
// find their way over the map themselves, given output rows and channels.
type windowed struct {
	op    *Conv
	step  int // channels that stay together in a task
	chunk int // channels of a call, a multiple of step

	clamp  slide.Clamp
	lo, hi float32
	clamps bool // the bounds are all of the activation

	// One of these, once it is packed. They are no interface, as a call through one
	// would put its arguments on the heap.
	depthwise *depthwise.Conv
	grouped   *grouped.Conv
	weights   []float32 // its packed ones
}

// newWindowed makes calls of up to so many channels.
func newWindowed(op *Conv, step, chunk int) windowed {
	w := windowed{op: op, step: step, chunk: max(1, chunk/step) * step}
	switch op.Act.Kind {
	case ReLU:
		w.clamp = slide.FromBelow
	case ReLU6:
		w.clamp = slide.OnBothSides
	}
	w.lo, w.hi, w.clamps = op.Act.kernel().Bounds()
	return w
}

func (w *windowed) scratch() int { return 0 }

func (w *windowed) zeros() int { return 0 }

// packed is enough for vectors of any width: a group that fills one begins with a new one.
func (w *windowed) packed() int {
	in, out := w.op.In.C/w.op.Groups, w.op.Out.C/w.op.Groups
	channels := roundUp(w.op.Out.C, lineFloats)
	if out > lineFloats {
		channels = w.op.Groups * roundUp(out, lineFloats)
	}
	return packedFloats(channels*in*w.op.Kernel.H*w.op.Kernel.W, channels)
}

// geometry is the convolution as the kernels see it.
func (op *Conv) geometry() slide.Geometry {
	return slide.Geometry{
		InH: op.In.H, InW: op.In.W, OutH: op.Out.H, OutW: op.Out.W,
		KernelH: op.Kernel.H, KernelW: op.Kernel.W,
		StrideH: op.Stride.H, StrideW: op.Stride.W,
		DilationH: op.Dilation.H, DilationW: op.Dilation.W,
		PadTop: op.Pad.Top, PadLeft: op.Pad.Left,
	}
}

// work is a run in multiply-adds; of a few taps, to store the sum takes longer than these.
func (w *windowed) work(s *Session) int {
	const store = 32 // multiply-adds
	return s.images * (w.op.products() + store*w.op.Out.Len())
}

// grid divides each image of a run into tasks: parts of the rows, and of a part slices of
// the channels.
func (w *windowed) grid(s *Session) (parts, slices int) {
	if !s.worthSharing(w.work(s)) {
		return 1, 1
	}
	want := 4 * s.threads
	if w.op.Out.H >= want*slide.RowStep {
		return want, 1
	}
	const least = 1 << 21 // multiply-adds a task: of fewer, a thread does better in one go
	want = max(s.threads, min(want, w.work(s)/s.images/least))
	parts = 1
	if w.byRows(s) {
		parts = min(s.threads, w.op.Out.H)
	}
	return parts, min((want+parts-1)/parts, (w.op.Out.C+w.step-1)/w.step)
}

// byRows reports whether threads divide the rows.
func (w *windowed) byRows(s *Session) bool {
	return s.byRows(s.images*w.op.Out.Pixels(), len(w.weights))
}

func (w *windowed) run(s *Session) {
	parts, slices := w.grid(s)
	s.share(w, s.images*parts*slices, w.work(s))
}

func (w *windowed) task(s *Session, _, i int) {
	parts, slices := w.grid(s)
	image, part, slice := i/(parts*slices), i/slices%parts, i%slices
	begins := func(i, n, of, unit int) int { return min(n, (n+unit-1)/unit*i/of*unit) }
	unit := 1 // rows of a part are a multiple of it
	if parts > s.threads {
		unit = slide.RowStep
	}
	h, c := w.op.Out.H, w.op.Out.C
	fromC, toC := begins(slice, c, slices, w.step), begins(slice+1, c, slices, w.step)
	call := slide.Call{
		Dst: s.call.dst.image(image, w.op.Out), Src: s.call.src.image(image, w.op.In),
		FromY: begins(part, h, parts, unit), ToY: begins(part+1, h, parts, unit),
		Clamp: w.clamp, Lower: w.lo, Upper: w.hi,
	}
	if s.call.arg.data != nil {
		call.Residual = s.call.arg.image(image, w.op.Out)
	}
	for at := fromC; at < toC; at += w.chunk {
		call.FromC, call.ToC = at, min(at+w.chunk, toC)
		w.rows(call)
	}
}

// image is one image of a tensor, as the kernels see it.
func (t tensor) image(i int, shape Shape) slide.Map {
	n := (shape.Pixels()-1)*t.pitch + shape.C
	return slide.Map{Data: t.data[i*shape.Pixels()*t.pitch:][:n], Pitch: t.pitch}
}

// rows makes a call in pieces: the garbage collector waits for a kernel to return, and
// an activation that the kernels do not know should find its input in the first-level
// cache.
func (w *windowed) rows(call slide.Call) {
	const (
		products = 1 << 20 // 10 to 100 microseconds
		floats   = 8 << 10
	)
	op, channels := w.op, call.ToC-call.FromC
	line := op.Out.W * channels
	height := products / (line * op.Kernel.H * op.Kernel.W * op.In.C / op.Groups)
	if !w.clamps {
		height = min(height, floats/line)
	}
	height = max(1, height/slide.RowStep) * slide.RowStep
	for end := call.ToY; call.FromY < end; call.FromY = call.ToY {
		n := min(height, end-call.FromY)
		if n > 1 && end < op.Out.H {
			n -= n % slide.RowStep
		}
		call.ToY = call.FromY + n
		w.call(&call)
		if !w.clamps {
			d := eltwise.Rows{Data: call.Dst.Data[call.FromY*op.Out.W*call.Dst.Pitch+call.FromC:], Pitch: call.Dst.Pitch}
			eltwise.Act(op.Act.kernel(), op.Act.Slope, d, d, (call.ToY-call.FromY)*op.Out.W, channels)
		}
	}
}

func (w *windowed) call(call *slide.Call) {
	if w.depthwise != nil {
		w.depthwise.Run(call)
	} else {
		w.grouped.Run(call)
	}
}

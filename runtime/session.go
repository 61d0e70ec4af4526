package runtime

import (
	"fmt"
	"math"
	goruntime "runtime"
	"sync/atomic"
)

// Memory is what a session of a model needs, in floats.
type Memory struct {
	Arena   int // an image
	Scratch int // a thread
	Zeros   int // that stand in for pixels outside of a map
}

// TensorLayout is the order of the axes of inputs and outputs.
type TensorLayout uint8

const (
	// NCHW is PyTorch's order: planes of channels.
	NCHW TensorLayout = iota
	// NHWC keeps the channels of a pixel together.
	NHWC
)

// Option changes a default of NewSession.
type Option func(*options)

type options struct {
	threads int
	batch   int
	layout  TensorLayout
}

// Threads sets how many threads an inference uses, the caller's included. The
// default, and the meaning of an n below 1, is GOMAXPROCS when the session is made.
// Lowering GOMAXPROCS later is respected.
func Threads(n int) Option { return func(o *options) { o.threads = n } }

// Batch sets the largest number of images of one call; memory grows with it. The
// default, and the meaning of an n below 1, is 1.
func Batch(n int) Option { return func(o *options) { o.batch = n } }

// Layout sets the order of the axes of inputs and outputs. The default is NCHW.
func Layout(l TensorLayout) Option { return func(o *options) { o.layout = l } }

// Session is the memory and the workers of one inference at a time. Any number
// of sessions may share a model; a session belongs to one goroutine at a time.
type Session struct {
	arena        []float32 // batch times Memory.Arena, then Memory.Zeros that stay zeros
	zeros        int       // where these begin in the arena
	scratchMem   []float32 // of all threads, pitch apart
	scratchAt    int       // where it begins, counted from the arena's beginning
	scratchPitch int       // from one thread's scratch to the next, in floats
	batch        int
	layout       TensorLayout

	team    *team // nil for one thread
	threads int   // of this inference; 1 outside of one
	images  int   // of this inference
	busy    atomic.Bool
	solos   []*Session // of each thread, see solo
	band    int        // of a solo: the one of the running chain that its thread did last

	call     call         // arguments of the op that is running
	border   border       // the running Input or Output
	pooling  pooling      // the running pooling op
	mean     globalMean   // or this one
	product  productCall  // the running convolution or linear layer
	winograd winogradCall // or this one
	tiled    tiledCall    // or this one
	parts    int          // number of tasks of the region that is running
}

// call is the arguments of the running op, where its tasks find them.
type call struct {
	dst, src, arg tensor    // arg is the second operand or the residual
	gate          tensor    // of a convolution's input
	flat          []float32 // the caller's side of Input and Output
}

// tensor is a view of the images of this call: C floats a pixel, pitch apart.
// It ends with the last pixel's last channel.
type tensor struct {
	data  []float32
	pitch int
	at    int // where data begins in the arena
}

// NewSession allocates a session. Close it, or drop it: its workers end when it is
// collected.
func NewSession(mem Memory, opts ...Option) *Session {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.threads < 1 {
		o.threads = goruntime.GOMAXPROCS(0)
	}
	s := &Session{
		batch:   max(o.batch, 1),
		layout:  o.layout,
		threads: 1,
		// Pooling, which no Loader sees, takes meanScratch. A gap keeps neighbours' writes out of
		// each other's prefetched lines.
		scratchPitch: roundUp(max(mem.Scratch, meanScratch), lineFloats) + 2*lineFloats,
	}
	if s.batch > math.MaxInt/4/max(1, mem.Arena) { // make refuses what is too much, but not a product that wrapped
		panic(fmt.Sprintf("cnnc: no memory for %d images of %d floats", s.batch, mem.Arena))
	}
	s.zeros = mem.Arena * s.batch
	end := s.zeros + mem.Zeros
	s.scratchAt = roundUp(end, lineFloats)
	size := s.scratchAt + s.scratchPitch*o.threads
	if size >= hugeFloats/2 {
		size = roundUp(size, hugeFloats) // all of it on huge pages
	}
	memory := alignedFloats(size)
	s.arena, s.scratchMem = memory[:end:end], memory[s.scratchAt:]
	for range o.threads {
		s.solos = append(s.solos, &Session{arena: memory, zeros: s.zeros, batch: 1, threads: 1, images: 1})
	}
	if o.threads > 1 {
		s.team = newTeam(o.threads)
		goruntime.AddCleanup(s, (*team).close, s.team)
	}
	return s
}

// Begin starts an inference of n images, 1 <= n <= Batch. End must follow. It panics if
// n is out of range or an inference is running: both are mistakes of the calling program.
func (s *Session) Begin(n int) {
	if n < 1 || n > s.batch {
		panic(fmt.Sprintf("cnnc: %d images in a session for 1 to %d", n, s.batch))
	}
	s.claim()
	s.images = n
	if s.team != nil {
		s.threads = min(len(s.team.seats), goruntime.GOMAXPROCS(0))
		s.team.begin()
	}
}

// claim panics if an inference is running: two goroutines with one session would compute
// nonsense without a word.
func (s *Session) claim() {
	if s.busy.Swap(true) {
		panic("cnnc: a session runs one inference at a time; make one session a goroutine")
	}
}

// End ends the inference: the workers park.
func (s *Session) End() {
	if s.team != nil {
		s.threads = 1
		s.team.end()
	}
	s.busy.Store(false)
}

// Close ends the workers. A closed session still runs, on the caller's thread alone.
// Closing twice is harmless. Like Begin, it panics if an inference is running.
func (s *Session) Close() {
	s.claim()
	defer s.busy.Store(false)
	if s.team != nil {
		s.team.close()
		s.team = nil
	}
	s.threads = 1
}

// run executes tasks [0, tasks) of j on the threads of this inference.
func (s *Session) run(j job, tasks int) { s.runOn(s.threads, j, tasks) }

// share is run for a job of so many multiply-adds: alone if they are too few.
func (s *Session) share(j job, tasks, products int) {
	threads := 1
	if s.worthSharing(products) {
		threads = s.threads
	}
	s.runOn(threads, j, tasks)
}

func (s *Session) runOn(threads int, j job, tasks int) {
	s.parts = tasks
	if n := min(tasks, threads); n > 1 {
		s.team.run(s, j, tasks, n)
		return
	}
	for i := range tasks {
		j.task(s, 0, i)
	}
}

// worthSharing reports whether so many multiply-adds outweigh handing some of them to
// another thread, and waiting for it.
func (s *Session) worthSharing(products int) bool {
	const least = 1 << 18 // 3 to 5 microseconds
	return s.threads > 1 && products >= least
}

// tasks is into how many tasks to divide so many multiply-adds.
func (s *Session) tasks(products int) int {
	const (
		each  = 4       // tasks a thread: what is left over at the end is small
		least = 1 << 17 // multiply-adds a task: about a microsecond
	)
	if s.threads == 1 {
		return 1
	}
	return max(1, min(each*s.threads, products/least))
}

// byRows reports whether threads should divide so many pixels among them, rather than the
// channels: then each finds in its own cache what it computed in the layer before, where
// fetching it from another's takes long. But each needs all weights then, and waits for
// them if they are many, or if it has few pixels to multiply them with.
func (s *Session) byRows(pixels, weights int) bool {
	const many = 256 << 10
	few := 24 // pixels
	if weights > many {
		few = 64
	}
	return pixels >= few*s.threads
}

// begins is which of n consecutive tasks a worker begins with.
func (s *Session) begins(worker, n int) int { return n * worker / s.threads }

// split returns into how many tasks to cut work on so many floats, which consists of
// so many items: few enough that a task outweighs its hand-off, enough that the
// threads finish together.
func (s *Session) split(floats, items int) int {
	const least = 4096 // floats a task: about a microsecond
	if s.threads == 1 {
		return 1
	}
	n := max(1, min(items, floats/least, 8*s.threads))
	if n > s.threads {
		n -= n % s.threads // each begins where it does in other layers
	}
	return n
}

// part returns the items [from, to) of n that task i of the running region does.
func (s *Session) part(i, n int) (from, to int) {
	return n * i / s.parts, n * (i + 1) / s.parts
}

// runPixels runs a job that treats every pixel of every image alike.
func (s *Session) runPixels(j job, shape Shape) {
	s.run(j, s.split(s.images*shape.Len(), s.images*shape.Pixels()))
}

// pixels returns the pixels [from, to), of all images, that task i of runPixels does.
func (s *Session) pixels(i int, shape Shape) (from, to int) {
	return s.part(i, s.images*shape.Pixels())
}

// tensor resolves a view of a tensor of this inference's images.
func (s *Session) tensor(v View, shape Shape) tensor {
	base := v.Offset*s.batch + v.Channel
	n := (s.images*shape.Pixels()-1)*v.Pitch + shape.C
	return tensor{s.arena[base : base+n : base+n], v.Pitch, base}
}

// solo is for tasks that run whole layers on one image. It returns the first floats of the
// thread's scratch memory, as part of the arena, and a session of that thread alone, which
// has the same arena and the rest of the scratch memory.
func (s *Session) solo(worker, floats int) (tensor, *Session) {
	mem, solo := s.scratch(worker), s.solos[worker]
	solo.scratchMem = mem[floats:]
	solo.scratchPitch = len(solo.scratchMem) + 2*lineFloats
	return tensor{data: mem[:floats], at: s.scratchAt + worker*s.scratchPitch}, solo
}

// scratch returns a thread's scratch memory: Memory.Scratch floats, aligned to 64
// bytes, holding whatever was left there.
func (s *Session) scratch(worker int) []float32 {
	at := worker * s.scratchPitch
	return s.scratchMem[at : at+s.scratchPitch-2*lineFloats]
}

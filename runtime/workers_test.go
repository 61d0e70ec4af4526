package runtime

import (
	"math"
	"math/rand/v2"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tally counts how often each task ran.
type tally struct {
	ran   []atomic.Int32
	delay func(i int)
}

func (c *tally) task(s *Session, worker, i int) {
	if c.delay != nil {
		c.delay(i)
	}
	s.scratch(worker)[0]++ // a race if two tasks share a worker
	c.ran[i].Add(1)
}

// others counts the tasks that ran, but for the first.
func (c *tally) others() (n int) {
	for i := range c.ran[1:] {
		n += int(c.ran[1+i].Load())
	}
	return n
}

func (c *tally) check(t *testing.T, want int32) {
	t.Helper()
	for i := range c.ran {
		if got := c.ran[i].Load(); got != want {
			t.Fatalf("task %d ran %d times, want %d", i, got, want)
		}
	}
}

func TestEveryTaskRunsOnce(t *testing.T) {
	for threads := 1; threads <= 5; threads++ {
		s := NewSession(Memory{Scratch: 1}, Threads(threads))
		for _, tasks := range []int{0, 1, 2, 3, 7, 64, 1000} {
			c := &tally{ran: make([]atomic.Int32, tasks)}
			for round := range 50 {
				s.Begin(1)
				for range 3 {
					s.run(c, tasks)
				}
				s.End()
				if round == 25 {
					time.Sleep(2 * time.Millisecond) // long enough for the workers to park
				}
			}
			c.check(t, 150)
		}
		s.Close()
		s.Close()
	}
}

// TestSessionsTogether runs many sessions on many goroutines, under the feet of the
// garbage collector and of a changing GOMAXPROCS.
func TestSessionsTogether(t *testing.T) {
	defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(0))
	stop := make(chan struct{})
	var background, sessions sync.WaitGroup
	background.Go(func() {
		for n := 1; ; n = n%4 + 1 {
			select {
			case <-stop:
				return
			default:
				goruntime.GOMAXPROCS(n)
				goruntime.GC()
			}
		}
	})
	for i := range 8 {
		sessions.Go(func() {
			s := NewSession(Memory{Scratch: 1}, Threads(i%4+1))
			defer s.Close()
			c := &tally{ran: make([]atomic.Int32, 37)}
			for range 40 {
				s.Begin(1)
				for range 10 {
					s.run(c, len(c.ran))
				}
				s.End()
			}
			c.check(t, 400)
		})
	}
	sessions.Wait()
	close(stop)
	background.Wait()
}

// TestWorkIsShared checks that a slow first task does not keep the others waiting:
// whoever is free takes over its worker's share.
func TestWorkIsShared(t *testing.T) {
	s := NewSession(Memory{Scratch: 1}, Threads(2))
	defer s.Close()
	const tasks = 8
	for range 1000 {
		c := &tally{ran: make([]atomic.Int32, tasks)}
		var others int // that ran before the first gave up
		c.delay = func(i int) {
			for end := time.Now().Add(time.Minute); i == 0 && others < tasks-1 && time.Now().Before(end); {
				others = c.others()
				goruntime.Gosched()
			}
		}
		s.Begin(1)
		s.run(c, tasks)
		s.End()
		if others != tasks-1 {
			t.Fatalf("%d of the %d others ran beside the first task", others, tasks-1)
		}
	}
}

func TestWorkersParkMidway(t *testing.T) {
	s := NewSession(Memory{Scratch: 1}, Threads(2))
	defer s.Close()
	s.Begin(1)
	defer s.End()
	for !s.team.seats[1].parked.Load() { // seconds, where others want the processors
		time.Sleep(time.Millisecond)
	}
	c := &tally{ran: make([]atomic.Int32, 100)}
	s.run(c, 100)
	c.check(t, 1)
}

func TestPanicInTask(t *testing.T) {
	for threads := 1; threads <= 3; threads++ {
		for _, bad := range []int{0, 50, 99} {
			s := NewSession(Memory{Scratch: 1}, Threads(threads))
			c := &tally{ran: make([]atomic.Int32, 100), delay: func(i int) {
				if i == bad {
					panic("a broken kernel")
				}
			}}
			s.Begin(1)
			func() {
				defer func() {
					if v, _ := recover().(string); !strings.Contains(v, "a broken kernel") {
						t.Errorf("threads=%d: recovered %q", threads, v)
					}
				}()
				s.run(c, 100)
			}()
			s.End()

			good := &tally{ran: make([]atomic.Int32, 100)}
			s.Begin(1)
			s.run(good, 100)
			s.End()
			good.check(t, 1)
			s.Close()
		}
	}
}

// TestForgottenSession checks that the workers of a session that nobody closes end.
func TestForgottenSession(t *testing.T) {
	before := goruntime.NumGoroutine()
	func() {
		for range 10 {
			s := NewSession(Memory{Arena: 16, Scratch: 1}, Threads(3))
			c := &tally{ran: make([]atomic.Int32, 10)}
			s.Begin(1)
			s.run(c, 10)
			s.End()
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); goruntime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", goruntime.NumGoroutine(), before)
		}
		goruntime.GC()
		time.Sleep(5 * time.Millisecond)
	}
}

func TestSessionMisuse(t *testing.T) {
	s := NewSession(Memory{Arena: 16}, Threads(-1), Batch(-3))
	defer s.Close()
	if s.Batch() != 1 {
		t.Errorf("Batch(-3) is %d, want 1", s.Batch())
	}
	for name, misuse := range map[string]func(){
		"wrapped size":   func() { NewSession(Memory{Arena: 16}, Batch(math.MaxInt/8+1)) },
		"no image":       func() { s.Begin(0) },
		"too many":       func() { s.Begin(2) },
		"already begun":  func() { s.Begin(1); defer s.End(); s.Begin(1) },
		"closed":         func() { s.Begin(1); defer s.End(); s.Close() },
		"input short":    func() { s.Begin(1); defer s.End(); s.Input(View{Pitch: 4}, Shape{2, 2, 2}, make([]float32, 7, 8)) },
		"output short":   func() { s.Begin(1); defer s.End(); s.Output(make([]float32, 7, 8), View{Pitch: 4}, Shape{2, 2, 2}) },
		"beyond the end": func() { s.Begin(1); defer s.End(); s.tensor(View{Offset: 16, Pitch: 4}, Shape{2, 2, 2}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			misuse()
		}()
	}
}

func TestNoAllocations(t *testing.T) {
	shape := Shape{64, 32, 32}
	s := NewSession(Memory{Arena: 3 * shape.Len(), Scratch: 100}, Threads(2))
	defer s.Close()
	a, b, d := View{0, 0, 64}, View{shape.Len(), 0, 64}, View{2 * shape.Len(), 0, 64}
	in, out := make([]float32, shape.Len()), make([]float32, shape.Len())
	silu, sum, mul := &Activation{shape, Act{Kind: SiLU}}, &Add{shape, Act{Kind: GELU}}, &Mul{Shape: shape}
	maximum := &MaxPool{In: shape, Out: shape, Kernel: Size{3, 3}, Stride: Size{1, 1}, Dilation: Size{1, 1}, Pad: Padding{1, 1, 1, 1}}
	global := &AdaptivePool{In: shape, Out: Shape{64, 1, 1}}
	lrn, softmax, flatten := &LRN{shape, 5, 1, 0.75, 1}, &Softmax{shape}, &Flatten{shape}
	grn, _, _ := newGRN(t, rand.New(rand.NewPCG(1, 2)), shape)
	s.Begin(1) // here, since AllocsPerRun leaves one processor, and a session then takes one thread
	defer s.End()
	ops := func() {
		s.Input(a, shape, in)
		silu.Run(s, b, a)
		sum.Run(s, d, a, b)
		mul.Run(s, d, a, b)
		maximum.Run(s, d, a)
		global.Run(s, d, a)
		lrn.Run(s, d, a)
		softmax.Run(s, d, a)
		grn.Run(s, d, a)
		flatten.Run(s, View{2 * shape.Len(), 0, shape.Len()}, a)
		s.Output(out, d, shape)
	}
	if n := testing.AllocsPerRun(10, ops); n != 0 {
		t.Errorf("%v allocations an inference", n)
	}
}

func BenchmarkHandOff(b *testing.B) {
	s := NewSession(Memory{Scratch: 1}, Threads(2))
	defer s.Close()
	c := &tally{ran: make([]atomic.Int32, 2)}
	s.Begin(1)
	for b.Loop() {
		s.run(c, 2)
	}
	s.End()
}

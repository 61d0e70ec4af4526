package runtime

import (
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/cnnc-dev/cnnc/runtime/internal/spin"
)

// job is the body of a parallel region. Tasks of one region run in any order, on
// any worker, and must not depend on how they are spread.
type job interface {
	// task computes part i. Two tasks that run at once have different workers,
	// so s.scratch(worker) is theirs alone.
	task(s *Session, worker, i int)
}

// A team is the goroutines that share a session's parallel regions with the
// caller: persistent, spinning during an inference, parked between inferences.
//
// The tasks of a region are dealt out as one span of consecutive tasks a seat.
// Everybody works through the span of their own seat, so that a worker meets the
// same part of the maps layer after layer, in its own cache; then takes what
// others have not begun. Nobody waits for a worker that has not shown up: the
// region ends when every task is done, whoever did it.
//
// A team does not refer to its session outside a region, so a forgotten session
// can be collected and its team closed.
type team struct {
	seats []seat // 0 is the caller's

	// Of the current region. Written before the spans are published; only who
	// has claimed a task may read them, since the region cannot end before that
	// task is done.
	session *Session
	job     job

	_       [128]byte // left changes within a region; what lies around it does not
	left    atomic.Int64
	_       [128]byte
	active  atomic.Bool // between Begin and End
	closed  atomic.Bool
	failure atomic.Pointer[failure]
}

// seat is a worker's place; each has its own cache lines.
type seat struct {
	span   atomic.Uint64 // unclaimed tasks [first, end) as first<<32 | end
	parked atomic.Bool   // the worker waits for wake, or is about to
	wake   chan struct{} // holds at most one token: sent by whoever resets parked
	_      [128 - 24]byte
}

// failure is the first panic of a region.
type failure struct {
	value any
	stack []byte
}

const (
	// burst is how many pauses a spin loop makes between yields: some 10 microseconds.
	burst = 256
	// patience is how many bursts a worker waits for a region before it parks in
	// the middle of an inference.
	patience = 500
)

// newTeam starts threads-1 workers.
func newTeam(threads int) *team {
	t := &team{seats: make([]seat, threads)}
	for i := range t.seats {
		t.seats[i].wake = make(chan struct{}, 1)
	}
	for i := 1; i < threads; i++ {
		go t.serve(i)
	}
	return t
}

// begin keeps workers spinning once a region has woken them. Waking them here would cost
// more than a small network takes; nobody waits for them anyway.
func (t *team) begin() { t.active.Store(true) }

// end lets the workers park.
func (t *team) end() { t.active.Store(false) }

// close ends the workers.
func (t *team) close() {
	t.closed.Store(true)
	for i := range t.seats {
		t.seats[i].rouse()
	}
}

// run executes tasks [0, tasks) of j on the first n seats, n <= tasks. If a task
// panics, run panics when nobody works any more.
func (t *team) run(s *Session, j job, tasks, n int) {
	t.session, t.job = s, j
	t.left.Store(int64(tasks))
	// The caller's span first: a worker that is through before the caller has begun
	// must see what to take over, since it looks only once.
	for i := range n {
		t.seats[i].span.Store(uint64(tasks*i/n)<<32 | uint64(tasks*(i+1)/n))
		t.seats[i].rouse()
	}
	t.work(0)
	for spins := 1; t.left.Load() != 0; spins++ {
		spin.Pause()
		if spins%burst == 0 {
			yield()
		}
	}
	t.session, t.job = nil, nil
	if f := t.failure.Swap(nil); f != nil {
		panic(fmt.Sprintf("%v\n\nin a worker:\n%s", f.value, f.stack))
	}
}

// serve is a worker's life.
func (t *team) serve(me int) {
	for t.await(&t.seats[me]) {
		t.work(me)
	}
}

// await returns when the seat's span holds tasks; false when the team closes.
func (t *team) await(seat *seat) bool {
	for idle := 0; ; idle++ {
		for range burst {
			if seat.hasTasks() {
				return true
			}
			spin.Pause()
		}
		if t.closed.Load() {
			return false
		}
		if t.active.Load() && idle < patience {
			yield()
			continue
		}
		seat.parked.Store(true)
		// Whoever acted before it could see parked has not sent a token: look
		// again. If parked is reset meanwhile, the token is on its way.
		if (seat.hasTasks() || t.closed.Load() || t.active.Load() && idle < patience) &&
			seat.parked.CompareAndSwap(true, false) {
			continue
		}
		<-seat.wake
		idle = 0
	}
}

// yield lets others run: goroutines that want this processor of Go's, threads that want
// this one of the machine's.
func yield() {
	goruntime.Gosched()
	spin.Yield()
}

// work does tasks until none is left to claim.
func (t *team) work(me int) {
	done := 0
	for {
		i, ok := t.claim(me)
		if !ok {
			break
		}
		t.do(me, i)
		done++
	}
	if done > 0 {
		t.left.Add(int64(-done))
	}
}

// claim takes the next task of the worker's own span, or else another's last.
func (t *team) claim(me int) (task int, ok bool) {
	if task, ok = t.seats[me].takeFirst(); ok {
		return task, true
	}
	for k := 1; k < len(t.seats); k++ {
		if task, ok = t.seats[(me+k)%len(t.seats)].takeLast(); ok {
			return task, true
		}
	}
	return 0, false
}

// do executes one task. After a panic the region's other tasks are only counted,
// so that it ends.
func (t *team) do(me, i int) {
	defer func() {
		if v := recover(); v != nil {
			t.failure.CompareAndSwap(nil, &failure{v, debug.Stack()})
		}
	}()
	if t.failure.Load() == nil {
		t.job.task(t.session, me, i)
	}
}

// rouse unparks the seat's worker if it is parked.
func (s *seat) rouse() {
	if s.parked.Load() && s.parked.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

func (s *seat) hasTasks() bool {
	v := s.span.Load()
	return v>>32 < v&0xffffffff
}

func (s *seat) takeFirst() (task int, ok bool) {
	for {
		v := s.span.Load()
		first, end := v>>32, v&0xffffffff
		if first >= end {
			return 0, false
		}
		if s.span.CompareAndSwap(v, (first+1)<<32|end) {
			return int(first), true
		}
	}
}

func (s *seat) takeLast() (task int, ok bool) {
	for {
		v := s.span.Load()
		first, end := v>>32, v&0xffffffff
		if first >= end {
			return 0, false
		}
		if s.span.CompareAndSwap(v, first<<32|(end-1)) {
			return int(end - 1), true
		}
	}
}

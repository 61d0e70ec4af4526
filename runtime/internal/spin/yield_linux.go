package spin

import "golang.org/x/sys/unix"

// Yield lets the system run another thread on this processor, if one waits. On a busy
// machine it may be the very one that the loop waits for.
func Yield() {
	// Raw: the thread keeps its place in Go's scheduler, as if it had been preempted.
	_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
}

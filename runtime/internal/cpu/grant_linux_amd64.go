//go:build !purego

package cpu

import (
	"sync"

	"golang.org/x/sys/unix"
)

// hasGrants says whether the operating system can be asked for AMX.
const hasGrants = true

// granted asks Linux for AMX. It refuses where a thread has a signal stack too small for the
// tiles, as C libraries may; Go's own are large enough.
var granted = sync.OnceValue(func() bool {
	const (
		request  = 0x1023 // ARCH_REQ_XCOMP_PERM
		tileData = 18     // XFEATURE_XTILEDATA
	)
	_, _, errno := unix.Syscall(unix.SYS_ARCH_PRCTL, request, tileData, 0)
	return errno == 0
})

package runtime

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// preferHuge asks the system for huge pages in place of ordinary ones. mem consists of
// whole huge pages.
func preferHuge(mem []float32) {
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(mem))), 4*len(mem))
	_ = unix.Madvise(bytes, unix.MADV_HUGEPAGE) // a kernel without them does without them
}

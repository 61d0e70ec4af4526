package weights

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// populate brings a part of a mapped file into memory.
func populate(raw []byte) error {
	err := advise(raw, unix.MADV_POPULATE_READ, pageDown, pageUp)
	if errors.Is(err, unix.EFAULT) || errors.Is(err, unix.EHWPOISON) {
		return errors.New("the file has become shorter, or the disk fails")
	}
	return nil // older kernels do it page by page
}

// drop takes a part of a mapped file out of this process's memory, except for pages that it
// shares with its neighbours. Whoever reads it gets it from the file again.
func drop(raw []byte) {
	const few = 256 << 10 // not worth that other processors forget where pages are
	if len(raw) >= few {
		_ = advise(raw, unix.MADV_DONTNEED, pageUp, pageDown)
	}
}

func pageDown(at uintptr) uintptr { return at &^ uintptr(os.Getpagesize()-1) }

func pageUp(at uintptr) uintptr { return pageDown(at + uintptr(os.Getpagesize()-1)) }

// advise gives advice on raw, with its begin and its end moved to those of pages.
func advise(raw []byte, advice int, begin, end func(at uintptr) uintptr) error {
	p := unsafe.Pointer(unsafe.SliceData(raw))
	from, to := begin(uintptr(p)), end(uintptr(p)+uintptr(len(raw)))
	if from >= to {
		return nil
	}
	return unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, from-uintptr(p))), to-from), advice)
}

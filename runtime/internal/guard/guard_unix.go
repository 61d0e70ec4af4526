//go:build unix

package guard

import (
	"fmt"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pages maps enough pages for n floats between two that nobody may touch.
func pages(t testing.TB, n int) []byte {
	t.Helper()
	page := os.Getpagesize()
	inside := (4*n + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, inside+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(fmt.Errorf("mmap: %w", err))
	}
	t.Cleanup(func() { _ = unix.Munmap(mem) })
	for _, outside := range [][]byte{mem[:page], mem[page+inside:]} {
		if err := unix.Mprotect(outside, unix.PROT_NONE); err != nil {
			t.Fatal(fmt.Errorf("mprotect: %w", err))
		}
	}
	return mem[page : page+inside]
}

func floats(b []byte, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

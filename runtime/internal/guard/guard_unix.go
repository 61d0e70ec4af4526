//go:build unix

package guard

import (
	"fmt"
	"syscall"
	"testing"
	"unsafe"
)

// pages maps enough pages for n floats between two that nobody may touch.
func pages(t testing.TB, n int) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	inside := (4*n + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, inside+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(fmt.Errorf("mmap: %w", err))
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	for _, outside := range [][]byte{mem[:page], mem[page+inside:]} {
		if err := syscall.Mprotect(outside, syscall.PROT_NONE); err != nil {
			t.Fatal(fmt.Errorf("mprotect: %w", err))
		}
	}
	return mem[page : page+inside]
}

func floats(b []byte, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

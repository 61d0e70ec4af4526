//go:build !linux

package runtime

// preferHuge is for Linux, where huge pages have to be asked for.
func preferHuge([]float32) {}

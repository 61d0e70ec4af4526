//go:build !purego

package spin

// Pause takes a few dozen cycles, leaves the core's execution units to its other
// hardware thread, and softens the end of a spin loop.
//
//go:noescape
func Pause()

//go:build !amd64 || purego

package spin

// Pause does nothing where there is no instruction for it.
func Pause() {}

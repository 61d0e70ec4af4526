//go:build !linux

package spin

// Yield does nothing where x/sys does not know how to.
func Yield() {}

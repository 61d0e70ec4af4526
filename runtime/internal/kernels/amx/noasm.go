//go:build !amd64 || purego

package amx

// run is never called: without assembly, cpu.Tiles is false.
func (s *Split) run() {}

// run is never called, either.
func (c *Call) run() {}

// runBurst is never called, either.
func runBurst([]uint16, int) {}
